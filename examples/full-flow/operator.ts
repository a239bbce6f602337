import { subscribe } from 'node:diagnostics_channel';
import type { Events } from '@tokenward/express';

/**
 * What the API's operator sees and its clients don't: the guard tells it by `node:diagnostics_channel`. The demo looks here to be sure that
 * a 401 was a 401 for the right reason.
 */
export interface Operator {
  /** The reason of the latest refusal. */
  readonly lastReason: string | undefined;
  /** The ids of the keys that the guard fetched last. */
  readonly knownKeyIds: readonly string[];
  /** How often the guard asked for keys in vain. */
  readonly failedFetches: number;
}

/** Watches the guard of one issuer's API. */
export function watchGuard(issuer: string): Operator {
  let lastReason: string | undefined;
  let knownKeyIds: readonly string[] = [];
  let failedFetches = 0;

  function on<N extends keyof Events>(name: N, listener: (event: Events[N]) => void): void {
    subscribe(name, (event) => {
      if ((event as Events[N]).issuer === issuer) listener(event as Events[N]);
    });
  }

  on('tokenward:refused', ({ reason }) => (lastReason = reason));
  on('tokenward:keys-refreshed', ({ keyIds }) => (knownKeyIds = keyIds));
  on('tokenward:keys-failed', () => failedFetches++);

  return {
    get lastReason() {
      return lastReason;
    },
    get knownKeyIds() {
      return knownKeyIds;
    },
    get failedFetches() {
      return failedFetches;
    },
  };
}
