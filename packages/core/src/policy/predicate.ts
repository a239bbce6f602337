import { isThenable } from '../lib/thenable.js';
import { classOf } from '../lib/thrown.js';
import type { Policy } from './policy.js';
import { failure, textOf } from './policy-failure.js';
import type { PolicyFailure, PolicyKind, PolicyReason } from './policy-kind.js';

/** Asks a predicate, which satisfies its policy by `true` and nothing else. What it throws is for the operator to see. */
export function askPredicate<P extends Policy>(kind: PolicyKind<P>, policy: P, reason: PolicyReason, ask: () => unknown): PolicyFailure | undefined {
  let answer: unknown;
  try {
    answer = ask();
    if (answer === true) return undefined;
    if (answer === false) return failure(kind, policy, reason);
    if (!isThenable(answer)) return { reason, details: { cause: `${textOf(kind, policy)} answered with ${typeOf(answer)}, not true` } };
    Promise.resolve(answer).catch(() => {});
  } catch (thrown) {
    return { reason, details: { cause: new PredicateError(textOf(kind, policy), thrown) } };
  }
  return { reason, details: { cause: new TypeError(`${textOf(kind, policy)} answered with a promise: a predicate must answer at once`) } };
}

function typeOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** A predicate threw. Nothing of what it threw is kept: message, stack and members may hold text of the token, or a secret. */
class PredicateError extends Error {
  override readonly name = 'PredicateError';

  constructor(text: string, thrown: unknown) {
    super(`${text} threw ${classOf(thrown)}. Catch it there to see what it says, which is not shown since it may quote the token`);
  }
}
