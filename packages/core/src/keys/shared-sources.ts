import type { KeySource } from './key-source.js';

/** Key sources that several issuers have in common: one issuer under several options is fetched from once. */
export interface SharedSources {
  acquire(name: string, make: () => KeySource): KeySource;
  /** The source is forgotten with the last issuer that uses it. It is not closed, so that a request under way still gets its keys. */
  release(name: string): void;
}

export function sharedSources(): SharedSources {
  const sources = new Map<string, { readonly keys: KeySource; users: number }>();
  return {
    acquire(name, make) {
      let shared = sources.get(name);
      if (!shared) sources.set(name, (shared = { keys: make(), users: 0 }));
      shared.users++;
      return shared.keys;
    },
    release(name) {
      const shared = sources.get(name);
      if (shared && --shared.users === 0) sources.delete(name);
    },
  };
}
