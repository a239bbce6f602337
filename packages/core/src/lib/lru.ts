/** A bounded map of names to values. A new name evicts the least recently used one if there are too many. */
export interface LruMap<V> {
  get(name: string): V | undefined;
  set(name: string, value: V): V;
}

export function createLruMap<V>(maxEntries: number): LruMap<V> {
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
      if (all.size >= maxEntries) all.delete(all.keys().next().value!);
      all.set(name, value);
      return value;
    },
  };
}
