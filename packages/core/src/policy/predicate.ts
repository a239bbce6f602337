import { isThenable } from '../lib/thenable.js';
import { classOf } from '../lib/thrown.js';
import type { Policy } from './policy.js';
import { failure, textOf } from './policy-failure.js';
import type { PolicyFailure, PolicyKind, PolicyReason } from './policy-kind.js';

/** Calls a predicate, which satisfies its policy only by returning `true`. If it throws, operators see the error's class, and not its message. */
export function callPredicate<P extends Policy>(kind: PolicyKind<P>, policy: P, reason: PolicyReason, call: () => unknown): PolicyFailure | undefined {
  let answer: unknown;
  try {
    answer = call();
    if (answer === true) return undefined;
    if (answer === false) return failure(kind, policy, reason);
    if (!isThenable(answer)) return { reason, details: { cause: `${textOf(kind, policy)} returned ${typeOf(answer)} instead of true` } };
    Promise.resolve(answer).catch(() => {});
  } catch (thrown) {
    return { reason, details: { cause: new PredicateError(textOf(kind, policy), thrown) } };
  }
  return { reason, details: { cause: new TypeError(`${textOf(kind, policy)} returned a promise; a predicate must be synchronous`) } };
}

function typeOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** A predicate threw. What it threw is not kept: its message, stack and members may contain a secret, or text of the token. */
class PredicateError extends Error {
  override readonly name = 'PredicateError';

  constructor(text: string, thrown: unknown) {
    super(`${text} threw ${classOf(thrown)}. Its message may quote the token and is not shown: catch the error in the predicate to see it`);
  }
}
