import { observe, type Events } from '@tokenward/express';

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
  /** What became of the logout tokens that came. */
  readonly logouts: readonly string[];
}

type OfIssuer = 'tokenward:refused' | 'tokenward:keys-refreshed' | 'tokenward:keys-failed' | 'tokenward:security-event';

/** Watches the guard of one issuer's API. */
export function watchGuard(issuer: string): Operator {
  let lastReason: string | undefined;
  let knownKeyIds: readonly string[] = [];
  let failedFetches = 0;
  const logouts: string[] = [];

  function on<N extends OfIssuer>(name: N, listener: (event: Events[N]) => void): void {
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
