import { classOf } from './thrown.js';
import { TokenwardError } from './tokenward-error.js';

type ErrorKind = new (message: string, options?: ErrorOptions) => Error;

/**
 * Throws what was rejected: a single error as it is, several as one error. That one has the messages of our errors, and the class names of others. Its class is
 * the first of `kinds` that is among them.
 *
 * @example throwRejections(await Promise.allSettled(all.map((one) => one.warm())), [KeysUnavailableError]);
 */
export function throwRejections(results: readonly PromiseSettledResult<unknown>[], kinds: readonly ErrorKind[] = []): void {
  const reasons = results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []));
  if (reasons.length === 0) return;
  if (reasons.length === 1) throw reasons[0];
  const Kind = kinds.find((one) => reasons.some((reason) => reason instanceof one)) ?? Error;
  // what a store of the user throws may quote anything
  const messages = new Set(reasons.map((reason) => (reason instanceof TokenwardError ? reason.message : classOf(reason))));
  throw new Kind([...messages].join('; '), { cause: new AggregateError(reasons) });
}
