import { printable } from '../lib/url.js';
import type { KeySet, PreparedKey } from '../jose/key-set.js';

/** Where a guard's keys come from. */
export interface KeySource {
  /** The keys at hand that may have signed a token: none where the key is unknown, undefined where nothing usable is held. */
  held(algorithm: string, keyId: string | undefined): readonly PreparedKey[] | undefined;
  /** Asks for keys that are not at hand; none where there are no newer ones. */
  newer(algorithm: string, keyId: string | undefined): FoundKeys | Promise<FoundKeys>;
  /** A token was verified by these keys: from now on the source is no stranger's invention. */
  verified(): void;
  /** Whether it was asked just now, so that a new source in its place would ask again too soon. */
  isBusy(): boolean;
  warm(): Promise<void>;
  close(): void;
  health(): KeyHealth;
}

/** What can be seen of an issuer's keys. No key material is in it. */
export interface KeyHealth {
  /**
   * `fresh`; `refreshing`: served while they are renewed; `stale`: served since the issuer can't be reached; `empty`: not fetched yet; `gone`: none that
   * is still usable; `given`: from the options, or a file.
   */
  readonly state: 'fresh' | 'refreshing' | 'stale' | 'empty' | 'gone' | 'given';
  /** Whether tokens can be checked now. */
  readonly usable: boolean;
  /** Since the keys at hand were fetched. */
  readonly ageSeconds: number | undefined;
  /** Until they are renewed in the background, at the next request. */
  readonly refreshInSeconds: number | undefined;
  readonly keyIds: readonly string[];
  /** Why the last look failed: an address, and what happened there. */
  readonly lastError: string | undefined;
}

export type FoundKeys = readonly PreparedKey[] | KeysUnavailable;

/** There may be such a key, but its issuer can't be asked now. */
export interface KeysUnavailable {
  readonly retryAfterSeconds: number;
  readonly cause: Error;
}

/** Keys that were given, not fetched. `current` is asked at each token, since a file may bring others. */
export function createGivenKeySource(current: () => KeySet, { lastError = () => undefined, close = () => {} }: GivenKeysLife = {}): KeySource {
  return {
    held: (algorithm, keyId) => current().candidates(algorithm, keyId),
    newer: () => [],
    verified: () => {},
    isBusy: () => false,
    warm: async () => {},
    close,
    health: () => ({
      state: 'given',
      usable: true,
      ageSeconds: undefined,
      refreshInSeconds: undefined,
      keyIds: current().keyIds.map((keyId) => printable(keyId)),
      lastError: lastError(),
    }),
  };
}

interface GivenKeysLife {
  readonly lastError?: () => string | undefined;
  readonly close?: () => void;
}
