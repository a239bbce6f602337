import { createLruMap, type ReplaceAnswer, type SessionStore, type StoredSession } from '@tokenward/core/store';
import { NO_LINES } from '../cookies/cookie-header.js';
import { createOpenedTexts } from '../cookies/opened-texts.js';
import { createSealer } from '../cookies/seal.js';
import { hashOf } from '../hash.js';
import type { SessionConfig } from '../config.js';
import type { SessionState } from '../session-state.js';
import { endingOf, type EndReason, type FoundSession, type IssuerLogout, type Sessions } from '../sessions.js';
import { createSessionCookie, type CookieContent } from './session-cookie.js';
import { createSessionEnd, type EndConfig } from './ending.js';
import { membersOf, stateOf, textOf } from './session-text.js';
import { isUseWorthWriting } from './session-use.js';
import { inTime, isThenable } from './time-limit.js';

export type StoredConfig = EndConfig & Pick<SessionConfig, 'cookieName' | 'sameSite' | 'secrets'>;

/** What the cookie contains. It is sealed, so that a guessed cookie is refused without a call to the store. */
interface SessionReference {
  readonly id: string;
  /** The key in the store. */
  readonly key: string;
  readonly endsAt: number;
}

type CookieHeader = string | undefined;

const OPENED_COOKIES = { maxEntries: 50_000, maxBytes: 67_108_864 };
const OPENED_STATES = { maxEntries: 10_000, maxBytes: 67_108_864 };
/** How long the store keeps a session after its end. A late request then gets the reason, and the refresh token can be revoked. */
const KEPT_SECONDS = 60;
/** The same, for a session that ended because it was idle. It is longer, because the user may return. */
const KEPT_IDLE_SECONDS = 3600;
/** How often, at most, this process sends the cookie of a session again. Many requests may still have the previous one, and a client may ignore the new one. */
const SENT_AGAIN_MS = 10_000;
const MAX_SENT_AGAIN = 10_000;
const MAX_USES_WRITTEN = 10_000;
const MAX_REMOVALS = 10_000;

/** Keeps sessions in a store. The cookie contains only the session's id. */
export function createStoredSessions(config: StoredConfig, store: SessionStore): Sessions {
  const { cookieName: name, sameSite, secrets, clock, idleSeconds } = config;
  const cookie = createSessionCookie({ name, sameSite }, createSealer(secrets, 'session', name), OPENED_COOKIES, referenceOf);
  const sealer = createSealer(secrets, 'store', name);
  const openedStates = createOpenedTexts<SessionState>(OPENED_STATES);
  const ending = createSessionEnd(config);
  /** When this process last began to write the use of a session. A request may have read the session before, and end after the write. */
  const usesWritten = createLruMap<number>(MAX_USES_WRITTEN);
  /** The removals by ends of this process that go on or have failed, by key. */
  const removals = createLruMap<'going' | 'failed'>(MAX_REMOVALS);
  /** Until when the cookie of a session is not sent again, by the monotonic clock. */
  const sentAgain = createLruMap<number>(MAX_SENT_AGAIN);

  function nowSeconds(): number {
    return Math.floor(clock.now() / 1000);
  }

  function judge(content: CookieContent<SessionReference>, cookieHeader: CookieHeader, canSetCookies: boolean): FoundSession | Promise<FoundSession> {
    if (content === 'none') return { kind: 'none' };
    if (content === 'unreadable') return ended('unreadable', cookieHeader);
    // read once: reading a clock costs as much as most of what follows
    const now = clock.now() / 1000;
    if (!(now < content.endsAt)) return now < content.endsAt + KEPT_SECONDS ? ranOut(content, cookieHeader) : ended('expired', cookieHeader);
    return look(content, cookieHeader, now, canSetCookies);
  }

  function look(reference: SessionReference, cookieHeader: CookieHeader, now: number, canSetCookies: boolean): FoundSession | Promise<FoundSession> {
    let answer: ReturnType<SessionStore['read']>;
    try {
      answer = store.read(reference.key);
    } catch {
      return unreachable(reference);
    }
    if (!isThenable(answer)) return stored(answer, reference, cookieHeader, now, canSetCookies);
    return answer.then(
      (session) => stored(session, reference, cookieHeader, clock.now() / 1000, canSetCookies),
      () => unreachable(reference),
    );
  }

  /** The cookie says that the session has ended. The store is asked only for the refresh token that is left at the issuer. */
  async function ranOut({ id, key }: SessionReference, cookieHeader: CookieHeader): Promise<FoundSession> {
    let left: SessionState | undefined;
    try {
      const session = await store.read(key);
      const state = session && (openedStates.get(session.sealed) ?? (await open(session.sealed)));
      // its end may have moved
      left = state && state.id === id ? leftOf(state, clock.now() / 1000) : undefined;
    } catch {
      // the session has ended even if the store cannot be reached
    }
    if (left) inBackground(async () => store.remove(key));
    return ended('expired', cookieHeader, left);
  }

  function leftOf(state: SessionState, now: number): SessionState | undefined {
    return ending.leavesToken(state, now) ? state : undefined;
  }

  function stored(
    session: StoredSession | undefined,
    reference: SessionReference,
    cookieHeader: CookieHeader,
    now: number,
    canSetCookies: boolean,
  ): FoundSession | Promise<FoundSession> {
    // the store does not know whether it was logged out, expired, or lost with the store's data
    if (!session) return ended('expired', cookieHeader);
    const known = openedStates.get(session.sealed);
    return known
      ? found(known, reference, cookieHeader, now, canSetCookies)
      : open(session.sealed).then((state) =>
          state ? found(state, reference, cookieHeader, clock.now() / 1000, canSetCookies) : ended('unreadable', cookieHeader),
        );
  }

  async function open(sealed: string): Promise<SessionState | undefined> {
    const text = await sealer.open(sealed);
    const state = text === undefined ? undefined : stateOf(text);
    if (state) openedStates.add(sealed, state);
    return state;
  }

  function found(
    state: SessionState,
    { id, key, endsAt }: SessionReference,
    cookieHeader: CookieHeader,
    now: number,
    canSetCookies: boolean,
  ): FoundSession | Promise<FoundSession> {
    // whoever can write to the store could put one user's state under another's key
    const reason = state.id === id ? ending.of(state, now) : 'unreadable';
    if (reason === 'unavailable') return { kind: 'unavailable', cause: 'the revocations are not current', session: endingOf(state) };
    if (reason !== undefined) {
      const removal = removals.get(key);
      // A logout removes it itself: the removal returns the newest refresh token, which it revokes. If this one fails, the store removes it at its end
      if (removal === 'failed' || (removal === undefined && reason !== 'logout')) inBackground(async () => store.remove(key));
      return ended(reason, cookieHeader, reason === 'unreadable' ? undefined : leftOf(state, now));
    }
    if (isUseWorthWriting(state.usedAt, now, idleSeconds) && isUseWorthWriting(usesWritten.get(key) ?? 0, now, idleSeconds)) {
      usesWritten.set(key, now);
      inBackground(() => writeUse(state, key).catch(() => usesWritten.delete(key)));
    }
    if (canSetCookies && endsAt < state.endsAt && mayBeSentAgain(id)) return withCookie(state);
    return { kind: 'session', state, setCookies: NO_LINES };
  }

  /**
   * A refresh has moved the end, and the answer with the new cookie did not reach the browser: it was lost, or the refresh belonged to no request. With the
   * previous cookie, the browser would lose the session at its previous end.
   */
  async function withCookie(state: SessionState): Promise<FoundSession> {
    return { kind: 'session', state, setCookies: await cookieOf(state) };
  }

  function mayBeSentAgain(id: string): boolean {
    const nowMs = clock.monotonic();
    if (nowMs < (sentAgain.get(id) ?? -Infinity)) return false;
    sentAgain.set(id, nowMs + SENT_AGAIN_MS);
    return true;
  }

  function ended(reason: EndReason, cookieHeader: CookieHeader, left?: SessionState): FoundSession {
    return { kind: 'ended', reason, setCookies: cookie.delete(cookieHeader), left };
  }

  /** The version stays: it counts changes of the tokens, so a refresh under way can still be written. If the refresh is written first, the use is not. */
  async function writeUse(previous: SessionState, key: string): Promise<void> {
    await store.replace(await storedOf({ ...previous, usedAt: nowSeconds() }, key), previous.version);
  }

  /**
   * After a fail-over to an older copy, the store has a refresh token that is used up. It gets the new one in its place. The lease counts with the time of one call,
   * so all of them together get no more.
   */
  async function replaceStored(session: StoredSession, replaces: number): Promise<ReplaceAnswer> {
    const answer = await store.replace(session, replaces);
    if (answer !== 'changed') return answer;
    const there = await store.read(session.key);
    if (!there) return 'absent';
    return there.version < replaces ? store.replace(session, there.version) : answer;
  }

  async function storedOf(state: SessionState, key: string): Promise<StoredSession> {
    return {
      key,
      sealed: await sealer.seal(textOf(state)),
      version: state.version,
      until: Math.ceil(Math.min(state.endsAt, state.usedAt + idleSeconds + KEPT_IDLE_SECONDS)) + KEPT_SECONDS,
      issuedAt: state.issuedAt,
      labels: labelsOf(state),
    };
  }

  async function cookieOf({ id, endsAt }: SessionState): Promise<readonly string[]> {
    // a reference always fits
    return (await cookie.write(JSON.stringify({ i: id, x: endsAt }), endsAt - nowSeconds(), undefined))!;
  }

  /**
   * Revokes and removes the session, even if one of the two fails: a request in flight must find neither the session nor a way past the revocations. Returns
   * the state that the store had: a refresh of another process is either in it, or will find the session absent.
   */
  async function endEverywhere(id: string, revoke: () => Promise<void>): Promise<SessionState | undefined> {
    const key = keyOf(id);
    removals.set(key, 'going');
    // what the store has removed is gone for the whole fleet; the revocation takes effect in this process in any case
    const [, removed] = await Promise.allSettled([revoke(), (async () => store.remove(key))()]);
    if (removed.status === 'rejected') {
      removals.set(key, 'failed');
      throw removed.reason;
    }
    removals.delete(key);
    return removed.value && stateIn(removed.value);
  }

  /** Returns the state of a session that was removed. The session has ended, so it is no failure if a store of somebody else returned something else. */
  async function stateIn(removed: StoredSession): Promise<SessionState | undefined> {
    try {
      const text = await sealer.open(removed.sealed);
      const state = text === undefined ? undefined : stateOf(text);
      // the refresh token of another issuer must not be sent to this one
      return state && keyOf(state.id) === removed.key && state.issuer === config.issuer ? state : undefined;
    } catch {
      return undefined;
    }
  }

  function removeNamed({ issuer, subject, issuerSessionId, issuedUntil }: IssuerLogout): ReturnType<SessionStore['removeLabelled']> {
    // `sid` ends one session, `sub` alone all of the subject's that began before the logout
    if (issuerSessionId !== undefined) return store.removeLabelled(labelOf(issuer, 'sid', issuerSessionId));
    return subject === undefined ? [] : store.removeLabelled(labelOf(issuer, 'sub', subject), issuedUntil);
  }

  return {
    find(cookieHeader, canSetCookies = true) {
      const content = cookie.read(cookieHeader);
      return content instanceof Promise ? content.then((opened) => judge(opened, cookieHeader, canSetCookies)) : judge(content, cookieHeader, canSetCookies);
    },
    async start(state) {
      await store.create(await storedOf(state, keyOf(state.id)));
      return cookieOf(state);
    },
    async replace(previous, next) {
      if (ending.isRevoked(previous)) return undefined;
      const answer = await inTime(replaceStored(await storedOf(next, keyOf(next.id)), previous.version));
      if (answer === 'absent' || ending.isRevoked(previous)) return undefined;
      return next.endsAt === previous.endsAt ? [] : cookieOf(next);
    },
    async end(state, reason, cookieHeader) {
      const stored = await endEverywhere(state.id, () => ending.revoke(state, reason));
      return { state: stored && stored.version > state.version ? stored : state, setCookies: cookie.delete(cookieHeader) };
    },
    endReplaced: (session, reason) => endEverywhere(session.id, () => ending.revoke(session, reason)),
    async endAtIssuer(target) {
      const removed = await removeNamed(target);
      // a failure would make the issuer send the logout token again, for nothing
      const states = await Promise.all(Array.isArray(removed) ? removed.map(stateIn) : []);
      return states.flatMap((state) => (state && !ending.isReplaced(state) ? [state] : []));
    },
    forget: (cookieHeader) => cookie.delete(cookieHeader),
  };
}

function unreachable({ id, endsAt }: SessionReference): FoundSession {
  return { kind: 'unavailable', cause: 'the session store cannot be reached', session: { id, endsAt } };
}

function referenceOf(text: string): SessionReference | undefined {
  const members = membersOf(text);
  const id = members && Object.hasOwn(members, 'i') ? members['i'] : undefined;
  const endsAt = members && Object.hasOwn(members, 'x') ? members['x'] : undefined;
  return typeof id === 'string' && typeof endsAt === 'number' ? { id, key: keyOf(id), endsAt } : undefined;
}

function keyOf(id: string): string {
  return hashOf(id);
}

function labelsOf({ issuer, issuerSessionId, subject }: SessionState): readonly string[] {
  const ofSubject = labelOf(issuer, 'sub', subject);
  return issuerSessionId === undefined ? [ofSubject] : [labelOf(issuer, 'sid', issuerSessionId), ofSubject];
}

function labelOf(issuer: string, kind: 'sid' | 'sub', value: string): string {
  return hashOf(JSON.stringify([issuer, kind, value]));
}

function inBackground(work: () => Promise<unknown>): void {
  work().catch(() => {});
}
