/** For stores: listeners of one kind. What one throws is the others' no matter, nor the store's. */
export interface Listeners<T> {
  add(listener: (value: T) => void): () => void;
  tell(value: T): void;
}

/** See {@link Listeners}. */
export function createListeners<T>(): Listeners<T> {
  const all = new Set<(value: T) => void>();
  let warned = false;

  function failed(): void {
    if (warned) return;
    warned = true;
    process.emitWarning('a listener of revocations failed; the revocation holds', { code: 'TOKENWARD_LISTENER' });
  }

  return {
    add(listener) {
      all.add(listener);
      return () => void all.delete(listener);
    },
    tell(value) {
      for (const listener of all) {
        try {
          listener(value);
        } catch {
          failed();
        }
      }
    },
  };
}
