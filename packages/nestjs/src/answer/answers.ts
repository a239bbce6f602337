import type { ExecutionContext } from '@nestjs/common';
import { createMemory } from '@tokenward/core/adapter';

/** A guard's answer to a context, and the call that the context stood for: a context made by hand may stand for another call later. */
interface Answer {
  readonly handler: object;
  readonly owner: object;
  readonly args: readonly unknown[];
  readonly first: unknown;
  readonly third: unknown;
  readonly at: number;
  readonly answer: true | Promise<boolean>;
}

const answers = createMemory<ExecutionContext, Answer>();

/** Nest runs all guards of a call one after the other. A caller that asks again much later wants to know whether the token is still valid. */
const SAME_CALL_MS = 1000;

/**
 * Returns the answer that a context already has or waits for. The guard may be both a global guard and on the handler, and a guard of the application may call
 * it too: the call is still decided once, and published as one event.
 */
export function answerTo(context: ExecutionContext): true | Promise<boolean> | undefined {
  const known = answers.get(context);
  if (!known || known.handler !== context.getHandler() || known.owner !== context.getClass()) return undefined;
  const args = context.getArgs();
  if (known.args !== args || known.first !== args[0] || known.third !== args[2]) return undefined;
  return known.answer !== true || performance.now() - known.at < SAME_CALL_MS ? known.answer : undefined;
}

export function rememberAdmitted(context: ExecutionContext): void {
  answers.set(context, about(context, true));
}

/** Remembers a pending answer. Its rejection is handled here, so a caller that does not await it cannot end the process. */
export function rememberPending(context: ExecutionContext, pending: Promise<boolean>): Promise<boolean> {
  const answer = about(context, pending);
  answers.set(context, answer);
  // the refusal may come from an outage, which says nothing about the next call
  pending.catch(() => {
    if (answers.get(context) === answer) answers.set(context, undefined);
  });
  return pending;
}

function about(context: ExecutionContext, answer: true | Promise<boolean>): Answer {
  const args = context.getArgs<unknown[]>();
  return { handler: context.getHandler(), owner: context.getClass(), args, first: args[0], third: args[2], at: performance.now(), answer };
}
