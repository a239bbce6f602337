import { own } from '../lib/json.js';
import type { SessionFailure } from './session-credentials.js';

/** What a browser session answered for a request: checked and copied. */
export interface SessionAnswer {
  /** undefined if there is none. */
  readonly token: string | undefined;
  /** Why there is no token; undefined if there is one, or if the request has no session. */
  readonly failure: Pick<SessionFailure, 'reason' | 'cause' | 'expected' | 'found' | 'retryAfterSeconds'> | undefined;
  /** `Set-Cookie` lines for the response. */
  readonly cookies: readonly string[];
}

const NO_COOKIES: readonly string[] = Object.freeze([]);
const NO_SESSION: SessionAnswer = Object.freeze({ token: undefined, failure: undefined, cookies: NO_COOKIES });

/** The most lines: a session has up to 5 cookies, and may delete as many. */
const MAX_COOKIES = 16;
const MAX_COOKIE_CHARACTERS = 8192;
/** Visible ASCII and spaces: anything else, such as a line break, could start a header of its own. */
const COOKIE_LINE = /^[\x20-\x7e]+$/;

const MAX_WAIT_SECONDS = 3600;

/** The reasons that a session may name. An object without a prototype, so that a polluted one adds none. */
const REASONS: Readonly<Record<string, true | undefined>> = Object.freeze(
  Object.assign(Object.create(null) as object, { cross_site_request: true, session_ended: true, session_unavailable: true } satisfies Record<
    SessionFailure['reason'],
    true
  >),
);

/** Returns the answer for a session that could not be read. It never admits the request, and never treats it as one without a session. */
export function unavailableSession(cause: string): SessionAnswer {
  return Object.freeze({ token: undefined, failure: Object.freeze({ reason: 'session_unavailable' as const, cause }), cookies: NO_COOKIES });
}

/** Reads what a session returned. It reads own members only, each of them once. A malformed answer becomes a failure. */
export function readSessionAnswer(returned: unknown): SessionAnswer {
  if (returned === undefined) return NO_SESSION;
  if (typeof returned !== 'object' || returned === null) return UNREADABLE;
  const token = own(returned, 'token');
  const reason = own(returned, 'reason');
  const cookies = cookiesOf(own(returned, 'headers'));
  if (!cookies) return WRONG_HEADERS;
  if (typeof token === 'string' && token !== '' && reason === undefined) return { token, failure: undefined, cookies };
  if (token !== undefined || typeof reason !== 'string' || REASONS[reason] === undefined) return UNREADABLE;
  const failure = Object.freeze({
    reason: reason as SessionFailure['reason'],
    cause: textOf(own(returned, 'cause')),
    expected: textOf(own(returned, 'expected')),
    found: textOf(own(returned, 'found')),
    ...waitOf(own(returned, 'retryAfterSeconds')),
  });
  return Object.freeze({ token: undefined, failure, cookies });
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Anything but a sensible number is ignored. */
function waitOf(seconds: unknown): { readonly retryAfterSeconds?: number } {
  return typeof seconds === 'number' && seconds > 0 && seconds <= MAX_WAIT_SECONDS ? { retryAfterSeconds: seconds } : {};
}

const UNREADABLE = unavailableSession('the session returned neither a token nor a reason why there is none');
const WRONG_HEADERS = unavailableSession('the session returned malformed Set-Cookie lines');

/**
 * Returns the `Set-Cookie` lines among headers; undefined if they are malformed. Other headers are ignored: a session sets cookies and nothing else.
 */
function cookiesOf(headers: unknown): readonly string[] | undefined {
  if (headers === undefined) return NO_COOKIES;
  if (typeof headers !== 'object' || headers === null) return undefined;
  const given = own(headers, 'set-cookie');
  if (given === undefined) return NO_COOKIES;
  const lines = Array.isArray(given) ? Array.from({ length: Math.min(given.length, MAX_COOKIES + 1) }, (_line, at) => given[at] as unknown) : [given];
  return lines.length <= MAX_COOKIES && lines.every(isCookieLine) ? Object.freeze(lines) : undefined;
}

function isCookieLine(line: unknown): line is string {
  return typeof line === 'string' && line.length <= MAX_COOKIE_CHARACTERS && COOKIE_LINE.test(line);
}
