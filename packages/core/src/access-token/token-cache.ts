import type { Issuer } from '../issuer/issuer.js';
import type { VerifiedKey } from '../issuer/verified-key.js';
import type { VerifiedToken } from './verifier.js';
import { weightOf } from './token-weight.js';

/** That this very string was signed by this key of this issuer, and what it says. */
export interface VerifiedJwt extends VerifiedToken, VerifiedKey {
  readonly issuer: Issuer;
  readonly type: string | undefined;
  /** `nbf` */
  readonly notBefore: number | undefined;
}

export interface TokenCacheLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** What can be seen of a cache. */
export interface TokenCacheHealth {
  readonly entries: number;
  /** An estimate of what they take, from the lengths of tokens and the number of their claims. */
  readonly bytes: number;
  /** How many look-ups found their token, and how many did not. */
  readonly hits: number;
  readonly misses: number;
}

export interface TokenCache {
  get(token: string): VerifiedJwt | undefined;
  set(token: string, verified: VerifiedJwt): void;
  delete(token: string): void;
  health(): TokenCacheHealth;
}

interface Entry {
  /** No part of a longer string, which it would keep in memory. */
  readonly tail: string;
  readonly token: string;
  readonly verified: VerifiedJwt;
  readonly bytes: number;
}

/** Of characters that an issuer's signature alone decides: the shortest signature there is has 43. */
const TAIL_LENGTH = 32;

/**
 * Remembers verified tokens by their whole text. They are found by their last characters, since to hash all of a token costs more than all else that
 * is done for one that is known; then the whole is compared. The tail finds and decides nothing: where another token with the same tail is remembered,
 * a token is unknown, and does not take its place. So whoever makes such a token, as an issuer may that chooses its key for it, gains and takes nothing.
 *
 * There are two generations: what is found in the old one moves to the young one, and when the young one is full it becomes the old one, whose
 * forgotten entries go at once. So no flood of tokens that are seen once costs more than putting them in, and those that are used stay.
 */
export function createTokenCache({ maxEntries, maxBytes }: TokenCacheLimits): TokenCache {
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();
  let youngBytes = 0;
  let oldBytes = 0;
  let hits = 0;
  let misses = 0;

  function keep(entry: Entry): void {
    if (entry.bytes > maxBytes / 2) return;
    if (young.size + 1 > maxEntries / 2 || youngBytes + entry.bytes > maxBytes / 2) {
      old = young;
      oldBytes = youngBytes;
      young = new Map();
      youngBytes = 0;
    }
    young.set(entry.tail, entry);
    youngBytes += entry.bytes;
  }

  function forget(tail: string, token: string): void {
    const inYoung = young.get(tail);
    if (inYoung?.token === token && young.delete(tail)) youngBytes -= inYoung.bytes;
    const inOld = old.get(tail);
    if (inOld?.token === token && old.delete(tail)) oldBytes -= inOld.bytes;
  }

  return {
    get(token) {
      const tail = token.slice(-TAIL_LENGTH);
      let found = young.get(tail);
      if (!found) {
        found = old.get(tail);
        if (found?.token === token) {
          forget(tail, token);
          keep(found);
        }
      }
      if (found?.token !== token) {
        misses++;
        return undefined;
      }
      hits++;
      return found.verified;
    },
    set(token, verified) {
      const tail = copyOf(token.slice(-TAIL_LENGTH));
      forget(tail, token);
      if (!young.has(tail) && !old.has(tail)) keep({ tail, token, verified, bytes: weightOf(token, verified.auth) });
    },
    delete: (token) => forget(token.slice(-TAIL_LENGTH), token),
    health: () => ({ entries: young.size + old.size, bytes: youngBytes + oldBytes, hits, misses }),
  };
}

/** A slice of a string keeps the whole of it in memory. What is remembered was verified, so each character is a byte. */
function copyOf(tail: string): string {
  return Buffer.from(tail, 'latin1').toString('latin1');
}
