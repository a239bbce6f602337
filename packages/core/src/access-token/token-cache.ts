import type { Issuer } from '../issuer/issuer.js';
import type { VerifiedKey } from '../issuer/verified-key.js';
import type { JsonSize } from '../lib/json.js';
import { placeOf } from '../lib/place-of.js';
import type { VerifiedToken } from './verifier.js';
import { weightOf } from './token-weight.js';

/** A verified JWT, with the key that verified it. */
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

/** The state of a token cache. */
export interface TokenCacheHealth {
  readonly entries: number;
  /** The estimated size of all entries, from the length of the tokens and the number of their claims. */
  readonly bytes: number;
  /** Look-ups that found their token. */
  readonly hits: number;
  /** Look-ups that did not. */
  readonly misses: number;
}

export interface TokenCache {
  get(token: string): VerifiedJwt | undefined;
  /** @param size the size of the claims, if it is known already */
  set(token: string, verified: VerifiedJwt, size?: JsonSize): void;
  delete(token: string): void;
  health(): TokenCacheHealth;
}

interface Entry {
  readonly place: number;
  readonly token: string;
  readonly verified: VerifiedJwt;
  readonly bytes: number;
}

/**
 * Creates a cache of verified tokens. A number computed from a token's last characters finds its entry. The whole token is then compared, because an equal number
 * proves nothing. To hash the whole token, or to look up a string at all, would cost more than the rest of a check. If another token has the same number, the
 * token is not cached. So an issuer that crafts such tokens gains nothing and evicts nobody.
 *
 * Entries are evicted in two generations. A hit moves an entry from the old generation to the young one. When the young generation is full, it becomes the
 * old one, and the previous old one is dropped whole. So a flood of tokens that are used once costs no more than adding them, and tokens in use stay.
 */
export function createTokenCache({ maxEntries, maxBytes }: TokenCacheLimits): TokenCache {
  let young = new Map<number, Entry>();
  let old = new Map<number, Entry>();
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
    young.set(entry.place, entry);
    youngBytes += entry.bytes;
  }

  function remove(place: number, token: string): void {
    const inYoung = young.get(place);
    if (inYoung?.token === token && young.delete(place)) youngBytes -= inYoung.bytes;
    const inOld = old.get(place);
    if (inOld?.token === token && old.delete(place)) oldBytes -= inOld.bytes;
  }

  return {
    get(token) {
      const place = placeOf(token);
      let found = young.get(place);
      if (!found) {
        found = old.get(place);
        if (found && found.token === token) {
          remove(place, token);
          keep(found);
        }
      }
      // `!found` first: V8 compares two strings directly, and calls a C++ function for anything else
      if (!found || found.token !== token) {
        misses++;
        return undefined;
      }
      hits++;
      return found.verified;
    },
    set(token, verified, size) {
      const place = placeOf(token);
      const known = young.get(place) ?? old.get(place);
      if (known && known.token !== token) return;
      if (known) remove(place, token);
      keep({ place, token, verified, bytes: weightOf(token, verified.auth, size) });
    },
    delete: (token) => remove(placeOf(token), token),
    health: () => ({ entries: young.size + old.size, bytes: youngBytes + oldBytes, hits, misses }),
  };
}
