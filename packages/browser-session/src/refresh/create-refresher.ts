import { ConfigurationError } from '@tokenward/core';
import { createCallLimit } from '../call-limit.js';
import { NO_LINES } from '../cookies/cookie-header.js';
import { isFailure, type TokensFailure } from '../oidc/login-client.js';
import { issuerRemedy } from '../routes/issuer-remedy.js';
import type { SessionState } from '../session-state.js';
import { createFlights } from './flights.js';
import type { RefreshResult } from './recent-refreshes.js';
import { createLeftTokens } from './left-tokens.js';
import { createRefreshMemory } from './refresh-memory.js';
import type { Refreshed, Refresher } from './refresher.js';
import type { RefresherParts } from './refresher-parts.js';
import { createRefreshSharing } from './refresh-sharing.js';
import { renewedState } from './renewed-state.js';
import { createSaveRefresh, TOO_LARGE_WARNING } from './save-refresh.js';
import { createSessionEnder } from './session-ender.js';
import { takeTurn, whileTaken, type MyTurn, type NoTurn, type Turn } from './turn.js';
import { createWriteBack } from './write-back.js';

/** How many sessions this process refreshes at the same time. */
const MAX_AT_ONCE = 50;
/** Another process has the lease of the session. */
const TAKEN = Object.freeze({ outcome: 'taken' });
const NO_ANSWER_YET = 'the refresh has not been answered yet';
/** It may have been the issuer, the store, or the process that has the lease. The event and the first refusal say which. */
const A_MOMENT_AGO = 'a refresh failed a moment ago, and is not tried again yet';
/** The share of their patience for which requests wait for a turn or for a lease. The refusal then says so, rather than that an answer is missing. */
const TURN_SHARE = 0.9;

/** Creates the refresher of an app's sessions. */
export function createRefresher(parts: RefresherParts): Refresher {
  const { config, client, sessions, publish, warn } = parts;
  const { clock, issuer, timeoutSeconds } = config;
  const sharing = createRefreshSharing(config, sessions);
  const memory = createRefreshMemory(config);
  const { recent, unsaved, pauses } = memory;
  const flights = createFlights(timeoutSeconds * 1000);
  const leftTokens = createLeftTokens(parts, (state) => known(state).state, flights.follow);
  const ender = createSessionEnder(parts, memory, flights, leftTokens);
  const save = createSaveRefresh(parts, { memory, ender, sharing, flights }, (state) => renew(state, NO_LINES, undefined));
  const writeBack = createWriteBack(config, sessions);
  const limit = createCallLimit(MAX_AT_ONCE);

  function fresh(state: SessionState, cookieHeader: string | undefined): Refreshed | Promise<Refreshed> {
    const { state: newest, setCookies } = known(state);
    // the new refresh token may end sooner than the one in the request's cookie
    const nowSeconds = clock.now() / 1000;
    if (!(nowSeconds < newest.endsAt)) return endRunOut(newest, cookieHeader);
    if (nowSeconds < newest.refreshAt) return { outcome: 'fresh', state: newest, setCookies };
    return renew(newest, setCookies, cookieHeader);
  }

  async function endRunOut(state: SessionState, cookieHeader: string | undefined): Promise<Refreshed> {
    leftTokens.revoke(state);
    return ender.end(state, 'expired', cookieHeader);
  }

  function known(state: SessionState): RefreshResult {
    const newer = recent.newerThan(state);
    if (newer) writeBack(state, newer.state);
    return newer ?? { state, setCookies: NO_LINES };
  }

  /** All requests of a session share one refresh. */
  async function renew(state: SessionState, setCookies: readonly string[], cookieHeader: string | undefined): Promise<Refreshed> {
    for (let flight = flights.get(state.id); flight; flight = flights.get(state.id)) {
      const result = await flights.inTime(flight);
      if (!result) return keepUsing(state, setCookies, NO_ANSWER_YET);
      // the other refresh may have been of an older cookie, in a fleet that shares nothing
      if (result.outcome !== 'fresh' || result.state.version >= state.version) return result;
    }
    // an unsaved result needs only the store, so a pause of the issuer does not matter
    if (pauses.secondsLeft(state.id) > 0 && !unsaved.get(state.id)) return keepUsing(state, setCookies, A_MOMENT_AGO);
    const flight = flights.start(state.id, () => refreshInTurn(state, setCookies, cookieHeader));
    return (await flights.inTime(flight)) ?? keepUsing(state, setCookies, NO_ANSWER_YET);
  }

  /**
   * Waits until this process may refresh one more session. It takes the lease only afterwards, so that the lease does not end during the wait. While another
   * process has the lease, it waits outside the limit: that process may be dead.
   */
  async function refreshInTurn(state: SessionState, setCookies: readonly string[], cookieHeader: string | undefined): Promise<Refreshed> {
    // a session whose token is still valid need not wait
    const waitMs = isUsable(state) ? 0 : timeoutSeconds * 1000 * TURN_SHARE;
    const inTurn = () => limit.run(() => refresh(state, setCookies, cookieHeader), waitMs);
    let untilMs: number | undefined;
    let result = await inTurn();
    while (result?.outcome === 'taken') {
      untilMs ??= performance.now() + timeoutSeconds * 1000 * TURN_SHARE;
      const turn = await whileTaken(() => myTurn(state, cookieHeader), untilMs);
      if (turn.kind !== 'mine') return withoutTurn(state, turn, setCookies);
      result = await limit.run(() => refreshWith(turn, state, state.refreshToken!, setCookies, cookieHeader), 0);
      if (result) break;
      // the lease would run while this process waits
      await turn.release();
      result = await inTurn();
    }
    if (result) return result;
    // with a token that is still valid, nothing is refused
    if (!isUsable(state)) publish('refresh', 'failed', 'too_many_refreshes');
    return keepUsing(state, setCookies, 'too many sessions are being refreshed at the moment');
  }

  async function refresh(state: SessionState, setCookies: readonly string[], cookieHeader: string | undefined): Promise<Refreshed | typeof TAKEN> {
    const left = unsaved.get(state.id);
    // this process has the result already, and nobody else can get one
    if (left?.version === state.version) return save(state, left.next, left.release, cookieHeader);
    // nobody can refresh it, so there is no turn to wait for
    if (state.refreshToken === undefined) return withoutRefreshToken(state, setCookies, cookieHeader);
    const turn = await myTurn(state, cookieHeader);
    if (turn.kind === 'taken') return TAKEN;
    return turn.kind === 'mine' ? refreshWith(turn, state, state.refreshToken, setCookies, cookieHeader) : withoutTurn(state, turn, setCookies);
  }

  async function refreshWith(
    turn: MyTurn,
    state: SessionState,
    refreshToken: string,
    setCookies: readonly string[],
    cookieHeader: string | undefined,
  ): Promise<Refreshed> {
    const answer = await client.refresh(refreshToken, state);
    if (!isFailure(answer)) return keep(state, renewedState(state, answer, config), turn.release, cookieHeader);
    const elsewhere = answer.cause === 'invalid_grant' ? await lookElsewhere(state, cookieHeader) : undefined;
    const outcome = elsewhere ? withoutTurn(state, elsewhere, setCookies) : await afterFailure(state, answer, setCookies, cookieHeader);
    await turn.release();
    return outcome;
  }

  function withoutTurn(state: SessionState, turn: NoTurn, setCookies: readonly string[]): Refreshed {
    if (turn.kind === 'unavailable') {
      // another process may still refresh it: with a token that is still valid, nothing has failed yet
      if (turn.reason !== 'lease_taken' || !isUsable(state)) publish('refresh', 'failed', turn.reason);
      return pauseAndKeepUsing(state, setCookies, turn);
    }
    if (turn.kind === 'refreshed') return adopt(state, turn);
    if (turn.left) leftTokens.revoke(turn.left);
    return ender.ended(state.id, turn.reason, turn.setCookies);
  }

  async function keep(state: SessionState, next: SessionState, release: () => Promise<void>, cookieHeader: string | undefined): Promise<Refreshed> {
    if (clock.now() / 1000 < next.endsAt) return save(state, next, release, cookieHeader);
    // the session reached its end while the issuer was asked
    const ended = await ender.end(state, 'expired', cookieHeader, next.refreshToken);
    await release();
    return ended;
  }

  /** Takes over the result of another process. */
  function adopt(state: SessionState, found: RefreshResult): Refreshed {
    recent.add(state, found);
    return { outcome: 'fresh', state: found.state, setCookies: found.setCookies };
  }

  /**
   * This process may have been suspended for longer than its lease. If another one has used up the refresh token meanwhile, the session continues. If that cannot
   * be found out, nobody knows why the issuer refused the token.
   */
  async function lookElsewhere(state: SessionState, cookieHeader: string | undefined): Promise<NoTurn | undefined> {
    if (!sharing) return undefined;
    try {
      const found = await sharing.look(state, cookieHeader);
      return found.kind === 'unchanged' ? undefined : found;
    } catch (error) {
      return cannotShare(error);
    }
  }

  async function withoutRefreshToken(state: SessionState, setCookies: readonly string[], cookieHeader: string | undefined): Promise<Refreshed> {
    return isUsable(state) ? { outcome: 'fresh', state, setCookies } : ender.end(state, 'expired', cookieHeader);
  }

  async function afterFailure(state: SessionState, answer: TokensFailure, setCookies: readonly string[], cookieHeader: string | undefined): Promise<Refreshed> {
    const { failure, cause, refreshToken } = answer;
    if (failure === 'refused' && cause === 'invalid_grant') {
      publish('refresh', 'refused', 'refresh_refused');
      return ender.end(state, 'refresh_refused', cookieHeader);
    }
    // for the operator to correct, such as invalid_client after a secret was changed
    if (failure !== 'unavailable') warn(`tokenward: a refresh at ${issuer} failed: ${cause}${remedyOf(answer)}`);
    if (failure === 'unusable' || failure === 'other_user') {
      publish('refresh', failure === 'other_user' ? 'refused' : 'failed', 'invalid_response');
      return ender.end(state, 'invalid_response', cookieHeader, refreshToken);
    }
    if (failure === 'refused') publish('refresh', 'refused', 'issuer_refused');
    else publish('refresh', 'failed', failure === 'unavailable' ? 'issuer_unavailable' : 'invalid_response');
    return pauseAndKeepUsing(state, setCookies, answer);
  }

  function remedyOf({ failure, cause }: TokensFailure): string {
    // at a login, the redirect address is the usual reason for this code. A refresh sends none
    const remedy = failure === 'refused' && cause !== 'invalid_request' ? issuerRemedy(cause, config) : undefined;
    return remedy === undefined ? '' : `. ${remedy}`;
  }

  function pauseAndKeepUsing(
    state: SessionState,
    setCookies: readonly string[],
    { cause, retryAfterSeconds }: { readonly cause: string; readonly retryAfterSeconds?: number | undefined },
  ): Refreshed {
    pauses.add(state.id, isUsable(state), retryAfterSeconds);
    return keepUsing(state, setCookies, cause);
  }

  function keepUsing(state: SessionState, setCookies: readonly string[], cause: string): Refreshed {
    return isUsable(state) ? { outcome: 'fresh', state, setCookies } : { outcome: 'unavailable', cause, retryAfterSeconds: pauses.secondsLeft(state.id) };
  }

  function isUsable({ accessTokenEndsAt }: SessionState): boolean {
    return clock.now() / 1000 < accessTokenEndsAt;
  }

  async function myTurn(state: SessionState, cookieHeader: string | undefined): Promise<Turn> {
    try {
      return await takeTurn(sharing, state, cookieHeader);
    } catch (error) {
      return cannotShare(error);
    }
  }

  function cannotShare(error: unknown): NoTurn {
    // the message of another error may quote anything
    if (!(error instanceof ConfigurationError)) return { kind: 'unavailable', reason: 'store_unavailable', cause: 'the session store cannot be reached' };
    // another process has refreshed the session, and this one cannot write the cookie
    warn(error.message, TOO_LARGE_WARNING);
    return { kind: 'unavailable', reason: 'tokens_too_large', cause: 'the refreshed tokens are too large for cookies' };
  }

  /** Call it after the session has ended, so that a refresh under way finds it ended. */
  async function newestOf(states: readonly (SessionState | undefined)[], id: string): Promise<SessionState | undefined> {
    const flight = flights.get(id);
    if (flight) await flights.inTime(flight);
    let newest: SessionState | undefined;
    for (const one of [...states, recent.latest(id), unsaved.get(id)?.next]) if (one && !(newest && newest.version >= one.version)) newest = one;
    memory.forget(id);
    return newest;
  }

  return {
    fresh,
    newest: known,
    known: recent.latest,
    close: flights.close,
    revokeLeft: leftTokens.revoke,
    keepLeft: leftTokens.keep,
    async logOut(state, cookieHeader) {
      ender.stopWatching(state.id);
      let ended: SessionState | undefined;
      try {
        ({ state: ended } = await sessions.end(state, 'logout', cookieHeader));
      } catch {
        publish('logout', 'failed', 'store_unavailable');
      }
      const shared = await sharing?.newest(state).catch(() => undefined);
      return { newest: (await newestOf([state, ended, shared], state.id))!, isKnownEverywhere: ended !== undefined };
    },
    async endReplaced(session, state, keepsGrant) {
      ender.stopWatching(session.id);
      if (keepsGrant) ender.keepGrant(session.id);
      const ended = await sessions.endReplaced(session, keepsGrant ? 'replaced' : 'logout');
      return newestOf([state, ended], session.id);
    },
  };
}
