import type { ExecutionContext } from '@nestjs/common';
import { createMemory } from '@tokenward/core/adapter';

/** What a guard answered to a context, and what that context was about: one that somebody made by hand may be about another call by now. */
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

/** Nest asks all guards of a call one after the other. Whoever asks for the same call much later wants to know whether its token still counts. */
const SAME_CALL_MS = 1000;

/**
 * The answer that a context has already, or waits for: the guard may stand both among the global guards and on the handler, and a guard of the
 * user's may ask it, too. It is decided on once, and told once to those who watch.
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

/** A caller that does not wait for it must not end the process by what it rejects with. */
export function rememberPending(context: ExecutionContext, pending: Promise<boolean>): Promise<boolean> {
  const answer = about(context, pending);
  answers.set(context, answer);
  // a refusal may be an outage's, and is no answer for the next one who asks
  pending.catch(() => {
    if (answers.get(context) === answer) answers.set(context, undefined);
  });
  return pending;
}

function about(context: ExecutionContext, answer: true | Promise<boolean>): Answer {
  const args = context.getArgs<unknown[]>();
  return { handler: context.getHandler(), owner: context.getClass(), args, first: args[0], third: args[2], at: performance.now(), answer };
}
