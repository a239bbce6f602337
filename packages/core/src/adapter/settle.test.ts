import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import type { Allow, Decision } from '../decision/decision.js';
import { createDenial } from '../decision/denial.js';
import { closeGate } from './response-gate.js';
import { answerAlone, never, settle, settleForCallback } from './settle.js';

const deny = createDenial({ realm: 'api' })('expired');
const allow: Allow<undefined> = { outcome: 'allow', auth: undefined, headers: {} };

function setUp() {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  const seen: string[] = [];
  const record =
    (what: string) =>
    (given?: unknown): string => {
      seen.push(given instanceof Error ? `${what}: ${given.message}` : what);
      return what;
    };
  return { response, seen, outcomes: { response, admit: record('admit'), refuse: record('refuse'), fail: record('fail'), overtaken: record('overtaken') } };
}

const isPending = async (promise: unknown): Promise<boolean> => {
  const other = Symbol('pending');
  await new Promise(setImmediate);
  return (await Promise.race([Promise.resolve(promise), Promise.resolve(other)])) === other;
};

test('applies a synchronous decision at once', () => {
  const { outcomes, seen } = setUp();
  expect(settle(allow, outcomes)).toBe('admit');
  expect(settle(deny, outcomes)).toBe('refuse');
  expect(seen).toEqual(['admit', 'refuse']);
});

test('applies an asynchronous decision when it resolves', async () => {
  const { outcomes, seen } = setUp();
  const settled = settle(Promise.resolve<Decision>(deny), outcomes);
  expect(seen).toEqual([]);
  expect(await settled).toBe('refuse');
});

test.each([allow, deny])('rule 157: does not apply the decision if the response was sent first ($outcome)', async (decision: Decision) => {
  const { response, outcomes, seen } = setUp();
  const settled = settle(Promise.resolve(decision), outcomes);
  response.writeHead(504);
  expect(await settled).toBe('overtaken');
  expect(seen).toEqual(['overtaken']);
});

test.each([allow, deny])('rule 157: with a gate, a response that was sent past it leaves the caller pending forever ($outcome)', async (decision: Decision) => {
  const { response, outcomes, seen } = setUp();
  const settled = settle(Promise.resolve(decision), outcomes, closeGate(response));
  ServerResponse.prototype.writeHead.call(response, 504);
  expect(await isPending(settled)).toBe(true);
  expect(seen).toEqual([]);
});

test('rule 157: opens the gate before it admits the request, and sends what the caller has already answered instead of admitting it', async () => {
  const { response, outcomes, seen } = setUp();
  const admit = vi.fn(() => response.setHeader('x-seen', 'yes').hasHeader('x-seen'));
  expect(await settle<unknown>(Promise.resolve(allow), { ...outcomes, admit }, closeGate(response))).toBe(true);
  const settled = settle(Promise.resolve(allow), outcomes, closeGate(response));
  response.end('theirs');
  expect(response.headersSent).toBe(false);
  expect(await settled).toBe('overtaken');
  expect([response.headersSent, seen]).toEqual([true, ['overtaken']]);
});

test('rule 157: with a gate, a refusal discards what the caller wrote', async () => {
  const { response, outcomes } = setUp();
  const gate = closeGate(response);
  const settled = settle(Promise.resolve<Decision>(deny), outcomes, gate);
  response.setHeader('x-secret', 'SECRET').end('SECRET');
  expect(await settled).toBe('refuse');
  expect([response.headersSent, gate.clear(), response.hasHeader('x-secret')]).toEqual([false, false, false]);
});

test('passes a rejected decision to fail, or rejects with an Error if there is no fail', async () => {
  const { response, outcomes, seen } = setUp();
  const { admit, refuse } = outcomes;
  expect(await settle(Promise.reject<Decision>(new Error('theirs')), outcomes)).toBe('fail');
  expect(seen).toEqual(['fail: theirs']);
  await expect(settle(Promise.reject<Decision>(undefined as never), { response, admit, refuse })).rejects.toBeInstanceOf(Error);
});

test('with a gate, a rejection that the caller does not await causes no unhandledRejection', async () => {
  const { response, outcomes } = setUp();
  const unhandled = vi.fn();
  process.on('unhandledRejection', unhandled);
  const refuse = async (): Promise<never> => {
    throw new Error('refused');
  };
  void settle<unknown>(deny, { ...outcomes, refuse }, closeGate(response));
  void settle<unknown>(Promise.resolve<Decision>(deny), { ...outcomes, refuse }, closeGate(response));
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  process.off('unhandledRejection', unhandled);
  expect(unhandled).not.toHaveBeenCalled();
});

test('settleForCallback passes an error to the callback if the guard has returned, and throws an earlier one', async () => {
  const { response, outcomes } = setUp();
  const thrown = new Error('out of order');
  const failed = vi.fn();
  const throwing = {
    response,
    admit() {
      throw thrown;
    },
    async refuse() {
      throw undefined; // eslint-disable-line typescript/only-throw-error -- users do
    },
  };
  const { admit, refuse } = outcomes;
  expect(settleForCallback(allow, { response, admit: () => void admit(), refuse: () => void refuse() }, failed)).toBe(undefined);
  expect(() => settleForCallback(allow, throwing, failed)).toThrow(thrown);
  expect(failed).not.toHaveBeenCalled();
  for (const decision of [() => deny, async () => allow, () => Promise.reject(thrown)]) {
    expect(settleForCallback(decision(), throwing, failed)).toBe(undefined);
    await new Promise(setImmediate);
  }
  expect(failed.mock.calls).toEqual([[expect.any(Error)], [thrown], [thrown]]);
});

test('answerAlone lets no later answer through the gate, even if its own answer fails', async () => {
  for (const answer of [(response: ServerResponse) => void response.writeHead(401).end(), () => Promise.reject(new Error('out of order'))]) {
    const { response } = setUp();
    const gate = closeGate(response);
    response.end('before');
    await answerAlone(gate, answer).catch(() => {});
    const { headersSent, statusCode } = response;
    response.writeHead(200).end('after');
    expect([response.headersSent, response.statusCode]).toEqual([headersSent, statusCode]);
  }
});

test('never() returns a promise that stays pending', async () => {
  expect(await isPending(never())).toBe(true);
});
