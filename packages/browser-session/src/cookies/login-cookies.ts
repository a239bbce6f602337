import { areEqualTexts } from '@tokenward/core/store';
import { hashOf } from '../hash.js';
import type { SessionConfig } from '../config.js';
import type { LoginAttempt } from '../oidc/login-client.js';
import { safeReturnTo } from '../return-to.js';
import { cookiesOf, deleteCookie, setCookie } from './cookie-header.js';
import type { Sealer } from './sealer.js';

/** The beginning of the names of all cookies of login attempts, and the name for which they are sealed. */
export const LOGIN_COOKIE = '__Host-login';
const PREFIX = `${LOGIN_COOKIE}-`;
const NAME = /^__Host-login-[\w-]{10}$/;
/** How many logins can be under way in one browser. */
const MAX_ATTEMPTS = 4;
/** The limit for all attempts together. Proxies accept 8 KB of cookies, and the session needs room too. */
const MAX_BYTES = 4096;
/** One attempt: name and value. Browsers silently drop a cookie of more than 4096 bytes (RFC 6265bis s5.6). Some count its attributes, too. */
const MAX_ATTEMPT_BYTES = 4000;
/** How many cookies of one request are opened, and how many are deleted. */
const MAX_OPENED = 8;
const MAX_DELETED = 20;

/** The login attempts that a request's cookies contain. */
export interface OpenedAttempts {
  /** The newest first. */
  readonly attempts: readonly OpenedAttempt[];
  /** Names of useless cookies: expired, unreadable, or too many. */
  readonly useless: readonly string[];
}

interface OpenedAttempt {
  readonly name: string;
  readonly attempt: LoginAttempt;
  /** The size of the cookie. */
  readonly bytes: number;
}

type LoginConfig = Pick<SessionConfig, 'issuer' | 'origin' | 'loginSeconds' | 'clock'>;

/** Returns the name of an attempt's cookie. It is derived from `state`, so two tabs do not overwrite each other. */
export function loginCookieName(state: string): string {
  return `${PREFIX}${hashOf(state).slice(0, 10)}`;
}

/** Opens the attempts of a request. */
export async function openAttempts(cookieHeader: string | undefined, sealer: Sealer, config: LoginConfig): Promise<OpenedAttempts> {
  const attempts: OpenedAttempt[] = [];
  const useless: string[] = [];
  let opened = 0;
  for (const [name, value] of cookiesOf(cookieHeader)) {
    if (!name.startsWith(PREFIX) || !NAME.test(name)) continue;
    const text = opened++ < MAX_OPENED ? await sealer.open(value) : undefined;
    const attempt = text === undefined ? undefined : attemptIn(text, config);
    if (attempt && loginCookieName(attempt.state) === name) attempts.push({ name, attempt, bytes: name.length + value.length });
    else if (useless.length < MAX_DELETED) useless.push(name);
  }
  attempts.sort((a, b) => b.attempt.startedAt - a.attempt.startedAt);
  return { attempts, useless };
}

/** Returns the attempt that began with a `state`, if this browser began it. */
export function attemptOf({ attempts }: OpenedAttempts, state: string): LoginAttempt | undefined {
  return attempts.find(({ attempt }) => areEqualTexts(attempt.state, state))?.attempt;
}

/** Returns the `Set-Cookie` lines of a new attempt. The oldest ones are evicted for it, and useless ones are deleted. */
export async function keepAttempt(
  attempt: LoginAttempt,
  { attempts, useless }: OpenedAttempts,
  sealer: Sealer,
  config: LoginConfig,
): Promise<readonly string[]> {
  const name = loginCookieName(attempt.state);
  const value = await fittingValue(attempt, MAX_ATTEMPT_BYTES - name.length, sealer);
  let bytes = name.length + value.length;
  const dropped: string[] = [];
  for (const [index, other] of attempts.entries()) {
    bytes += other.bytes;
    if (index >= MAX_ATTEMPTS - 1 || bytes > MAX_BYTES) dropped.push(other.name);
  }
  return [...deleteAttempts([...useless, ...dropped]), setCookie({ name, value, maxAgeSeconds: config.loginSeconds, sameSite: 'Lax' })];
}

/** Seals an attempt. If it is too long for a cookie, this drops the data for repeating the login, then the address to return to. The rest always fits. */
async function fittingValue(attempt: LoginAttempt, maxLength: number, sealer: Sealer): Promise<string> {
  const value = await sealer.seal(JSON.stringify(attempt));
  if (value.length <= maxLength) return value;
  const once = { ...attempt, acrValues: undefined, more: [] };
  const shorter = await sealer.seal(JSON.stringify(once));
  return shorter.length <= maxLength ? shorter : sealer.seal(JSON.stringify({ ...once, returnTo: '/' }));
}

/** Returns the `Set-Cookie` lines that delete attempts. */
export function deleteAttempts(names: readonly string[]): readonly string[] {
  return names.map((name) => deleteCookie(name, 'Lax'));
}

/** Returns the attempt in an opened cookie; undefined if it has expired, is for another issuer, or has another form: an older release may have sealed it. */
function attemptIn(text: string, { issuer, origin, loginSeconds, clock }: LoginConfig): LoginAttempt | undefined {
  let value: Partial<Record<keyof LoginAttempt, unknown>>;
  try {
    // without a prototype: only own members count
    value = Object.assign(Object.create(null) as object, JSON.parse(text));
  } catch {
    return undefined;
  }
  const { state, nonce, codeVerifier, returnTo, startedAt, maxAge, acrValues, more, replaces } = value;
  if (!isText(state) || !isText(nonce) || !isText(codeVerifier) || !isText(returnTo) || typeof startedAt !== 'number') return undefined;
  if (value.issuer !== issuer || !(clock.now() < (startedAt + loginSeconds) * 1000)) return undefined;
  return {
    state,
    nonce,
    codeVerifier,
    issuer,
    returnTo: safeReturnTo(returnTo, origin),
    startedAt,
    maxAge: typeof maxAge === 'number' ? maxAge : undefined,
    acrValues: isText(acrValues) ? acrValues : undefined,
    more: Array.isArray(more) ? (more as LoginAttempt['more']) : [],
    replaces: replacedIn(replaces),
  };
}

function replacedIn(value: unknown): LoginAttempt['replaces'] {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, subject, issuedAt, startedAt } = Object.assign(Object.create(null) as object, value) as Readonly<Record<string, unknown>>;
  return isText(id) && isText(subject) && typeof issuedAt === 'number' && typeof startedAt === 'number' ? { id, subject, issuedAt, startedAt } : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
