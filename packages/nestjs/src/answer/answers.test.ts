import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { expect, test, vi } from 'vitest';
import { answerTo, rememberAdmitted, rememberPending } from './answers.js';

class OrdersController {
  list() {}
  create() {}
}

function contextOf(request: object, handler: () => void = OrdersController.prototype.list): ExecutionContextHost {
  return new ExecutionContextHost([request, {}], OrdersController, handler);
}

test('keeps a separate answer for each context of a request', async () => {
  const request = {};
  const [admitted, waiting, unasked] = [contextOf(request), contextOf(request), contextOf(request)];
  const pending = Promise.resolve(true);
  rememberAdmitted(admitted);
  void rememberPending(waiting, pending);
  expect([answerTo(admitted), answerTo(waiting), answerTo(unasked)]).toEqual([true, pending, undefined]);
  expect(answerTo(contextOf({}))).toBeUndefined();
  await pending;
});

test('forgets a pending answer that fails, and keeps the answers of other contexts', async () => {
  const request = {};
  const [admitted, failing] = [contextOf(request), contextOf(request)];
  rememberAdmitted(admitted);
  await expect(rememberPending(failing, Promise.reject(new Error('outage')))).rejects.toThrow('outage');
  expect([answerTo(admitted), answerTo(failing)]).toEqual([true, undefined]);
});

test('has no answer if the handler or an argument of the context has changed', () => {
  for (const change of [
    (context: ExecutionContextHost) => vi.spyOn(context, 'getHandler').mockReturnValue(OrdersController.prototype.create),
    (context: ExecutionContextHost) => void (context.getArgs()[0] = {}),
    (context: ExecutionContextHost) => void (context.getArgs()[2] = {}),
  ]) {
    const context = contextOf({});
    rememberAdmitted(context);
    expect(answerTo(context)).toBe(true);
    change(context);
    expect(answerTo(context)).toBeUndefined();
  }
});

test('has no answer a second later, when the token may have expired', () => {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
  const request = {};
  const context = contextOf(request);
  rememberAdmitted(context);
  clock.mockReturnValue(1000);
  expect(answerTo(context)).toBeUndefined();
  rememberAdmitted(contextOf(request));
  clock.mockReturnValue(999);
  // adding the new answer removed the expired one
  expect(answerTo(context)).toBeUndefined();
  clock.mockRestore();
});
