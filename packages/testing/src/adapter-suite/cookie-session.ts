import { SESSION_CREDENTIALS, type BrowserSessionCredentials, type SessionFailure, type SessionToken } from '@tokenward/core/store';

const COOKIE = '__Host-session';
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Strict';

/** What a session cookie stands for. */
export interface KeptSession {
  readonly token: string;
  /** The session got a new token: the response sets this many cookies. Default: none. */
  readonly newCookies?: number | undefined;
}

/** A browser session with its sessions in memory. It replaces `@tokenward/browser-session`, and behaves in the same way towards a guard. */
export interface CookieSession extends BrowserSessionCredentials {
  /** Adds a session. Returns the `Cookie` header and the header that proves that a request comes from the app. */
  add(session: KeptSession): Headers;
  /** Ends the session of these headers. */
  end(headers: Headers): void;
  /** Makes the session unreachable, or reachable again. */
  fail(isFailing: boolean): void;
  /** How often guards have asked. */
  asked(): number;
}

type Headers = readonly (readonly [name: string, value: string])[];

/** @param isWaiting whether each answer is a promise, as if the token was refreshed */
export function createCookieSession({ isWaiting = false } = {}): CookieSession {
  const kept = new Map<string, KeptSession>();
  let isAway = false;
  let count = 0;

  function answerTo(cookie: string, isFromApp: boolean): SessionToken | SessionFailure | undefined {
    const id = new RegExp(`(?:^|; )${COOKIE}=([^;]*)`).exec(cookie)?.[1];
    if (id === undefined) return undefined;
    if (isAway) throw new Error(`the store does not answer for ${id}`);
    if (!isFromApp) return { reason: 'cross_site_request', cause: 'the header x-tokenward-csrf: 1 is missing', token: undefined };
    const session = kept.get(id);
    if (!session) return { reason: 'session_ended', token: undefined, headers: { 'set-cookie': `${COOKIE}=; Max-Age=0; ${ATTRIBUTES}` } };
    const { token, newCookies = 0 } = session;
    return { token, headers: newCookies === 0 ? undefined : { 'set-cookie': linesOf(id, newCookies) } };
  }

  return {
    add(session) {
      const id = `id-${kept.size + 1}`;
      kept.set(id, session);
      return [['cookie', `theme=dark; ${COOKIE}=${id}`], ['x-tokenward-csrf', '1']]; // prettier-ignore
    },
    end: ([cookie]) => void kept.delete(cookie![1].split('=').at(-1)!),
    fail: (isFailing) => void (isAway = isFailing),
    asked: () => count,
    [SESSION_CREDENTIALS]({ headers }) {
      count++;
      const answer = (): SessionToken | SessionFailure | undefined => answerTo(String(headers['cookie']), headers['x-tokenward-csrf'] === '1');
      return isWaiting ? new Promise((resolve) => setImmediate(resolve)).then(answer) : answer();
    },
  };
}

/** Returns the lines that {@link createCookieSession} sets for a session with new cookies. */
export function linesOf(id: string, count: number): string[] {
  return Array.from({ length: count }, (_line, at) => `${COOKIE}${at === 0 ? '' : `.${at}`}=${id}; ${ATTRIBUTES}; Expires=Wed, 09 Jun 2100 10:18:14 GMT`);
}
