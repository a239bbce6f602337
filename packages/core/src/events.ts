import { channel } from 'node:diagnostics_channel';
import type { Reason } from './denial.js';

/**
 * What operators may see, by node:diagnostics_channel. No event holds a token, a secret or a claim's value. Subscribers run in the middle of
 * a request: keep them short, and let none throw, since Node makes an uncaught exception of that.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel';
 * subscribe('tokenward:refused', (event) => logger.info(event, 'request refused'));
 */
export interface Events {
  'tokenward:accepted': { readonly issuer: string; readonly anonymous: boolean };
  'tokenward:refused': {
    readonly issuer: string;
    readonly status: number;
    readonly reason: Reason;
    /** The claim, policy or address that it was about, and what happened there: fixed words and configuration, never a claim's value. */
    readonly cause: string | undefined;
  };
  /** What the `shadow` options would have refused of a token that was admitted. */
  'tokenward:shadow-refused': { readonly issuer: string; readonly reason: Reason; readonly cause: string; readonly clientId: string | undefined };
  'tokenward:keys-refreshed': { readonly issuer: string; readonly keyIds: readonly string[]; readonly remarks: readonly string[] };
  'tokenward:keys-failed': { readonly issuer: string; readonly error: Error; readonly usable: boolean };
}

const channels = {
  'tokenward:accepted': channel('tokenward:accepted'),
  'tokenward:refused': channel('tokenward:refused'),
  'tokenward:shadow-refused': channel('tokenward:shadow-refused'),
  'tokenward:keys-refreshed': channel('tokenward:keys-refreshed'),
  'tokenward:keys-failed': channel('tokenward:keys-failed'),
};

/** What may be told of a decision's cause: of an error its message alone, since what caused it may quote anything. */
export function causeText(cause: unknown): string {
  if (Array.isArray(cause)) return cause.map(causeText).join('; ');
  return cause instanceof Error ? cause.message : String(cause);
}

export function isObserved(name: keyof Events): boolean {
  return channels[name].hasSubscribers;
}

export function publish<N extends keyof Events>(name: N, event: Events[N]): void {
  if (channels[name].hasSubscribers) channels[name].publish(event);
}
