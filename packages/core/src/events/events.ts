import { isError } from '../lib/native-error.js';
import { misuse } from '../lib/configuration-error.js';
import { didYouMean } from '../lib/did-you-mean.js';
import { channel, subscribe, unsubscribe, type Channel } from 'node:diagnostics_channel';
import type { Reason } from '../vocabulary/reason.js';
import type { RevocationKind, RevocationReason } from '../vocabulary/revocation-words.js';
import { debugLine } from '../lib/debug.js';
import { shown } from '../lib/shown-option.js';
import { isThenable } from '../lib/thenable.js';

/** Which request an event is about, so that it can be found in an access log. */
export interface RequestEvent {
  /** The guard's `name`. */
  readonly guard: string;
  /** undefined where there was no request: `permit` without one. */
  readonly method: string | undefined;
  /** The pattern of the matched route, where the framework tells: `/orders/:id`. */
  readonly route: string | undefined;
  /** The path as it was sent, without its query: 200 characters at the most, and no tokens. It is the client's text: no label for metrics. */
  readonly path: string | undefined;
  /** The framework's own identifier of the request, where it has one. */
  readonly requestId: string | undefined;
  /** The client that the token was issued to, once its signature was checked. */
  readonly clientId: string | undefined;
}

/**
 * What operators may see, by node:diagnostics_channel. No event holds a token, a secret or a claim's value, save the client that a token was issued to.
 * Listeners run in the middle of a request: keep them short. {@link observe} adds one that may throw; of one that `subscribe` adds Node makes an
 * uncaught exception.
 */
export interface Events {
  'tokenward:accepted': {
    readonly issuer: string;
    readonly anonymous: boolean;
    /** What the decision took, by the clock; undefined where one who was admitted was asked for one more policy. */
    readonly durationSeconds: number | undefined;
  };
  'tokenward:refused': {
    readonly issuer: string;
    readonly status: number;
    readonly reason: Reason;
    /** The claim, policy or address that it was about, and what happened there: fixed words and configuration, never a claim's value. */
    readonly cause: string | undefined;
    /** What the explanation of the reason says, and what to do: {@link Explanation}. */
    readonly summary: string;
    readonly durationSeconds: number | undefined;
  } & RequestEvent;
  /** What the `shadow` options would have refused of a token that was admitted. */
  'tokenward:shadow-refused': { readonly issuer: string; readonly reason: Reason; readonly cause: string; readonly clientId: string | undefined };
  /** Tokens were revoked by this process. */
  'tokenward:revoked': { readonly issuer: string; readonly kind: RevocationKind; readonly reason: RevocationReason };
  /** A revoked token came, and was refused. `secondsLate`: since its revocation. */
  'tokenward:revoked-token-used': {
    readonly issuer: string;
    readonly kind: RevocationKind;
    readonly reason: RevocationReason;
    readonly secondsLate: number;
  } & RequestEvent;
  /** An authorization server sent a logout token or a security event. The cause is the claim, or the part of the request, that was wrong. */
  'tokenward:security-event': {
    readonly issuer: string | undefined;
    readonly channel: 'backchannel_logout' | 'shared_signals';
    /** `ignored`: about nothing that concerns tokens, or seen before. `failed`: keys or a store were out of reach. */
    readonly outcome: 'done' | 'ignored' | 'refused' | 'failed';
    readonly cause: string | undefined;
  };
  /** There was no room for all revocations: the issuer's tokens with an `iat` up to this are refused now, whosever they are. */
  'tokenward:revocations-overflowed': { readonly issuer: string; readonly dropped: number; readonly issuedUntil: number };
  /** A store that a fleet shares could not be reached; `usable`: whether tokens are still checked against what is known. */
  'tokenward:revocations-failed': { readonly message: string; readonly usable: boolean };
  /** All of a shared store was read: at the start, and where it could not be told what was missed. */
  'tokenward:revocations-synced': { readonly entries: number };
  /** A token, or a session, came from more places than `monitoring.maxPlaces` within the window; told once a window. */
  'tokenward:token-reused': { readonly issuer: string; readonly by: 'token' | 'session'; readonly places: number; readonly windowSeconds: number };
  /** A token that counts once came again, and did not count. */
  'tokenward:token-replayed': { readonly issuer: string; readonly of: 'logout_token' | 'security_event' };
  /** A token was made to live longer than `monitoring.longLivedSeconds`. `maxTokenLifetimeSeconds` refuses such. */
  'tokenward:long-lived-token': { readonly issuer: string; readonly lifetimeSeconds: number; readonly clientId: string | undefined };
  /** A new token was issued in the future by this machine's clock, so that the issuer's is ahead by so much at the least. */
  'tokenward:clock-skew': { readonly issuer: string; readonly skewSeconds: number };
  'tokenward:keys-refreshed': { readonly issuer: string; readonly keyIds: readonly string[]; readonly remarks: readonly string[] };
  /** An issuer's keys could not be fetched or read. `message` names the address and what happened there; `usable`: whether cached keys serve on. */
  'tokenward:keys-failed': { readonly issuer: string; readonly message: string; readonly usable: boolean };
}

/** The names of all events. */
export const EVENT_NAMES = Object.freeze([
  'tokenward:accepted',
  'tokenward:refused',
  'tokenward:shadow-refused',
  'tokenward:revoked',
  'tokenward:revoked-token-used',
  'tokenward:security-event',
  'tokenward:revocations-overflowed',
  'tokenward:revocations-failed',
  'tokenward:revocations-synced',
  'tokenward:token-reused',
  'tokenward:token-replayed',
  'tokenward:long-lived-token',
  'tokenward:clock-skew',
  'tokenward:keys-refreshed',
  'tokenward:keys-failed',
] as const satisfies readonly (keyof Events)[]);

const channels = Object.fromEntries(EVENT_NAMES.map((name) => [name, channel(name)])) as Record<keyof Events, Channel>;

/**
 * Calls a listener at every event of a name. What it throws, or rejects with, changes nothing: it is told once as a process warning, without its text.
 *
 * @returns ends it
 * @throws ConfigurationError where there is no event of that name
 *
 * @example observe('tokenward:refused', (event) => logger.info(event, 'request refused'));
 */
export function observe<N extends keyof Events>(name: N, listener: (event: Events[N]) => unknown): () => void {
  if (!Object.hasOwn(channels, name)) {
    throw misuse(`observe(${shown(name, 'name')})`, `is no event${didYouMean(name, EVENT_NAMES)}; these are: ${EVENT_NAMES.join(', ')}`);
  }
  if (typeof listener !== 'function') throw misuse(`observe('${name}')`, `needs a function as its second argument (got ${shown(listener)})`);
  let warned = false;

  function failed(): void {
    if (warned) return;
    warned = true;
    process.emitWarning(`a listener of ${name} failed; the decision stood, and no more is told of this listener`, { code: 'TOKENWARD_LISTENER' });
  }

  function tell(event: unknown): void {
    try {
      const answer = listener(event as Events[N]);
      if (isThenable(answer)) Promise.resolve(answer).catch(failed);
    } catch {
      failed();
    }
  }

  subscribe(name, tell);
  return () => void unsubscribe(name, tell);
}

/** What `NODE_DEBUG=tokenward` prints, beside refusals: where keys and revocations come from. */
const PRINTED: ReadonlySet<keyof Events> = new Set<keyof Events>([
  'tokenward:keys-refreshed',
  'tokenward:keys-failed',
  'tokenward:revocations-failed',
  'tokenward:revocations-synced',
]);

function lineOf(name: keyof Events, event: object): string {
  const members = Object.entries(event).map(([member, value]) => `${member}: ${isError(value) ? value.message : JSON.stringify(value)}`);
  return `${name} ${members.join(', ')}`;
}

export function isObserved(name: keyof Events): boolean {
  return channels[name].hasSubscribers;
}

export function publish<N extends keyof Events>(name: N, event: Events[N]): void {
  if (PRINTED.has(name)) debugLine(() => lineOf(name, event));
  if (channels[name].hasSubscribers) channels[name].publish(event);
}
