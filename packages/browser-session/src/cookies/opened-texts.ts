import { placeOf } from '@tokenward/core/store';

/** Remembers what sealed texts contain, so that a known one need not be decrypted again. */
export interface OpenedTexts<V> {
  get(text: string): V | undefined;
  /**
   * Call it only for texts that were opened. A stranger cannot create such a text, and so cannot fill the memory.
   *
   * @param text must not be a slice of a longer string, which it would keep in memory
   */
  add(text: string, value: V): void;
  readonly size: number;
  readonly bytes: number;
}

export interface OpenedTextsLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

interface Entry<V> {
  readonly place: number;
  readonly text: string;
  readonly value: V;
  readonly bytes: number;
}

interface Generation<V> {
  readonly entries: Map<number, Entry<V>>;
  bytes: number;
}

/** A text takes one byte a character, and its value about as much. The rest is for the objects around them. */
const BYTES_PER_CHARACTER = 2;
const BYTES_PER_ENTRY = 800;

/**
 * Creates a memory of opened texts. A number computed from the last characters finds an entry, and then the whole text is compared: to look up a string at all
 * costs more than the rest. A text replaces another one with the same number, which is then opened again at its next use.
 *
 * There are two generations. A hit moves an entry to the young one. When that is full, it becomes the old one, and the previous old one is dropped whole.
 */
export function createOpenedTexts<V>({ maxEntries, maxBytes }: OpenedTextsLimits): OpenedTexts<V> {
  let young: Generation<V> = { entries: new Map(), bytes: 0 };
  let old: Generation<V> = { entries: new Map(), bytes: 0 };

  function keep(entry: Entry<V>): void {
    if (entry.bytes > maxBytes / 2) return;
    if (young.entries.size + 1 > maxEntries / 2 || young.bytes + entry.bytes > maxBytes / 2) {
      old = young;
      young = { entries: new Map(), bytes: 0 };
    }
    drop(young, entry.place);
    young.entries.set(entry.place, entry);
    young.bytes += entry.bytes;
  }

  function drop(generation: Generation<V>, place: number): void {
    const entry = generation.entries.get(place);
    if (entry && generation.entries.delete(place)) generation.bytes -= entry.bytes;
  }

  return {
    get(text) {
      const place = placeOf(text);
      const found = young.entries.get(place);
      if (found) return found.text === text ? found.value : undefined;
      const older = old.entries.get(place);
      if (older?.text !== text) return undefined;
      drop(old, place);
      keep(older);
      return older.value;
    },
    add(text, value) {
      const place = placeOf(text);
      drop(old, place);
      keep({ place, text, value, bytes: BYTES_PER_ENTRY + text.length * BYTES_PER_CHARACTER });
    },
    get size() {
      return young.entries.size + old.entries.size;
    },
    get bytes() {
      return young.bytes + old.bytes;
    },
  };
}
