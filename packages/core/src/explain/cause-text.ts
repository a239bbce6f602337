import { isError } from '../lib/native-error.js';

/** What may be told of a decision's cause: of an error its message alone, since what caused it may quote anything. */
export function causeText(cause: unknown): string {
  if (Array.isArray(cause)) return cause.map(causeText).join('; ');
  return isError(cause) ? cause.message : String(cause);
}
