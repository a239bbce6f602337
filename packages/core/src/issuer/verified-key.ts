import type { Clock } from '../lib/clock.js';
import type { Issuer } from './issuer.js';
import type { PreparedKey } from '../jose/key-set.js';

/** The key that verified a token, and its issuer. */
export interface VerifiedKey {
  readonly issuer: Issuer;
  readonly key: PreparedKey;
  readonly algorithm: string;
  readonly keyId: string | undefined;
}

/** An issuer vouched for a token by its introspection endpoint. No key verified it. */
export interface Introspected {
  readonly issuer: Issuer;
  readonly key: undefined;
  readonly standing: Standing;
}

/** What is known of an introspected token. All requests with the token share it. */
export interface Standing {
  /** False once a later answer said that the token is not active. */
  isActive: boolean;
  /** When the token must be introspected again, in milliseconds of the monotonic clock, which stands still while a machine is suspended ... */
  freshUntilMs: number;
  /** ... and in seconds since the epoch, by a clock that may be set back. The earlier one counts. */
  freshUntilSeconds: number;
}

/** Whether an answer can still be used without another introspection. */
export function isFresh({ freshUntilMs, freshUntilSeconds }: Standing, clock: Pick<Clock, 'monotonic'>, nowSeconds: number): boolean {
  return clock.monotonic() < freshUntilMs && nowSeconds < freshUntilSeconds;
}

/** Why a token is trusted: a key of its issuer verified it, or its issuer vouched for it. */
export type Vouched = VerifiedKey | Introspected;

/** Returns the reasons for trust alone. A verified token has more members, such as the token itself, which nothing may keep for long. */
export function vouchedOnly(vouched: Vouched): Vouched {
  if (vouched.key === undefined) return { issuer: vouched.issuer, key: undefined, standing: vouched.standing };
  return { issuer: vouched.issuer, key: vouched.key, algorithm: vouched.algorithm, keyId: vouched.keyId };
}
