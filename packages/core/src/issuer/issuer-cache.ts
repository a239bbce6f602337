import type { Issuer } from './issuer.js';

/**
 * A cache of the issuers that tokens name. Forged tokens can name any number of issuers, so unverified issuers have a limit of their own. Only another
 * verified issuer evicts a verified one.
 */
export interface IssuerCache {
  /** Returns an issuer, and marks it as used. */
  get(name: string): Issuer | undefined;
  add(name: string, issuer: Issuer): Issuer;
  values(): readonly Issuer[];
}

interface Entry {
  readonly issuer: Issuer;
  /** Whether it was used since the last eviction. Setting a flag at each request is cheaper than moving the entry to the end of the Map. */
  isUsed: boolean;
}

interface MaxEntries {
  readonly verified: number;
  readonly unverified: number;
}

const MAX_ENTRIES: MaxEntries = { verified: 10_000, unverified: 5000 };

/** How many busy issuers an eviction skips. */
const MOST_BUSY = 64;

/** @param onEvict is called with each evicted issuer. Pending requests may still use it */
export function createIssuerCache(onEvict: (issuer: Issuer) => void, maxEntries: MaxEntries = MAX_ENTRIES): IssuerCache {
  // a Map iterates in the order of insertion
  const verified = new Map<string, Entry>();
  const unverified = new Map<string, Entry>();

  function promote(name: string, entry: Entry): void {
    unverified.delete(name);
    if (verified.size >= maxEntries.verified) evictVerified();
    verified.set(name, entry);
  }

  /** Evicts the oldest issuer that was not used since the last eviction (the second-chance algorithm). */
  function evictVerified(): void {
    for (const [name, entry] of verified) {
      verified.delete(name);
      if (!entry.isUsed) return onEvict(entry.issuer);
      entry.isUsed = false;
      verified.set(name, entry);
    }
  }

  /**
   * Evicts the oldest unverified issuer that is not busy. A busy one would lose its cooldown, and the next token would fetch its keys again. If many are busy, such
   * as tenants that share their keys, it evicts the oldest after all: otherwise each forged token would cost a scan of all of them.
   */
  function evictUnverified(): void {
    let oldest: [string, Entry] | undefined;
    let busy = 0;
    for (const [name, entry] of unverified) {
      if (entry.issuer.isVerified) {
        promote(name, entry);
        continue;
      }
      oldest ??= [name, entry];
      if (entry.issuer.keys.isBusy() && ++busy < MOST_BUSY) continue;
      if (busy >= MOST_BUSY) break;
      oldest = [name, entry];
      break;
    }
    if (!oldest || unverified.size < maxEntries.unverified) return;
    unverified.delete(oldest[0]);
    onEvict(oldest[1].issuer);
  }

  return {
    get(name) {
      let entry = verified.get(name);
      if (entry === undefined) {
        entry = unverified.get(name);
        if (entry === undefined) return undefined;
        if (entry.issuer.isVerified) promote(name, entry);
      }
      entry.isUsed = true;
      return entry.issuer;
    },
    add(name, issuer) {
      if (unverified.size >= maxEntries.unverified) evictUnverified();
      unverified.set(name, { issuer, isUsed: true });
      return issuer;
    },
    values: () => [...verified.values(), ...unverified.values()].map(({ issuer }) => issuer),
  };
}
