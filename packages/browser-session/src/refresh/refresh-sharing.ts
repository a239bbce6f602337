import { SessionStoreError, type RefreshLease, type SessionStore } from '@tokenward/core/store';
import { hashOf } from '../hash.js';
import type { SessionConfig } from '../config.js';
import { LATE_FACTOR } from '../oidc/create-login-client.js';
import { createSealer } from '../cookies/seal.js';
import type { SessionState } from '../session-state.js';
import type { EndReason, Sessions } from '../sessions.js';
import { stateOf, textOf } from '../state/session-text.js';
import type { RefreshResult } from './recent-refreshes.js';

/** What another process of the fleet has done to a session. `unchanged`: none has refreshed it yet. */
export type ElsewhereRefreshed =
  | ({ readonly kind: 'refreshed' } & RefreshResult)
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'ended'; readonly reason: EndReason; readonly setCookies: readonly string[]; readonly left?: SessionState | undefined };

/** How the processes of a fleet share refreshes. Every method rejects with a `SessionStoreError` if the store cannot be reached. */
export interface RefreshSharing {
  /** Takes the right to refresh; undefined if another process has it. */
  lease(state: SessionState): Promise<RefreshLease | undefined>;
  /** Returns what another process made of the session meanwhile. */
  look(state: SessionState, cookieHeader: string | undefined): Promise<ElsewhereRefreshed>;
  /** Returns the newest state that others may have made of a session that has ended. */
  newest(state: SessionState): Promise<SessionState>;
  /** Shows others the result of a refresh. */
  publish(previous: SessionState, next: SessionState): Promise<void>;
}

type SharingConfig = Pick<SessionConfig, 'clock' | 'cookieName' | 'issuer' | 'refreshStore' | 'secrets' | 'store' | 'timeoutSeconds'>;

/** How long a refreshed sealed session stays in the store, for requests with the previous cookie. */
const SHARED_SECONDS = 60;
/** How many times `timeoutSeconds` the issuer may take in all: for its metadata, the late answer, and its keys, which are fetched again if none fits. */
const ISSUER_CALLS = 1 + LATE_FACTOR + 2;
/**
 * The lease begins when the store takes it. After that the process still waits for the answer, asks what others did, and writes the result, if need be three
 * times with pauses: 3 + 3 + 9.5 seconds, since a look and a write take 3 seconds at most, however many calls of the store they need.
 */
const STORE_SECONDS = 16;
/** No browser misses more refreshes than this within a minute. */
const MAX_HOPS = 5;
const UNCHANGED = { kind: 'unchanged' } as const;

/** Creates the sharing that the options ask for; undefined if sessions are in cookies and there is no store to share refreshes. */
export function createRefreshSharing(config: SharingConfig, sessions: Sessions): RefreshSharing | undefined {
  if (config.store) return throughSessions(config.store, sessions, leaseSeconds(config));
  return config.refreshStore && throughResults(config.refreshStore, sessions, config);
}

/** The lease must not end while a refresh is under way: another process would send the same refresh token, and the issuer would end the session. */
export function leaseSeconds({ timeoutSeconds }: Pick<SharingConfig, 'timeoutSeconds'>): number {
  return Math.ceil(ISSUER_CALLS * timeoutSeconds + STORE_SECONDS);
}

/** The sessions themselves are in the store, so a change by another process is seen there. */
function throughSessions(store: SessionStore, sessions: Sessions, ttlSeconds: number): RefreshSharing {
  return {
    lease: async ({ id }) => store.lease(hashOf(id), ttlSeconds),
    async look({ version }, cookieHeader) {
      const found = await sessions.find(cookieHeader);
      if (found.kind === 'unavailable') throw new SessionStoreError(found.cause);
      // its cookie was just read, so it has a session or had one
      if (found.kind === 'none') return { kind: 'ended', reason: 'expired', setCookies: sessions.forget(cookieHeader) };
      if (found.kind === 'ended') return found;
      return found.state.version > version ? { kind: 'refreshed', state: found.state, setCookies: found.setCookies } : UNCHANGED;
    },
    // whoever removed the session got its newest state
    newest: async (state) => state,
    // `Sessions.replace` has written it
    async publish() {},
  };
}

/** The sessions are in cookies. Each result is in the store for a short time, under the name of the previous state. */
function throughResults(store: SessionStore, sessions: Sessions, config: SharingConfig): RefreshSharing {
  const sealer = createSealer(config.secrets, 'store', `${config.cookieName} refresh`);

  async function resultOf(state: SessionState): Promise<SessionState | undefined> {
    const stored = await store.read(nameOf(state));
    const text = stored && (await sealer.open(stored.sealed));
    const next = text === undefined ? undefined : stateOf(text);
    // whoever can write to the store could put one session's result under another's name
    return next && next.id === state.id && next.issuer === config.issuer && next.version > state.version ? next : undefined;
  }

  return {
    lease: async (state) => store.lease(nameOf(state), leaseSeconds(config)),
    async look(state, cookieHeader) {
      const next = await resultOf(state);
      if (!next) return UNCHANGED;
      // seals a cookie of its own, and asks whether the session has ended meanwhile
      const setCookies = await sessions.replace(state, next);
      return setCookies ? { kind: 'refreshed', state: next, setCookies } : { kind: 'ended', reason: 'revoked', setCookies: sessions.forget(cookieHeader) };
    },
    async newest(state) {
      let newest = state;
      for (let hops = 0; hops < MAX_HOPS; hops++) {
        const next = await resultOf(newest);
        if (!next) break;
        newest = next;
      }
      return newest;
    },
    async publish(previous, next) {
      const until = Math.ceil(config.clock.now() / 1000) + SHARED_SECONDS;
      await store.create({ key: nameOf(previous), sealed: await sealer.seal(textOf(next)), version: 1, until, issuedAt: previous.issuedAt, labels: [] });
    },
  };
}

function nameOf({ id, version }: SessionState): string {
  return hashOf(JSON.stringify([id, version]));
}
