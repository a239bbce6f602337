/**
 * Sessions of `@tokenward/browser-session` for tests of an application: logged in, without a login page.
 *
 * @module
 */
import { isProduction, misuse, START_TEST_SESSION, type TestableBrowserSession } from '@tokenward/core/store';
import type { TestIssuer, TokenOptions } from './issuer.js';
import { assertOptions, CALLER_OPTIONS, type CallerOptions } from './caller-options.js';

/** Who is logged in. Every member has a default that a guard accepts. */
export interface LoginOptions extends Omit<CallerOptions, 'lifetimeSeconds'> {
  /**
   * How long the access token lives, in seconds. A negative number starts the session with a token that has ended, so the first call refreshes it: the issuer
   * gives tokens that live 300 seconds. Default: 300.
   */
  readonly lifetimeSeconds?: number | undefined;
  /** Whether the session has a refresh token. Without one it ends with its access token. Default: true. */
  readonly isRefreshable?: boolean | undefined;
}

/** A cookie, as `context.addCookies` of Playwright takes it. */
export interface TestCookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  readonly path: '/';
  readonly secure: true;
  readonly httpOnly: true;
  readonly sameSite: 'Strict' | 'Lax';
}

/** A session that is logged in. It prints and serialises without its access token. */
export interface TestLogin {
  /** For Playwright: `await context.addCookies(login.cookies)`. */
  readonly cookies: readonly TestCookie[];
  /** For supertest (`.set(login.headers)`) and `fetch`: the session cookie, and the header that the app's own pages send. */
  readonly headers: { readonly cookie: string; readonly 'x-tokenward-csrf': '1' };
  /** The access token of the session, for calls with `Authorization: Bearer`. */
  readonly accessToken: string;
}

refuseInProduction();

/**
 * Starts a session in an app under test, as if somebody had logged in.
 *
 * @param session what `createBrowserSession` returns, of any subpath
 * @param issuer signs the access token, so the guard must accept its tokens
 * @throws ConfigurationError (the promise rejects) if `NODE_ENV` is `production`
 *
 * @example
 * const login = await logInAs(session, issuer, { subject: 'alice', scopes: ['orders:read'], claims: { roles: ['admin'] } });
 * await request(app).get('/orders').set(login.headers).expect(200);
 */
export async function logInAs(
  session: TestableBrowserSession,
  issuer: Pick<TestIssuer, 'issueToken' | 'issueRefreshToken'>,
  wanted: LoginOptions = {},
): Promise<TestLogin> {
  refuseInProduction();
  if (typeof (session as Partial<TestableBrowserSession> | undefined)?.[START_TEST_SESSION] !== 'function')
    throw misuse('logInAs()', 'needs a session that createBrowserSession of @tokenward/browser-session returned');
  assertOptions('logInAs()', wanted, [...CALLER_OPTIONS, 'isRefreshable']);
  const { scopes = [], lifetimeSeconds, isRefreshable = true, ...others } = wanted;
  const content: TokenOptions = { ...others, scopes: scopes.length > 0 ? scopes : undefined };
  const accessToken = await issuer.issueToken({ ...content, lifetimeSeconds });
  const { sub, exp, iat, sid } = claimsOf(accessToken);
  if (typeof sub !== 'string' || typeof exp !== 'number') throw misuse('logInAs()', 'needs a token with sub and exp: do not leave them out of claims');
  const renewed = { ...content, lifetimeSeconds: lifetimeSeconds !== undefined && lifetimeSeconds > 0 ? lifetimeSeconds : undefined };
  const lines = await session[START_TEST_SESSION]({
    subject: sub,
    accessToken,
    accessTokenEndsAt: exp,
    scopes,
    issuedAt: typeof iat === 'number' ? iat : exp,
    refreshToken: isRefreshable ? issuer.issueRefreshToken(renewed) : undefined,
    idToken: undefined,
    issuerSessionId: typeof sid === 'string' ? sid : undefined,
  });
  const cookies = lines.flatMap((line) => cookieOf(line, new URL(session.origin).hostname));
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const login = { cookies, headers: { cookie, 'x-tokenward-csrf': '1' } } as const;
  return Object.defineProperty(login as typeof login & { readonly accessToken: string }, 'accessToken', { value: accessToken });
}

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
}

/** Reads a `Set-Cookie` line. One that deletes a cookie gives none. */
function cookieOf(line: string, domain: string): TestCookie[] {
  const [, name, value] = /^([^=;]+)=([^;]+)/.exec(line) ?? [];
  if (name === undefined || value === undefined) return [];
  const sameSite = /; SameSite=Lax(;|$)/i.test(line) ? 'Lax' : 'Strict';
  return [{ name, value, domain, path: '/', secure: true, httpOnly: true, sameSite }];
}

function refuseInProduction(): void {
  if (!isProduction()) return;
  throw misuse('@tokenward/testing/browser-session', 'logs in anybody without a password, so it does not load if NODE_ENV is "production"');
}
