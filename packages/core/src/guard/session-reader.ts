import type { Decision, ResponseHeaders } from '../decision/decision.js';
import { addHeaders } from '../decision/denial.js';
import { createMemory, type Slot } from '../lib/private-slot.js';
import { isThenable } from '../lib/thenable.js';
import { classOf } from '../lib/thrown.js';
import { credentialsOf, type Credentials, type CredentialsFailure } from '../request/credentials.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { withCookieHeader } from '../request/cookie-header.js';
import type { AskedSession } from '../session/read-session.js';
import { readSessionAnswer, unavailableSession, type SessionAnswer } from '../session/session-answer.js';
import { behaviourOf } from '../vocabulary/reason.js';

type Found = Credentials | CredentialsFailure | undefined;

/** Finds the access token of requests that have a session cookie. */
export interface SessionReader {
  /** Returns the credentials that a request's session gives; undefined if it has no session. The result is a promise only if the session must wait. */
  find(request: ProtectedRequest, nowSeconds: number): Found | Promise<Found>;
  /** Returns a decision on the request, with the session's `Set-Cookie` lines. */
  withCookies<D extends Decision>(decision: D, request: ProtectedRequest): D;
}

/** What a session answered for a request. Several guards, and several checks of one guard, share it. */
interface Asked {
  readonly session: object;
  /** Compared by identity: a connection may hold several requests, and what one of them proves does not count for the next (rule 129). */
  readonly headers: object;
  readonly cookie: unknown;
  readonly atMs: number;
  readonly answer: SessionAnswer | Promise<SessionAnswer>;
}

/**
 * Kept on the request's `identity`, or else on the object that lives as long as the request (`heldBy`). Each guard sees a request as an object of its own, and an
 * adapter may decide twice, the first time before the body has arrived. If they did not share the answer, each decision would ask the session, and get another
 * cookie.
 */
const asked = createMemory<object, Asked>();

/** Later checks ask again: the session may have ended, or have a newer access token. */
const SAME_REQUEST_MS = 1000;

/** Creates a reader. An answer is remembered for a second at most, and never if the session was unavailable. */
export function createSessionReader({ session, ask }: AskedSession, maxTokenBytes: number): SessionReader {
  const cookiesOf = createMemory<ProtectedRequest, readonly string[]>();

  function find(request: ProtectedRequest, nowSeconds: number): Found | Promise<Found> {
    const seen = withCookieHeader(request);
    if (!seen) return undefined;
    const { identity = request.heldBy, headers } = request;
    const slot = identity && asked.slotOf(identity);
    const known = slot?.value;
    const cookie = seen.headers['cookie'];
    const atMs = nowSeconds * 1000;
    const isKnown = known?.session === session && known.headers === headers && known.cookie === cookie && Math.abs(atMs - known.atMs) < SAME_REQUEST_MS;
    const answer = isKnown ? known.answer : askSafely(seen);
    if (slot && !isKnown) slot.value = { session, headers, cookie, atMs, answer };
    if (!(answer instanceof Promise)) return take(request, slot, answer);
    return answer.then((late) => take(request, slot, late));
  }

  /** Never throws and never rejects: a session that fails is unavailable. */
  function askSafely(request: ProtectedRequest): SessionAnswer | Promise<SessionAnswer> {
    try {
      const returned = ask(request);
      return isThenable(returned) ? Promise.resolve(returned).then(readSessionAnswer).catch(failed) : readSessionAnswer(returned);
    } catch (thrown) {
      return failed(thrown);
    }
  }

  function take(request: ProtectedRequest, slot: Slot<Asked> | undefined, { token, failure, cookies }: SessionAnswer): Found {
    if (failure && behaviourOf(failure.reason).transient && slot) slot.value = undefined;
    if (cookies.length > 0 || cookiesOf.get(request)) cookiesOf.set(request, cookies);
    if (failure) return { ...failure, token: undefined };
    return token === undefined ? undefined : credentialsOf(token, request.target, maxTokenBytes);
  }

  return {
    find,
    withCookies(decision, request) {
      const cookies = cookiesOf.get(request);
      return cookies?.length ? withHeaders(decision, cookies) : decision;
    },
  };
}

/** Only the class of what was thrown is shown: its message may quote a cookie or a token. */
function failed(thrown: unknown): SessionAnswer {
  return unavailableSession(`the session threw ${classOf(thrown)}`);
}

/** A list of its own for each decision: Node appends to a list that it is given. */
function withHeaders<D extends Decision>(decision: D, cookies: readonly string[]): D {
  // a shared cache must not keep an answer that contains a session
  const headers: ResponseHeaders = Object.freeze({ 'cache-control': 'no-store', ...decision.headers, 'set-cookie': [...cookies] });
  return (decision.outcome === 'allow' ? { ...decision, headers } : addHeaders(decision, headers)) as D;
}
