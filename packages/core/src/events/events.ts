import { isError } from '../lib/native-error.js';
import { misuse } from '../lib/configuration-error.js';
import { didYouMean } from '../lib/did-you-mean.js';
import { channel, subscribe, unsubscribe, type Channel } from 'node:diagnostics_channel';
import type { Reason } from '../vocabulary/reason.js';
import type { IgnoredCertificate } from '../vocabulary/certificate-words.js';
import type { KeyOrigin } from '../vocabulary/key-words.js';
import type { RevocationKind, RevocationReason } from '../vocabulary/revocation-words.js';
import type { SessionEventAction, SessionEventOutcome, SessionEventReason } from '../vocabulary/session-words.js';
import { debugLine } from '../lib/debug.js';
import { shown } from '../lib/shown-option.js';
import { isThenable } from '../lib/thenable.js';

/** The request of an event, so that it can be found in an access log. */
export interface RequestEvent {
  /** The guard's `name`. */
  readonly guard: string;
  /** undefined if `permit` was called without a request. */
  readonly method: string | undefined;
  /** The pattern of the matched route, if the framework provides it: `/orders/:id`. */
  readonly route: string | undefined;
  /** The path as the client sent it, without query and tokens: at most 200 characters. Do not use it as a label of metrics: clients choose it. */
  readonly path: string | undefined;
  /** The framework's identifier of the request, if it has one. */
  readonly requestId: string | undefined;
  /** The client that the token was issued to, if the token itself is valid. A refusal has it only if a policy or a revocation refused the request. */
  readonly clientId: string | undefined;
}

/**
 * The events for operators, on the channels of node:diagnostics_channel. No event contains a token, a secret or the value of a claim, except for the
 * issuer and the client. Listeners run during the request, so keep them short. A listener that {@link observe} adds may throw. If one that `subscribe`
 * adds throws, Node raises an uncaught exception.
 */
export interface Events {
  'tokenward:accepted': {
    readonly issuer: string;
    readonly anonymous: boolean;
    /** Why the session cookie of an anonymous request did not count: it may come from another site. undefined for all other requests. */
    readonly ignored?: Reason | undefined;
    /** How long the decision took. undefined if a later guard only evaluated one more policy. */
    readonly durationSeconds: number | undefined;
  };
  'tokenward:refused': {
    readonly issuer: string;
    readonly status: number;
    readonly reason: Reason;
    /** The claim, policy or address concerned, and what happened there. It consists of fixed words and configuration, never of claim values. */
    readonly cause: string | undefined;
    /** The summary of the {@link Explanation}. */
    readonly summary: string;
    /** The URL of the page about this reason. */
    readonly docs: string;
    readonly durationSeconds: number | undefined;
  } & RequestEvent;
  /** The `shadow` options would have refused an accepted token. */
  'tokenward:shadow-refused': {
    readonly issuer: string;
    readonly reason: Reason;
    readonly cause: string;
    /** The URL of the page about this reason. */
    readonly docs: string;
    readonly clientId: string | undefined;
  };
  /** This process revoked tokens. */
  'tokenward:revoked': { readonly issuer: string; readonly kind: RevocationKind; readonly reason: RevocationReason };
  /** The guard refused a revoked token. `secondsLate` is the time since the revocation. */
  'tokenward:revoked-token-used': {
    readonly issuer: string;
    readonly kind: RevocationKind;
    readonly reason: RevocationReason;
    readonly secondsLate: number;
  } & RequestEvent;
  /** An authorization server sent a logout token or a security event. If it was refused, `cause` is the claim or the part of the request that was wrong. */
  'tokenward:security-event': {
    readonly issuer: string | undefined;
    readonly channel: 'backchannel_logout' | 'shared_signals';
    /** `ignored`: it does not concern tokens, or repeats a security event (a repeated logout token is `refused`). `failed`: keys or a store were unreachable. */
    readonly outcome: 'done' | 'ignored' | 'refused' | 'failed';
    readonly cause: string | undefined;
  };
  /**
   * A browser session began, got a new access token, was ended by its user, or ended otherwise. `reason` says why it ended, or why it was refused or failed.
   * Published by `@tokenward/browser-session`.
   */
  'tokenward:session': {
    readonly issuer: string;
    readonly action: SessionEventAction;
    readonly outcome: SessionEventOutcome;
    readonly reason: SessionEventReason | undefined;
  };
  /** The store was full and dropped revocations. The guard now refuses all of the issuer's tokens with an `iat` up to `issuedUntil`. */
  'tokenward:revocations-overflowed': { readonly issuer: string; readonly dropped: number; readonly issuedUntil: number };
  /** The shared store is unreachable. Published again every minute while that lasts. `usable` says whether tokens are still checked against the known revocations. */
  'tokenward:revocations-failed': { readonly message: string; readonly usable: boolean };
  /** All revocations of a shared store were read: at start-up, or because some may have been missed. */
  'tokenward:revocations-synced': { readonly entries: number };
  /** A token or session came from more than `monitoring.maxPlaces` places within the window. Published once per window. */
  'tokenward:token-reused': { readonly issuer: string; readonly by: 'token' | 'session'; readonly places: number; readonly windowSeconds: number };
  /** A logout token or security event came a second time, and had no effect. */
  'tokenward:token-replayed': { readonly issuer: string; readonly of: 'logout_token' | 'security_event' };
  /**
   * A request with a valid certificate-bound token has a header with a certificate that did not count: it came from an address that is not a trusted proxy, was
   * duplicated, or was not in the right form or spelling. Somebody may try to pass as another client.
   */
  'tokenward:certificate-ignored': { readonly cause: IgnoredCertificate } & RequestEvent;
  /** A token has a longer lifetime than `monitoring.longLivedSeconds`. `maxTokenLifetimeSeconds` would refuse it. */
  'tokenward:long-lived-token': { readonly issuer: string; readonly lifetimeSeconds: number; readonly clientId: string | undefined };
  /** A new token was issued in the future by this machine's clock: the issuer's clock is at least `skewSeconds` ahead. */
  'tokenward:clock-skew': { readonly issuer: string; readonly skewSeconds: number };
  /**
   * A token was introspected at its issuer. `failed`: there is no usable answer, and `message` names the address and what happened there. Requests with the same
   * token share one call, and cached answers need none.
   */
  'tokenward:introspected': {
    readonly issuer: string;
    readonly outcome: 'active' | 'inactive' | 'failed';
    readonly durationSeconds: number;
    readonly message: string | undefined;
  };
  /**
   * An issuer's keys were fetched, or a file of its options was read: its keys, its secrets, or the bearer token for introspection. `source` says which.
   * `remarks` are about keys that were skipped, or should not be public.
   */
  'tokenward:keys-refreshed': {
    readonly issuer: string;
    readonly source: KeyOrigin;
    readonly keyIds: readonly string[];
    readonly remarks: readonly string[];
  };
  /**
   * An issuer's keys could not be fetched, or a file of its options could not be read. `message` names the address or path, and what happened there. `usable` says
   * whether what was fetched or read before stays in use. Each failed attempt to fetch keys is an event. A file that cannot be read leads to an event every minute.
   * The outage ends with the next `tokenward:keys-refreshed` of the same issuer and `source`.
   */
  'tokenward:keys-failed': { readonly issuer: string; readonly source: KeyOrigin; readonly message: string; readonly usable: boolean };
}

/** The names of all events. */
export const EVENT_NAMES = Object.freeze([
  'tokenward:accepted',
  'tokenward:refused',
  'tokenward:shadow-refused',
  'tokenward:revoked',
  'tokenward:revoked-token-used',
  'tokenward:security-event',
  'tokenward:session',
  'tokenward:revocations-overflowed',
  'tokenward:revocations-failed',
  'tokenward:revocations-synced',
  'tokenward:token-reused',
  'tokenward:token-replayed',
  'tokenward:certificate-ignored',
  'tokenward:long-lived-token',
  'tokenward:clock-skew',
  'tokenward:introspected',
  'tokenward:keys-refreshed',
  'tokenward:keys-failed',
] as const satisfies readonly (keyof Events)[]);

const channels = Object.fromEntries(EVENT_NAMES.map((name) => [name, channel(name)])) as Record<keyof Events, Channel>;

/**
 * Calls a listener for every event of a name. If it throws or rejects, the decision stands, and the process prints one warning without the error's text.
 *
 * @returns a function that removes the listener
 * @throws ConfigurationError if there is no event of that name
 *
 * @example observe('tokenward:refused', (event) => logger.info(event, 'request refused'));
 */
export function observe<N extends keyof Events>(name: N, listener: (event: Events[N]) => unknown): () => void {
  if (!Object.hasOwn(channels, name)) {
    throw misuse(`observe(${shown(name, 'name')})`, `is not an event${didYouMean(name, EVENT_NAMES)} (events: ${EVENT_NAMES.join(', ')})`);
  }
  if (typeof listener !== 'function') throw misuse(`observe('${name}')`, `the second argument must be a function (got ${shown(listener)})`);
  let warned = false;

  function warnOnce(): void {
    if (warned) return;
    warned = true;
    process.emitWarning(`a listener of ${name} threw an error. Decisions are not affected. This warning is printed once per listener`, {
      code: 'TOKENWARD_LISTENER',
    });
  }

  function callListener(event: unknown): void {
    try {
      const result = listener(event as Events[N]);
      if (isThenable(result)) Promise.resolve(result).catch(warnOnce);
    } catch {
      warnOnce();
    }
  }

  subscribe(name, callListener);
  return () => void unsubscribe(name, callListener);
}

/** The events that `NODE_DEBUG=tokenward` prints, besides refusals. */
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

/** Returns an object that says whether anybody observes an event. For code that asks at every request, since finding a channel by its name costs more than asking it. */
export function observersOf(name: keyof Events): { readonly hasSubscribers: boolean } {
  return channels[name];
}

export function publish<N extends keyof Events>(name: N, event: Events[N]): void {
  if (PRINTED.has(name)) debugLine(() => lineOf(name, event));
  if (channels[name].hasSubscribers) channels[name].publish(event);
}
