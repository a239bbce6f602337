import { isError } from '../lib/native-error.js';
import { misuse } from '../lib/configuration-error.js';
import type { Deny } from '../decision/decision.js';
import { isThenable } from '../lib/thenable.js';

/** Whether an `onDenied` gave the decision back, for the guard to answer as it would have. */
function isDenial(answer: unknown): answer is Deny {
  return typeof answer === 'object' && answer !== null && (answer as Partial<Deny>).outcome === 'deny';
}

/** @throws ConfigurationError where what is to be answered as a refusal is none */
export function assertDenial(decision: unknown): asserts decision is Deny {
  if (!isDenial(decision)) throw misuse('guard.refuse(decision, ...)', 'is given no refusal: ask decision.outcome first');
}

/** What an `onDenied` threw, as an Error: to a framework nothing may mean "go on", and some words mean routes. */
export function asError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error('onDenied threw something that is no Error', { cause: thrown });
}

/**
 * Asks an `onDenied` that may answer at once or later. Gives the refusal that it left to the guard, and undefined where it has answered itself.
 *
 * @throws an Error, whatever it threw
 */
export async function answerOf<Native extends readonly unknown[]>(
  onDenied: (decision: Deny, ...native: Native) => unknown,
  decision: Deny,
  ...native: Native
): Promise<Deny | undefined> {
  let given: unknown;
  try {
    given = await onDenied(decision, ...native);
  } catch (thrown) {
    throw asError(thrown);
  }
  return isDenial(given) ? given : undefined;
}

/** The functions of a guard's user that hear of a refusal before it is answered. */
export interface RefusalListeners<Native extends readonly unknown[]> {
  /** Tells `onRefused`. */
  refused(decision: Deny, request: Native[0]): void;
  readonly onDenied: ((decision: Deny, ...native: Native) => unknown) | undefined;
}

/**
 * Answers a refusal: tells `onRefused`, then leaves the answer to `onDenied`, if there is one.
 *
 * @param send sends the guard's own answer. It is called if there is no `onDenied`, or if that returned the decision
 * @returns a promise only if there is an `onDenied`. It rejects with an Error if `onDenied` throws.
 */
export function answerRefusal<Native extends readonly unknown[], Result>(
  { refused, onDenied }: RefusalListeners<Native>,
  decision: Deny,
  native: Native,
  send: (decision: Deny) => Result,
): Result | Promise<Result | undefined> {
  refused(decision, native[0]);
  if (!onDenied) return send(decision);
  return answerOf(onDenied, decision, ...native).then((left) => left && send(left));
}

let warned = false;

/** Calls what only watches. That it failed is told once, without its words. */
export function callQuietly(watch: () => unknown): void {
  function failed(): void {
    if (warned) return;
    warned = true;
    process.emitWarning('onRefused failed; the refusal stood, and no more is told of it', { code: 'TOKENWARD_LISTENER' });
  }

  try {
    const answer = watch();
    if (isThenable(answer)) Promise.resolve(answer).catch(failed);
  } catch {
    failed();
  }
}
