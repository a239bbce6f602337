import { isError } from '../lib/native-error.js';

/** Returns the text of a decision's cause. Of an error it is only the message, because the error's own cause may quote anything. */
export function causeText(cause: unknown): string {
  if (Array.isArray(cause)) return cause.map(causeText).join('; ');
  return isError(cause) ? cause.message : String(cause);
}
