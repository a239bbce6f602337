import type { Explained } from '../explain/explanation.js';
import type { Reason } from '../vocabulary/reason.js';
import type { AuthScheme } from '../request/credentials.js';
import type { Issuer } from './issuer.js';

/** Why verification did not succeed. */
export interface VerificationFailure extends Explained {
  readonly reason: Reason;
  readonly retryAfterSeconds?: number | undefined;
  /** When the issuer can be asked for new keys again. It was asked before this token arrived, so a key that was published since is unknown. */
  readonly keysAskedAgainInSeconds?: number | undefined;
  /** The scheme of the credentials, if it was not Bearer. */
  readonly scheme?: AuthScheme | undefined;
  /** The nonce that the next proof needs (RFC 9449 s9). */
  readonly nonce?: string | undefined;
  /** The issuer that the token names, if it is one of the guard's. */
  readonly issuer?: Issuer;
}

/** Whether a result is a failure. It checks an own member: with a polluted prototype, everything would look like a failure. */
export function isFailure(result: object): result is VerificationFailure {
  return Object.hasOwn(result, 'reason');
}
