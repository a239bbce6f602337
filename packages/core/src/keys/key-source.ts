import { printable } from '../lib/url.js';
import type { KeySet, PreparedKey } from '../jose/key-set.js';

/** The keys of one issuer, or of the tenants that share them. */
export interface KeySource {
  /** Returns the cached keys that may have signed a token: an empty list if the key is unknown, undefined if no usable keys are cached. */
  cachedKeys(algorithm: string, keyId: string | undefined): readonly PreparedKey[] | undefined;
  /** Fetches keys that are not cached. Returns an empty list if there are no new ones. */
  fetchKeys(algorithm: string, keyId: string | undefined): FoundKeys | Promise<FoundKeys>;
  /** Call it when a key verified a token. The issuer is then known to exist, so the budget of probes no longer limits its fetches. */
  markVerified(): void;
  /** Whether it fetched recently. A new source in its place would fetch again too soon. */
  isBusy(): boolean;
  warm(): Promise<void>;
  close(): void;
  health(): KeyHealth;
}

/** The state of an issuer's keys, without key material. */
export interface KeyHealth {
  /**
   * - `fresh`: cached and up to date
   * - `refreshing`: cached; a refresh is due or under way
   * - `stale`: still used because the issuer is unreachable
   * - `empty`: not fetched yet
   * - `gone`: the cached keys are too old to be used
   * - `given`: from the options or a file
   */
  readonly state: 'fresh' | 'refreshing' | 'stale' | 'empty' | 'gone' | 'given';
  /** Whether tokens can be verified now. */
  readonly usable: boolean;
  /** The time since the cached keys were fetched. */
  readonly ageSeconds: number | undefined;
  /** The time until a request refreshes the keys in the background. */
  readonly refreshInSeconds: number | undefined;
  readonly keyIds: readonly string[];
  /** Why the last fetch failed, and why files of the options cannot be read again: each an address or path, and what happened there. */
  readonly lastError: string | undefined;
}

export type FoundKeys = readonly PreparedKey[] | KeysUnavailable | KeysNotFetched;

/** No cached key fits, and the guard fetched the keys a moment ago. If the issuer has published a key since then, only the next fetch finds it. */
export interface KeysNotFetched {
  readonly fetchedAgainInSeconds: number;
}

/** The key may exist, but keys cannot be fetched now. */
export interface KeysUnavailable {
  readonly retryAfterSeconds: number;
  readonly cause: Error;
}

/** Creates a source of keys from the options or a file. It calls `current` for each token, since a file may change. */
export function createGivenKeySource(current: () => KeySet, { lastError = () => undefined, close = () => {} }: GivenKeysHooks = {}): KeySource {
  return {
    cachedKeys: (algorithm, keyId) => current().candidates(algorithm, keyId),
    fetchKeys: () => [],
    markVerified: () => {},
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

interface GivenKeysHooks {
  readonly lastError?: () => string | undefined;
  readonly close?: () => void;
}
