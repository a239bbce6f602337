import { isError } from './native-error.js';

type ErrorKind = new (message: string, options?: ErrorOptions) => Error;

/**
 * Throws what was rejected: a single error as it is, several as one error with all messages. That one is of the first of `kinds` that is among them.
 *
 * @example throwRejections(await Promise.allSettled(all.map((one) => one.warm())), [KeysUnavailableError]);
 */
export function throwRejections(results: readonly PromiseSettledResult<unknown>[], kinds: readonly ErrorKind[] = []): void {
  const reasons = results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []));
  if (reasons.length === 0) return;
  if (reasons.length === 1) throw reasons[0];
  const Kind = kinds.find((one) => reasons.some((reason) => reason instanceof one)) ?? Error;
  const messages = new Set(reasons.map((reason) => (isError(reason) ? reason.message : 'a value that is not an Error')));
  throw new Kind([...messages].join('; '), { cause: new AggregateError(reasons) });
}
