import type { ExecutionContext } from '@nestjs/common';
import { notesOf, type Answer, type CallNotes } from '../call/call-notes.js';

/** Nest runs all guards of a call one after the other. A caller that asks again much later wants to know whether the token is still valid. */
const SAME_CALL_MS = 1000;

/**
 * Returns the answer that a context already has or waits for. The guard may be both a global guard and on the handler, and a guard of the application may call
 * it too: the call is still decided once, and published as one event.
 */
export function answerTo(context: ExecutionContext): true | Promise<boolean> | undefined {
  let known = notesOn(context).answers;
  while (known && known.context !== context) known = known.next;
  if (!known || known.handler !== context.getHandler() || known.owner !== context.getClass()) return undefined;
  const args = context.getArgs();
  if (known.args !== args || known.first !== args[0] || known.third !== args[2]) return undefined;
  return known.answer !== true || isRecent(known, performance.now()) ? known.answer : undefined;
}

export function rememberAdmitted(context: ExecutionContext): void {
  remember(context, true);
}

/** Remembers a pending answer. Its rejection is handled here, so a caller that does not await it cannot end the process. */
export function rememberPending(context: ExecutionContext, pending: Promise<boolean>): Promise<boolean> {
  const notes = notesOn(context);
  const answer = remember(context, pending);
  // the refusal may come from an outage, which says nothing about the next call
  pending.catch(() => {
    notes.answers = without(notes.answers, (one) => one === answer);
  });
  return pending;
}

/** An HTTP request has one call at a time, and core keeps its own notes there. A request of GraphQL has a call for each field. */
function notesOn(context: ExecutionContext): CallNotes {
  const request: unknown = context.getType() === 'http' ? context.getArgByIndex(0) : undefined;
  return notesOf(typeof request === 'object' && request !== null ? request : context);
}

function remember(context: ExecutionContext, answer: true | Promise<boolean>): Answer {
  const notes = notesOn(context);
  const args = context.getArgs<unknown[]>();
  const at = performance.now();
  const next = notes.answers && without(notes.answers, (one) => one.context === context || (one.answer === true && !isRecent(one, at)));
  notes.answers = { context, handler: context.getHandler(), owner: context.getClass(), args, first: args[0], third: args[2], at, answer, next };
  return notes.answers;
}

function isRecent({ at }: Answer, now: number): boolean {
  return now - at < SAME_CALL_MS;
}

function without(answers: Answer | undefined, isOver: (one: Answer) => boolean): Answer | undefined {
  let kept: Answer | undefined;
  for (let one = answers; one;) {
    const { next } = one;
    if (!isOver(one)) {
      one.next = kept;
      kept = one;
    }
    one = next;
  }
  return kept;
}
