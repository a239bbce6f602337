import type { KeySet, PreparedKey } from './key-set.js';

/** Where a guard's keys come from. */
export interface KeySource {
  /** The keys at hand that may have signed a token: none where the key is unknown, undefined where nothing usable is held. */
  held(algorithm: string, keyId: string | undefined): readonly PreparedKey[] | undefined;
  /** Asks for keys that are not at hand; none where there are no newer ones. */
  newer(algorithm: string, keyId: string | undefined): FoundKeys | Promise<FoundKeys>;
  warm(): Promise<void>;
  close(): void;
}

export type FoundKeys = readonly PreparedKey[] | KeysUnavailable;

/** There may be such a key, but its issuer can't be asked now. */
export interface KeysUnavailable {
  readonly retryAfterSeconds: number;
  readonly cause: Error;
}

/** Keys that were given, not fetched. */
export function createStaticKeySource(set: KeySet): KeySource {
  return {
    held: (algorithm, keyId) => set.candidates(algorithm, keyId),
    newer: () => [],
    warm: async () => {},
    close: () => {},
  };
}
