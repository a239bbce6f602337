import { isError } from '../lib/native-error.js';
import { misuse } from '../lib/configuration-error.js';
import type { Deny } from '../decision/decision.js';
import { addHeaders } from '../decision/denial.js';
import { SET_COOKIE } from '../node/set-cookie.js';
import { isThenable } from '../lib/thenable.js';

/** Returns whether `onDenied` returned the decision, so that the guard sends its usual answer. */
function isDenial(answer: unknown): answer is Deny {
  return typeof answer === 'object' && answer !== null && (answer as Partial<Deny>).outcome === 'deny';
}

/** @throws ConfigurationError if the value is not a refusal */
export function assertDenial(decision: unknown): asserts decision is Deny {
  if (!isDenial(decision)) throw misuse('guard.refuse(decision, ...)', 'got no refusal. Check decision.outcome first');
}

/** Returns what was thrown as an Error. For a framework, `undefined` may mean "go on", and some strings have a meaning for routes. */
export function asError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error('onDenied threw a value that is not an Error', { cause: thrown });
}

/**
 * Returns a refusal as `onDenied` sees it: without the `Set-Cookie` lines of a session. The adapter adds these to the response itself. An app that sets all headers
 * of the decision at once, as `res.set(headers)` does, would otherwise replace its own cookies with them.
 */
export function withoutCookies(decision: Deny): Deny {
  if (!Object.hasOwn(decision.headers, SET_COOKIE)) return decision;
  const { [SET_COOKIE]: _cookies, ...headers } = decision.headers;
  return addHeaders(decision, Object.freeze(headers));
}

/**
 * Calls `onDenied`, which may answer at once or later. Returns the refusal if the guard is to answer it, and undefined if `onDenied` has answered.
 *
 * @throws an Error, whatever `onDenied` threw
 */
export async function answerOf<Native extends readonly unknown[]>(
  onDenied: (decision: Deny, ...native: Native) => unknown,
  decision: Deny,
  ...native: Native
): Promise<Deny | undefined> {
  const shown = withoutCookies(decision);
  let returned: unknown;
  try {
    returned = await onDenied(shown, ...native);
  } catch (thrown) {
    throw asError(thrown);
  }
  if (returned === shown) return decision;
  return isDenial(returned) ? returned : undefined;
}

/** The user's functions that are called with a refusal. */
export interface RefusalListeners<Native extends readonly unknown[]> {
  /** Calls `onRefused`, if there is one. */
  refused(decision: Deny, request: Native[0]): void;
  readonly onDenied: ((decision: Deny, ...native: Native) => unknown) | undefined;
}

/**
 * Answers a refusal: calls `onRefused`, and then `onDenied`, which answers if there is one.
 *
 * @param send sends the guard's usual answer. It is called if there is no `onDenied`, or if `onDenied` returned the decision.
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

/** Calls a listener whose errors change nothing. The first error prints a warning, without its message. */
export function callQuietly(listener: () => unknown): void {
  function failed(): void {
    if (warned) return;
    warned = true;
    process.emitWarning('onRefused failed. The refusal was answered all the same. Further failures are not reported', { code: 'TOKENWARD_LISTENER' });
  }

  try {
    const result = listener();
    if (isThenable(result)) Promise.resolve(result).catch(failed);
  } catch {
    failed();
  }
}
