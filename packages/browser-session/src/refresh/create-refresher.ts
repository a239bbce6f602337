import { ConfigurationError } from '@tokenward/core';
import type { SessionConfig } from '../config.js';
import { isFailure, type IssuerFailure, type LoginClient } from '../oidc/login-client.js';
import type { RouteContext } from '../routes/route-context.js';
import type { SessionState } from '../session-state.js';
import type { EndReason, Sessions } from '../sessions.js';
import { createBoundedMap } from './bounded-map.js';
import { createRecentRefreshes, type RefreshResult } from './recent-refreshes.js';
import type { Refreshed, Refresher } from './refresher.js';
import { createRefreshSharing } from './refresh-sharing.js';
import { renewedState } from './renewed-state.js';
import { pause, takeTurn, type Turn } from './turn.js';

export interface RefresherParts extends Pick<RouteContext, 'publish' | 'warn'> {
  readonly config: SessionConfig;
  readonly client: Pick<LoginClient, 'refresh' | 'revoke'>;
  readonly sessions: Sessions;
}

/** A refresh that the issuer answered, and that the store could not be told of. */
interface Unsaved {
  readonly version: number;
  readonly next: SessionState;
  readonly release: () => Promise<void>;
}

const MAX_UNSAVED = 1000;
const MAX_PAUSES = 10_000;
/** After a failure, a token that is still valid is used for this time before the next attempt. */
const PAUSE_WHILE_VALID_MS = 5000;
/** A token that has ended is tried again sooner, and still not by each request. */
const PAUSE_WHEN_ENDED_MS = 1000;
/** A store that is only slow, or changes its primary, gets these chances before the result stays in this process alone. */
const SAVE_AGAIN_MS = [100, 400];
/** After them it is tried without a request, for as long as the lease keeps others from refreshing. */
const SAVE_LATER_MS = 1000;
const SAVE_LATER_EXTRA_SECONDS = 5;

/** Creates the refresher of an app's sessions. */
export function createRefresher({ config, client, sessions, publish, warn }: RefresherParts): Refresher {
  const { clock, timeoutSeconds } = config;
  const sharing = createRefreshSharing(config, sessions);
  const recent = createRecentRefreshes(clock);
  const flights = new Map<string, Promise<Refreshed>>();
  const unsaved = createBoundedMap<Unsaved>(MAX_UNSAVED);
  /** Until when a session is not refreshed again after a failure, by the monotonic clock. */
  const pauses = createBoundedMap<number>(MAX_PAUSES);

  function fresh(state: SessionState, cookieHeader: string | undefined): Refreshed | Promise<Refreshed> {
    const { state: newest, setCookies } = known(state);
    // the new refresh token may end sooner than the one in the request's cookie
    if (!(clock.now() / 1000 < newest.endsAt)) return end(newest, 'expired', cookieHeader);
    if (clock.now() / 1000 < newest.refreshAt) return { outcome: 'fresh', state: newest, setCookies };
    return renew(newest, setCookies, cookieHeader);
  }

  function known(state: SessionState): RefreshResult {
    return recent.newerThan(state) ?? { state, setCookies: NO_COOKIES };
  }

  /** All requests of a session share one refresh. */
  async function renew(state: SessionState, setCookies: readonly string[], cookieHeader: string | undefined): Promise<Refreshed> {
    for (let flight = flights.get(state.id); flight; flight = flights.get(state.id)) {
      const result = await flight;
      // it may have been the refresh of an older cookie, in a fleet that shares nothing
      if (result.outcome !== 'fresh' || result.state.version >= state.version) return result;
    }
    if (clock.monotonic() < (pauses.get(state.id) ?? -Infinity)) return keepUsing(state, setCookies, 'the issuer could not be reached a moment ago');
    const flight = refresh(state, setCookies, cookieHeader).finally(() => flights.delete(state.id));
    flights.set(state.id, flight);
    return flight;
  }

  async function refresh(state: SessionState, setCookies: readonly string[], cookieHeader: string | undefined): Promise<Refreshed> {
    const left = unsaved.get(state.id);
    // this process has the result already, and nobody else can get one
    if (left?.version === state.version) return save(state, left.next, left.release, cookieHeader);
    const turn = await myTurn(state, cookieHeader);
    if (turn.kind === 'unavailable') {
      publish('refresh', 'failed', 'store_unavailable');
      return pauseAndKeepUsing(state, setCookies, turn.cause);
    }
    if (turn.kind === 'ended') return forgetEnded(state, turn.reason, turn.setCookies);
    if (turn.kind === 'refreshed') {
      recent.add(state, turn);
      return { outcome: 'fresh', state: turn.state, setCookies: turn.setCookies };
    }
    const answer = state.refreshToken === undefined ? undefined : await client.refresh(state.refreshToken, state);
    if (answer && !isFailure(answer)) return save(state, renewedState(state, answer, config), turn.release, cookieHeader);
    const elsewhere = answer?.cause === 'invalid_grant' ? await refreshedElsewhere(state, cookieHeader) : undefined;
    if (elsewhere) {
      await turn.release();
      return elsewhere;
    }
    const outcome = answer ? await afterFailure(state, answer, setCookies, cookieHeader) : await withoutRefreshToken(state, setCookies, cookieHeader);
    await turn.release();
    return outcome;
  }

  /** This process may have stood still for longer than its lease: then another one has used the refresh token up, and the session goes on. */
  async function refreshedElsewhere(state: SessionState, cookieHeader: string | undefined): Promise<Refreshed | undefined> {
    try {
      const found = await sharing?.look(state, cookieHeader);
      if (found?.kind !== 'refreshed') return undefined;
      recent.add(state, found);
      return { outcome: 'fresh', state: found.state, setCookies: found.setCookies };
    } catch {
      return undefined;
    }
  }

  async function withoutRefreshToken(state: SessionState, setCookies: readonly string[], cookieHeader: string | undefined): Promise<Refreshed> {
    return isUsable(state) ? { outcome: 'fresh', state, setCookies } : end(state, 'expired', cookieHeader);
  }

  async function save(state: SessionState, next: SessionState, release: () => Promise<void>, cookieHeader: string | undefined): Promise<Refreshed> {
    pauses.delete(state.id);
    let setCookies: readonly string[] | undefined;
    try {
      setCookies = await replacePatiently(state, next);
    } catch (error) {
      // a store of somebody else may throw any error
      if (!(error instanceof ConfigurationError)) {
        // The lease is kept: nobody else may try the old refresh token before this process has had time to save the new one. It ends by itself.
        const isFirst = unsaved.get(state.id)?.version !== state.version;
        unsaved.set(state.id, { version: state.version, next, release });
        if (isFirst) void saveLater(state);
        publish('refresh', 'failed', 'store_unavailable');
        return { outcome: 'unavailable', cause: 'the session store cannot be reached, so the refreshed session could not be saved' };
      }
      // The tokens have grown too large for cookies. The old refresh token is used up, so this process alone can go on.
      warn(error.message, 'refresh not kept');
      setCookies = NO_COOKIES;
    }
    unsaved.delete(state.id);
    if (setCookies) {
      recent.add(state, { state: next, setCookies });
      if (!(await share(state, next))) void shareAgain(state, next, release);
      else await release();
      publish('refresh', 'done');
    } else await release();
    return setCookies ? { outcome: 'fresh', state: next, setCookies } : endedMeanwhile(state, next, cookieHeader);
  }

  /** The next request may go to another process, which would send the old refresh token again once the lease is over. So this one asks for no request. */
  async function saveLater(state: SessionState): Promise<void> {
    for (let seconds = 0; seconds < 2 * timeoutSeconds + SAVE_LATER_EXTRA_SECONDS; seconds++) {
      await pause(SAVE_LATER_MS);
      if (unsaved.get(state.id)?.version !== state.version) return;
      await renew(state, NO_COOKIES, undefined).catch(() => {});
    }
  }

  async function replacePatiently(state: SessionState, next: SessionState): Promise<readonly string[] | undefined> {
    for (const pauseMs of SAVE_AGAIN_MS) {
      try {
        return await sessions.replace(state, next);
      } catch (error) {
        if (error instanceof ConfigurationError) throw error;
        await pause(pauseMs);
      }
    }
    return sessions.replace(state, next);
  }

  async function share(state: SessionState, next: SessionState): Promise<boolean> {
    try {
      await sharing?.publish(state, next);
      return true;
    } catch {
      publish('refresh', 'failed', 'store_unavailable');
      return false;
    }
  }

  /**
   * The answer brings the browser its new cookie meanwhile. The lease is kept until the result can be seen: without it, a process that gets the old cookie
   * would send the old refresh token again, and the issuer would end the session.
   */
  async function shareAgain(state: SessionState, next: SessionState, release: () => Promise<void>): Promise<void> {
    for (const pauseMs of SAVE_AGAIN_MS) {
      await pause(pauseMs);
      if (await share(state, next)) return release();
    }
  }

  /** Logout wins over a refresh under way. The issuer has given a new refresh token, which nobody knows but this process. */
  async function endedMeanwhile(state: SessionState, next: SessionState, cookieHeader: string | undefined): Promise<Refreshed> {
    const { refreshToken } = next;
    if (refreshToken !== undefined && (await client.revoke(refreshToken))) publish('logout', 'failed', 'issuer_unavailable');
    const found = await sessions.find(cookieHeader);
    return forgetEnded(state, found.kind === 'ended' ? found.reason : 'revoked', sessions.forget(cookieHeader));
  }

  async function afterFailure(
    state: SessionState,
    { failure, cause }: IssuerFailure,
    setCookies: readonly string[],
    cookieHeader: string | undefined,
  ): Promise<Refreshed> {
    if (failure === 'other_user') {
      publish('refresh', 'refused', 'invalid_response');
      return end(state, 'refresh_refused', cookieHeader);
    }
    if (failure === 'refused' && cause === 'invalid_grant') {
      publish('refresh', 'refused', 'refresh_refused');
      return end(state, 'refresh_refused', cookieHeader);
    }
    // such as invalid_client after a secret was changed: no fault of the session
    if (failure === 'refused') publish('refresh', 'refused', 'issuer_refused');
    else publish('refresh', 'failed', failure === 'unavailable' ? 'issuer_unavailable' : 'invalid_response');
    return pauseAndKeepUsing(state, setCookies, cause);
  }

  async function end(state: SessionState, reason: EndReason, cookieHeader: string | undefined): Promise<Refreshed> {
    publish('end', 'done', reason);
    try {
      return forgetEnded(state, reason, await sessions.end(state, reason, cookieHeader));
    } catch {
      // it has ended in this process; the others learn it at their own attempt
      return forgetEnded(state, reason, sessions.forget(cookieHeader));
    }
  }

  function forgetEnded({ id }: SessionState, reason: EndReason, setCookies: readonly string[]): Refreshed {
    recent.delete(id);
    unsaved.delete(id);
    pauses.delete(id);
    return { outcome: 'ended', reason, setCookies };
  }

  function pauseAndKeepUsing(state: SessionState, setCookies: readonly string[], cause: string): Refreshed {
    pauses.set(state.id, clock.monotonic() + (isUsable(state) ? PAUSE_WHILE_VALID_MS : PAUSE_WHEN_ENDED_MS));
    return keepUsing(state, setCookies, cause);
  }

  function keepUsing(state: SessionState, setCookies: readonly string[], cause: string): Refreshed {
    return isUsable(state) ? { outcome: 'fresh', state, setCookies } : { outcome: 'unavailable', cause };
  }

  function isUsable({ accessTokenEndsAt }: SessionState): boolean {
    return clock.now() / 1000 < accessTokenEndsAt;
  }

  async function myTurn(state: SessionState, cookieHeader: string | undefined): Promise<Turn> {
    try {
      return await takeTurn(sharing, state, cookieHeader, timeoutSeconds);
    } catch (error) {
      // the message of another error may quote anything
      if (error instanceof ConfigurationError) warn(error.message);
      return { kind: 'unavailable', cause: 'the session store cannot be reached' };
    }
  }

  return {
    fresh,
    newest: known,
    async forget(state) {
      await flights.get(state.id);
      const left = unsaved.get(state.id);
      const { state: newest } = known(state);
      forgetEnded(state, 'logout', NO_COOKIES);
      return left && left.next.version > newest.version ? left.next : newest;
    },
  };
}

const NO_COOKIES: readonly string[] = Object.freeze([]);
