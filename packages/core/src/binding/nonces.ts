import { createHmac, timingSafeEqual } from 'node:crypto';

/** The nonces of a guard (RFC 9449 s9). They are computed, not stored, so every process with the same secret accepts them. */
export interface Nonces {
  /** Returns the nonce that clients shall use from now on. */
  current(nowSeconds: number): string;
  /** Returns whether a nonce is valid, and whether the client shall replace it, because its period has passed or its secret is an earlier one. */
  check(nonce: string | undefined, nowSeconds: number): 'current' | 'old' | undefined;
}

export interface NoncesConfig {
  /** The first one makes nonces; those of the others are accepted. */
  readonly secrets: readonly Uint8Array[];
  /** How long a nonce is valid at least. */
  readonly lifetimeSeconds: number;
  /** By how much the clocks of the processes may differ. */
  readonly clockSkewSeconds: number;
}

/** The nonces of a period, and of another process that may be in the next. */
interface ComputedNonces {
  readonly period: number;
  readonly latest: number;
  readonly current: string;
  readonly valid: readonly Buffer[];
}

/** 128 bits, in base64url. */
const LENGTH = 22;

/**
 * Creates nonces. Time is divided into periods, and each has one nonce, which is valid in its period and the next. So a nonce is valid for one to two
 * lifetimes, and nobody without the secret can predict a later one.
 */
export function createNonces({ secrets, lifetimeSeconds, clockSkewSeconds }: NoncesConfig): Nonces {
  let computed: ComputedNonces | undefined;

  function nonceOf(secret: Uint8Array, of: number): string {
    return createHmac('sha256', secret).update(`tokenward DPoP nonce ${lifetimeSeconds} ${of}`).digest('base64url').slice(0, LENGTH);
  }

  /** Computes the nonces anew if a period has begun: here, or by the clock of a process that is ahead. */
  function noncesAt(nowSeconds: number): ComputedNonces {
    const period = Math.floor(nowSeconds / lifetimeSeconds);
    const latest = Math.floor((nowSeconds + clockSkewSeconds) / lifetimeSeconds);
    if (computed?.period === period && computed.latest === latest) return computed;
    const periods = Array.from({ length: latest - period + 2 }, (_, at) => period - 1 + at);
    const valid = periods.flatMap((one) => secrets.map((secret) => Buffer.from(nonceOf(secret, one))));
    computed = { period, latest, current: nonceOf(secrets[0]!, period), valid };
    return computed;
  }

  return {
    current: (nowSeconds) => noncesAt(nowSeconds).current,
    check(nonce, nowSeconds) {
      if (nonce?.length !== LENGTH) return undefined;
      // in UTF-8, so that a character beyond ASCII is not cut to one of a nonce
      const given = Buffer.from(nonce);
      if (given.length !== LENGTH) return undefined;
      const { current, valid } = noncesAt(nowSeconds);
      let isValid = false;
      for (const one of valid) isValid = timingSafeEqual(one, given) || isValid;
      if (!isValid) return undefined;
      return nonce === current ? 'current' : 'old';
    },
  };
}
