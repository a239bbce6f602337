import type { Auth } from '../auth.js';
import type { Issuer } from '../issuer/issuer.js';
import type { PreparedKey } from '../issuer/key-set.js';

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
  /** An estimate of what they take, from the lengths of tokens. */
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

/** What an entry takes beside its token's text: the claims and the Auth, in multiples of the token's length and by the piece. */
const BYTES_PER_CHARACTER = 4;
const BYTES_PER_ENTRY = 1500;

/**
 * Remembers verified tokens by their whole text. There are two generations: what is found in the old one moves to the young one, and when the
 * young one is full it becomes the old one, whose forgotten entries go at once. So no flood of tokens that are seen once costs more than
 * putting them in, and those that are used stay.
 */
export function createTokenCache({ maxEntries, maxBytes }: TokenCacheLimits): TokenCache {
  let young = new Map<string, VerifiedToken>();
  let old = new Map<string, VerifiedToken>();
  let youngBytes = 0;
  let oldBytes = 0;
  let hits = 0;
  let misses = 0;

  function keep(token: string, verified: VerifiedToken): void {
    const bytes = bytesOf(token);
    if (bytes > maxBytes / 2) return;
    if (young.size + 1 > maxEntries / 2 || youngBytes + bytes > maxBytes / 2) {
      old = young;
      oldBytes = youngBytes;
      young = new Map();
      youngBytes = 0;
    }
    young.set(token, verified);
    youngBytes += bytes;
  }

  function forget(token: string): void {
    if (young.delete(token)) youngBytes -= bytesOf(token);
    if (old.delete(token)) oldBytes -= bytesOf(token);
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
      return found;
    },
    set(token, verified) {
      forget(token);
      keep(token, verified);
    },
    delete: forget,
    health: () => ({ entries: young.size + old.size, bytes: youngBytes + oldBytes, hits, misses }),
  };
}

function bytesOf(token: string): number {
  return BYTES_PER_ENTRY + BYTES_PER_CHARACTER * token.length;
}
