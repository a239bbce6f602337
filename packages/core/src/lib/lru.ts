import { assertLimit, MOST_ENTRIES } from './limit.js';

/** A bounded map of names to values. A new name evicts the least recently used one if there are too many. */
export interface LruMap<V> {
  /** Returns a value, which is then the most recently used one. */
  get(name: string): V | undefined;
  /** Sets the value of a name. A name that is there already evicts no other. Returns the value. */
  set(name: string, value: V): V;
  delete(name: string): void;
  readonly size: number;
}

/** @throws ConfigurationError if `maxEntries` is not a whole number from 1 to 10000000 */
export function createLruMap<V>(maxEntries: number): LruMap<V> {
  assertLimit('createLruMap(maxEntries)', maxEntries, MOST_ENTRIES);
  // a Map iterates in the order of insertion
  const all = new Map<string, V>();
  return {
    get(name) {
      const value = all.get(name);
      if (value !== undefined) {
        all.delete(name);
        all.set(name, value);
      }
      return value;
    },
    set(name, value) {
      all.delete(name);
      if (all.size >= maxEntries) all.delete(all.keys().next().value!);
      all.set(name, value);
      return value;
    },
    delete: (name) => void all.delete(name),
    get size() {
      return all.size;
    },
  };
}
