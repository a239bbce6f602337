/** The listeners for one kind of event of a store. If one throws, the others and the store go on. */
export interface Listeners<T> {
  /** @returns a function that removes the listener */
  add(listener: (value: T) => void): () => void;
  /** Calls every listener. */
  notify(value: T): void;
}

/** Creates an empty set of {@link Listeners}. */
export function createListeners<T>(): Listeners<T> {
  const all = new Set<(value: T) => void>();
  let hasWarned = false;

  function warnOnce(): void {
    if (hasWarned) return;
    hasWarned = true;
    process.emitWarning('a listener of revocations threw an error; the revocation is in effect', { code: 'TOKENWARD_LISTENER' });
  }

  return {
    add(listener) {
      all.add(listener);
      return () => void all.delete(listener);
    },
    notify(value) {
      for (const listener of all) {
        try {
          listener(value);
        } catch {
          warnOnce();
        }
      }
    },
  };
}
