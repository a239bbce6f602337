import type { SessionConfig } from '../config.js';
import { InvalidAnswerError } from './issuer-failure.js';
import type { IssuedTokens } from './login-client.js';

/** Larger tokens fit in no header. */
const MAX_TOKEN_LENGTH = 32_768;
/** RFC 6749 s A.12 and s A.17. Other characters could end a header. */
const TOKEN = /^[\x21-\x7e]+$/;
const MAX_LIFE_SECONDS = 100 * 366 * 86_400;

/** The members of a token response that are read, before they are checked. */
export interface TokenResponse {
  readonly access_token: unknown;
  readonly token_type: unknown;
  readonly expires_in?: unknown;
  readonly scope?: unknown;
  readonly refresh_token?: unknown;
  readonly id_token?: unknown;
  readonly refresh_token_expires_in?: unknown;
  readonly refresh_expires_in?: unknown;
}

/**
 * Returns the tokens of a token response (RFC 6749 s5.1), checked.
 *
 * @param scopes the scopes that were requested, or granted before. They apply if the response has no scope
 * @throws InvalidAnswerError
 */
export function tokensOf(response: TokenResponse, scopes: readonly string[], { clock, accessTokenSeconds }: SessionConfig): IssuedTokens {
  // By this process's own clock, however wrong: the response has no time. To count from `iat` of an ID token would refresh at each request if the clock is far
  // ahead, or if the issuer repeats an old ID token, and not each refresh brings one.
  const now = Math.floor(clock.now() / 1000);
  const accessToken = tokenIn(own(response, 'access_token'), 'access_token');
  // RFC 6749 s5.1: case insensitive. A DPoP token could not be used, since there is no key for it.
  const type = own(response, 'token_type');
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') throw new InvalidAnswerError('the token response has another token_type than Bearer');
  const seconds = lifeIn(own(response, 'expires_in'), 'expires_in') ?? accessTokenSeconds;
  if (seconds === undefined || seconds < 1)
    throw new InvalidAnswerError('the token response does not say how long the access token lives (expires_in). Set the option accessTokenSeconds');
  const refreshToken = own(response, 'refresh_token');
  const idToken = own(response, 'id_token');
  // 0 is how Keycloak says that an offline token does not end
  const refreshSeconds = lifeIn(own(response, 'refresh_token_expires_in') ?? own(response, 'refresh_expires_in'), 'refresh_expires_in') || undefined;
  return {
    accessToken,
    accessTokenEndsAt: now + Math.floor(seconds),
    scopes: scopesIn(own(response, 'scope')) ?? scopes,
    refreshToken: refreshToken === undefined ? undefined : tokenIn(refreshToken, 'refresh_token'),
    refreshTokenEndsAt: refreshSeconds === undefined ? undefined : now + Math.floor(refreshSeconds),
    idToken: idToken === undefined ? undefined : tokenIn(idToken, 'id_token'),
  };
}

/**
 * Returns the refresh token of an answer that failed a check, to revoke it; undefined if the answer is not a token response at all, such as a proxy's page with
 * the status 200: then nothing shows that the old refresh token is used up.
 */
export async function refreshTokenIn(answer: Response): Promise<{ readonly refreshToken: string | undefined } | undefined> {
  if (!answer.ok) return undefined;
  let body: unknown;
  try {
    body = await answer.json();
  } catch {
    return undefined;
  }
  if (typeof body !== 'object' || body === null) return undefined;
  if (typeof own(body as TokenResponse, 'access_token') !== 'string') return undefined;
  const refreshToken = own(body as TokenResponse, 'refresh_token');
  return { refreshToken: isToken(refreshToken) ? refreshToken : undefined };
}

/** null means absent, and so does what a polluted prototype adds. */
function own(response: TokenResponse, name: keyof TokenResponse): unknown {
  return Object.hasOwn(response, name) ? (response[name] ?? undefined) : undefined;
}

function tokenIn(value: unknown, name: string): string {
  if (isToken(value)) return value;
  throw new InvalidAnswerError(`the token response has no usable ${name}: it must be 1 to ${MAX_TOKEN_LENGTH} characters of printable ASCII`);
}

function isToken(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TOKEN_LENGTH && TOKEN.test(value);
}

/** Some servers write numbers as strings. */
function lifeIn(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  const seconds = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
  if (typeof seconds === 'number' && seconds >= 0 && seconds <= MAX_LIFE_SECONDS) return seconds;
  throw new InvalidAnswerError(`the token response has a wrong ${name}`);
}

function scopesIn(value: unknown): readonly string[] | undefined {
  return typeof value === 'string' ? value.split(' ').filter((scope) => scope !== '') : undefined;
}
