/** Values by name, of which those that were not asked for longest are forgotten when there are too many. */
export interface Bounded<V> {
  get(name: string): V | undefined;
  set(name: string, value: V): V;
  values(): readonly V[];
}

/** @param forgotten is told of each value that had to go */
export function bounded<V>(most: number, forgotten: (value: V) => void = () => {}): Bounded<V> {
  // a Map gives its entries in the order in which they were put in
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
      if (all.size >= most) {
        const [oldest, old] = all.entries().next().value!;
        all.delete(oldest);
        forgotten(old);
      }
      all.set(name, value);
      return value;
    },
    values: () => [...all.values()],
  };
}
