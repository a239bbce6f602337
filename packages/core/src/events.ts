import { channel } from 'node:diagnostics_channel';
import type { Reason } from './denial.js';

/**
 * What operators may see, by node:diagnostics_channel. No event holds a token, a secret or a claim's value. Subscribers run in the middle of
 * a request: keep them short, and let none throw.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel';
 * subscribe('tokenward:refused', (event) => logger.info(event, 'request refused'));
 */
export interface Events {
  'tokenward:accepted': { readonly issuer: string; readonly anonymous: boolean };
  'tokenward:refused': { readonly issuer: string; readonly status: number; readonly reason: Reason; readonly cause: unknown };
  'tokenward:keys-refreshed': { readonly issuer: string; readonly keyIds: readonly string[]; readonly remarks: readonly string[] };
  'tokenward:keys-failed': { readonly issuer: string; readonly error: Error; readonly usable: boolean };
}

const channels = {
  'tokenward:accepted': channel('tokenward:accepted'),
  'tokenward:refused': channel('tokenward:refused'),
  'tokenward:keys-refreshed': channel('tokenward:keys-refreshed'),
  'tokenward:keys-failed': channel('tokenward:keys-failed'),
};

export function isObserved(name: keyof Events): boolean {
  return channels[name].hasSubscribers;
}

export function publish<N extends keyof Events>(name: N, event: Events[N]): void {
  if (channels[name].hasSubscribers) channels[name].publish(event);
}
