import { observe, type Events } from '@tokenward/express';

/**
 * What the API's operator sees and its clients do not: the guard's events, which it publishes through `node:diagnostics_channel`. The demo uses
 * them to check the reason of each 401.
 */
export interface Operator {
  /** The reason of the latest refusal. */
  readonly lastReason: string | undefined;
  /** The ids of the keys in the guard's last fetch. */
  readonly knownKeyIds: readonly string[];
  /** How often the guard failed to fetch keys. */
  readonly failedFetches: number;
  /** The outcome of each logout token that arrived. */
  readonly logouts: readonly string[];
}

type EventOfIssuer = 'tokenward:refused' | 'tokenward:keys-refreshed' | 'tokenward:keys-failed' | 'tokenward:security-event';

/** Watches the guard of one issuer's API. */
export function watchGuard(issuer: string): Operator {
  let lastReason: string | undefined;
  let knownKeyIds: readonly string[] = [];
  let failedFetches = 0;
  const logouts: string[] = [];

  function on<N extends EventOfIssuer>(name: N, listener: (event: Events[N]) => void): void {
    observe(name, (event) => {
      if (event.issuer === issuer) listener(event);
    });
  }

  on('tokenward:refused', ({ reason }) => (lastReason = reason));
  on('tokenward:keys-refreshed', ({ keyIds }) => (knownKeyIds = keyIds));
  on('tokenward:keys-failed', () => failedFetches++);
  on('tokenward:security-event', ({ outcome }) => logouts.push(outcome));

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
    logouts,
  };
}
