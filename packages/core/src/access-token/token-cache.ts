import type { Auth } from '../auth.js';
import type { Issuer } from '../issuer/issuer.js';
import type { PreparedKey } from '../issuer/key-set.js';
import { weightOf } from './token-weight.js';

/** That this very string was signed by this key of this issuer, and what it says. Nothing that may change since is in it. */
export interface VerifiedToken {
  readonly auth: Auth;
  readonly issuer: Issuer;
  readonly key: PreparedKey;
  readonly algorithm: string;
  readonly keyId: string | undefined;
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
  get(token: string): VerifiedToken | undefined;
  set(token: string, verified: VerifiedToken): void;
  delete(token: string): void;
  health(): TokenCacheHealth;
}

interface Entry {
  readonly verified: VerifiedToken;
  readonly bytes: number;
}

/**
 * Remembers verified tokens by their whole text. There are two generations: what is found in the old one moves to the young one, and when the
 * young one is full it becomes the old one, whose forgotten entries go at once. So no flood of tokens that are seen once costs more than
 * putting them in, and those that are used stay.
 */
export function createTokenCache({ maxEntries, maxBytes }: TokenCacheLimits): TokenCache {
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();
  let youngBytes = 0;
  let oldBytes = 0;
  let hits = 0;
  let misses = 0;

  function keep(token: string, entry: Entry): void {
    if (entry.bytes > maxBytes / 2) return;
    if (young.size + 1 > maxEntries / 2 || youngBytes + entry.bytes > maxBytes / 2) {
      old = young;
      oldBytes = youngBytes;
      young = new Map();
      youngBytes = 0;
    }
    young.set(token, entry);
    youngBytes += entry.bytes;
  }

  function forget(token: string): void {
    const inYoung = young.get(token);
    if (inYoung && young.delete(token)) youngBytes -= inYoung.bytes;
    const inOld = old.get(token);
    if (inOld && old.delete(token)) oldBytes -= inOld.bytes;
  }

  return {
    get(token) {
      let found = young.get(token);
      if (!found) {
        found = old.get(token);
        if (found) {
          forget(token);
          keep(token, found);
        }
      }
      if (found) hits++;
      else misses++;
      return found?.verified;
    },
    set(token, verified) {
      forget(token);
      keep(token, { verified, bytes: weightOf(token, verified.auth) });
    },
    delete: forget,
    health: () => ({ entries: young.size + old.size, bytes: youngBytes + oldBytes, hits, misses }),
  };
}
