import { createLruMap, misuse } from '@tokenward/core/store';
import { MAX_CHUNKED_LENGTH } from '../cookies/chunks.js';
import { NO_LINES } from '../cookies/cookie-header.js';
import { createSealer } from '../cookies/seal.js';
import type { SessionConfig } from '../config.js';
import type { SessionState } from '../session-state.js';
import { endingOf, type FoundSession, type Sessions } from '../sessions.js';
import { createSessionCookie } from './session-cookie.js';
import { createSessionEnd, type EndConfig } from './ending.js';
import { isUseWorthWriting } from './session-use.js';
import { stateOf, textOf } from './session-text.js';

export type SealedConfig = EndConfig & Pick<SessionConfig, 'cookieName' | 'sameSite' | 'secrets'>;

/** A session takes about 10 KiB. */
const OPENED = { maxEntries: 10_000, maxBytes: 67_108_864 };
const MAX_USES = 10_000;

/** Keeps each session in its own cookie, encrypted. A logout ends every copy of it through the revocations. */
export function createSealedSessions(config: SealedConfig): Sessions {
  const { cookieName: name, sameSite, secrets, clock, idleSeconds } = config;
  const cookie = createSessionCookie({ name, sameSite }, createSealer(secrets, 'session', name), OPENED, stateOf);
  const ending = createSessionEnd(config);
  /**
   * When sessions were last used, as far as this process knows: an older copy of a cookie does not show the latest use. The browser may have no newer copy,
   * since a page that is rendered on the server cannot set it, and an answer can be lost.
   */
  const uses = createLruMap<Pick<SessionState, 'usedAt' | 'version'>>(MAX_USES);

  function found(state: SessionState, cookieHeader: string | undefined, canSetCookies: boolean): FoundSession | Promise<FoundSession> {
    // read once: reading a clock costs as much as most of what follows
    const now = clock.now() / 1000;
    const shown = ending.of(state, now);
    const reason = shown === 'idle' && !isOutdated(state) ? ending.of(lastUsed(state), now) : shown;
    if (reason === 'unavailable') return { kind: 'unavailable', cause: 'the revocations are not current', session: endingOf(state) };
    if (reason !== undefined) return { kind: 'ended', reason, setCookies: cookie.delete(cookieHeader), left: leftOf(state, now) };
    if (isUseWorthWriting(state.usedAt, now, idleSeconds)) return used(state, canSetCookies);
    return { kind: 'session', state, setCookies: NO_LINES };
  }

  function leftOf(state: SessionState, now: number): SessionState | undefined {
    const newest = lastUsed(state);
    return ending.leavesToken(newest, now) ? newest : undefined;
  }

  function lastUsed(state: SessionState): SessionState {
    return { ...state, usedAt: Math.max(state.usedAt, uses.get(state.id)?.usedAt ?? 0) };
  }

  /** Whether the session was last used with newer tokens. Then this is an old copy, and its refresh token is used up: sending it would end the session. */
  function isOutdated({ id, version }: SessionState): boolean {
    return version < (uses.get(id)?.version ?? 0);
  }

  /** Notes a use. A use with an old copy of the cookie does not replace a newer version: the refresh token of the old copy stays used up. */
  function note({ id, usedAt, version }: SessionState): void {
    uses.set(id, { usedAt, version: Math.max(version, uses.get(id)?.version ?? 0) });
  }

  /**
   * Notes that the session was used, and writes it into the cookie. The version stays: it counts changes of the tokens, and a refresh must find the same result
   * by the cookie before and after this.
   */
  async function used(previous: SessionState, canSetCookies: boolean): Promise<FoundSession> {
    const state = { ...previous, usedAt: nowSeconds() };
    note(state);
    return { kind: 'session', state, setCookies: canSetCookies ? await write(state, previous) : NO_LINES };
  }

  async function write(state: SessionState, previous: SessionState | undefined): Promise<readonly string[]> {
    const maxAgeSeconds = state.endsAt - nowSeconds();
    const former = previous && textOf(previous);
    const lines =
      (await cookie.write(textOf(state), maxAgeSeconds, former)) ??
      // the ID token is only a hint for a logout at the issuer; nothing works without the other tokens
      (await cookie.write(textOf({ ...state, idToken: undefined }), maxAgeSeconds, former));
    if (!lines) throw tooLarge(state);
    return lines;
  }

  function nowSeconds(): number {
    return Math.floor(clock.now() / 1000);
  }

  return {
    find(cookieHeader, canSetCookies = true) {
      const content = cookie.read(cookieHeader);
      return content instanceof Promise ? content.then((opened) => judge(opened, cookieHeader, canSetCookies)) : judge(content, cookieHeader, canSetCookies);
    },
    start: (state) => write(state, undefined),
    async replace(previous, next) {
      if (ending.isRevoked(previous)) return undefined;
      const lines = await write(next, previous);
      note(next);
      // a logout may have come while the cookie was encrypted
      return ending.isRevoked(previous) ? undefined : lines;
    },
    async end(state, reason, cookieHeader) {
      await ending.revoke(state, reason);
      return { state, setCookies: cookie.delete(cookieHeader) };
    },
    async endReplaced(session, reason) {
      await ending.revoke(session, reason);
      return undefined;
    },
    // nothing to do: the revocations that a logout token adds end the sessions
    endAtIssuer: async () => [],
    forget: (cookieHeader) => cookie.delete(cookieHeader),
  };

  function judge(
    content: SessionState | 'none' | 'unreadable',
    cookieHeader: string | undefined,
    canSetCookies: boolean,
  ): FoundSession | Promise<FoundSession> {
    if (content === 'none') return { kind: 'none' };
    if (content === 'unreadable') return { kind: 'ended', reason: 'unreadable', setCookies: cookie.delete(cookieHeader) };
    return found(content, cookieHeader, canSetCookies);
  }
}

function tooLarge({ accessToken, refreshToken = '' }: SessionState): Error {
  const sizes = `access token: ${accessToken.length} characters, refresh token: ${refreshToken.length}`;
  return misuse(
    'store',
    `is missing, and the tokens do not fit into cookies of ${MAX_CHUNKED_LENGTH} bytes (${sizes}). Set store, such as redisSessions() of @tokenward/redis`,
  );
}
