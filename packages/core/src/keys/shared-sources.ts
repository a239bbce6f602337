import type { KeySource } from './key-source.js';

/** Key sources that several issuers share, so that the keys of one issuer under several options are fetched once. */
export interface SharedSources {
  acquire(name: string, create: () => KeySource): KeySource;
  /** Removes the source if no other issuer uses it. It does not close it: a pending request still needs the keys. */
  release(name: string): void;
}

export function sharedSources(): SharedSources {
  const sources = new Map<string, { readonly keys: KeySource; users: number }>();
  return {
    acquire(name, create) {
      let shared = sources.get(name);
      if (!shared) sources.set(name, (shared = { keys: create(), users: 0 }));
      shared.users++;
      return shared.keys;
    },
    release(name) {
      const shared = sources.get(name);
      if (shared && --shared.users === 0) sources.delete(name);
    },
  };
}
