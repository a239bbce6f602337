import type { Issuer } from './issuer.js';

/**
 * The issuers that tokens named, kept while there is room. One that a token was verified for gives way only to another such; those that were
 * merely named share a room of their own, since anybody can name any number of them.
 */
export interface KeptIssuers {
  /** Counts as a use. */
  get(name: string): Issuer | undefined;
  add(name: string, issuer: Issuer): Issuer;
  values(): readonly Issuer[];
}

interface Entry {
  readonly issuer: Issuer;
  /** Since room was last needed. A mark costs less at each request than a move to the end of the Map. */
  isUsed: boolean;
}

interface Room {
  readonly verified: number;
  readonly named: number;
}

const DEFAULT_ROOM: Room = { verified: 10_000, named: 5000 };

/** @param evicted is told of each issuer that is kept no longer. Requests that are under way may still use it. */
export function keptIssuers(evicted: (issuer: Issuer) => void, room: Room = DEFAULT_ROOM): KeptIssuers {
  // a Map gives its entries in the order in which they were put in
  const verified = new Map<string, Entry>();
  const named = new Map<string, Entry>();

  function promote(name: string, entry: Entry): void {
    named.delete(name);
    if (verified.size >= room.verified) evictVerified();
    verified.set(name, entry);
  }

  /** The one that was not used for longest, or nearly so: each one that was used gets a second chance. */
  function evictVerified(): void {
    for (const [name, entry] of verified) {
      verified.delete(name);
      if (!entry.isUsed) return evicted(entry.issuer);
      entry.isUsed = false;
      verified.set(name, entry);
    }
  }

  /** The oldest that is not busy: one that is would lose its cooldown, and be asked again at once. */
  function evictNamed(): void {
    let oldest: [string, Entry] | undefined;
    for (const [name, entry] of named) {
      if (entry.issuer.isVerified) {
        promote(name, entry);
        continue;
      }
      oldest ??= [name, entry];
      if (entry.issuer.keys.isBusy()) continue;
      oldest = [name, entry];
      break;
    }
    if (!oldest || named.size < room.named) return;
    named.delete(oldest[0]);
    evicted(oldest[1].issuer);
  }

  return {
    get(name) {
      let entry = verified.get(name);
      if (entry === undefined) {
        entry = named.get(name);
        if (entry === undefined) return undefined;
        if (entry.issuer.isVerified) promote(name, entry);
      }
      entry.isUsed = true;
      return entry.issuer;
    },
    add(name, issuer) {
      if (named.size >= room.named) evictNamed();
      named.set(name, { issuer, isUsed: true });
      return issuer;
    },
    values: () => [...verified.values(), ...named.values()].map(({ issuer }) => issuer),
  };
}
