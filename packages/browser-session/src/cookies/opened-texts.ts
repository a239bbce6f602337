/** Remembers what sealed texts contain, so that a known one need not be decrypted again. */
export interface OpenedTexts<V> {
  get(text: string): V | undefined;
  /** Only for texts that were opened: a stranger cannot make one, and so cannot fill the memory. */
  add(text: string, value: V): void;
  readonly size: number;
  readonly bytes: number;
}

export interface OpenedTextsLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

interface Entry<V> {
  readonly text: string;
  readonly value: V;
  readonly bytes: number;
}

interface Generation<V> {
  readonly entries: Map<string, Entry<V>>;
  bytes: number;
}

/** The end of a sealed text is its tag, which no two texts share by chance. */
const TAIL_LENGTH = 32;
/** A text takes one byte a character, and its value about as much. The rest is for the objects around them. */
const BYTES_PER_CHARACTER = 2;
const BYTES_PER_ENTRY = 800;

/**
 * Creates a memory of opened texts. The last characters find an entry, and then the whole text is compared: to hash a text of 5,000 characters costs more than
 * the rest of a look-up.
 *
 * There are two generations. A hit moves an entry to the young one. When that is full, it becomes the old one, and the former old one is dropped whole.
 */
export function createOpenedTexts<V>({ maxEntries, maxBytes }: OpenedTextsLimits): OpenedTexts<V> {
  let young: Generation<V> = { entries: new Map(), bytes: 0 };
  let old: Generation<V> = { entries: new Map(), bytes: 0 };

  function keep(tail: string, entry: Entry<V>): void {
    if (entry.bytes > maxBytes / 2) return;
    if (young.entries.size + 1 > maxEntries / 2 || young.bytes + entry.bytes > maxBytes / 2) {
      old = young;
      young = { entries: new Map(), bytes: 0 };
    }
    drop(young, tail);
    young.entries.set(tail, entry);
    young.bytes += entry.bytes;
  }

  function drop(generation: Generation<V>, tail: string): void {
    const entry = generation.entries.get(tail);
    if (entry && generation.entries.delete(tail)) generation.bytes -= entry.bytes;
  }

  return {
    get(text) {
      const tail = text.slice(-TAIL_LENGTH);
      const found = young.entries.get(tail);
      if (found) return found.text === text ? found.value : undefined;
      const older = old.entries.get(tail);
      if (older?.text !== text) return undefined;
      drop(old, tail);
      keep(older.text.slice(-TAIL_LENGTH), older);
      return older.value;
    },
    add(text, value) {
      // a copy: a part of a header would keep the whole header in memory
      const copy = Buffer.from(text, 'latin1').toString('latin1');
      const tail = copy.slice(-TAIL_LENGTH);
      drop(old, tail);
      keep(tail, { text: copy, value, bytes: BYTES_PER_ENTRY + copy.length * BYTES_PER_CHARACTER });
    },
    get size() {
      return young.entries.size + old.entries.size;
    },
    get bytes() {
      return young.bytes + old.bytes;
    },
  };
}
