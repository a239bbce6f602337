/** A map of limited size. When it is full, a new name evicts the one that was set or read longest ago. */
export interface BoundedMap<V> {
  get(name: string): V | undefined;
  set(name: string, value: V): void;
  delete(name: string): void;
  readonly size: number;
}

export function createBoundedMap<V>(maxEntries: number): BoundedMap<V> {
  // a Map iterates in the order of insertion
  const entries = new Map<string, V>();
  return {
    get(name) {
      const value = entries.get(name);
      if (value !== undefined) {
        entries.delete(name);
        entries.set(name, value);
      }
      return value;
    },
    set(name, value) {
      entries.delete(name);
      if (entries.size >= maxEntries) entries.delete(entries.keys().next().value!);
      entries.set(name, value);
    },
    delete: (name) => void entries.delete(name),
    get size() {
      return entries.size;
    },
  };
}
