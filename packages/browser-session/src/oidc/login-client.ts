import type { WaitingClient } from '../call-limit.js';
import type { EndingSession } from '../sessions.js';

/** The tokens of a response of the token endpoint, checked. Times are in seconds since the epoch. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly accessTokenEndsAt: number;
  readonly scopes: readonly string[];
  readonly refreshToken: string | undefined;
  /** When the refresh token ends, where the response says so (`refresh_token_expires_in`, `refresh_expires_in`). */
  readonly refreshTokenEndsAt: number | undefined;
  readonly idToken: string | undefined;
}

/** What the ID token of a login says. */
export interface LoginResult extends IssuedTokens {
  readonly issuer: string;
  readonly subject: string;
  readonly issuerSessionId: string | undefined;
  readonly issuedAt: number;
  /** `session_expiry` of the ID token. */
  readonly sessionEndsAt: number | undefined;
}

/** The secrets of one login attempt. They travel in a sealed cookie of that attempt. */
export interface LoginAttempt {
  readonly state: string;
  readonly nonce: string;
  /** PKCE's `code_verifier` (RFC 7636). */
  readonly codeVerifier: string;
  readonly issuer: string;
  readonly returnTo: string;
  /** In seconds since the epoch. */
  readonly startedAt: number;
  /** `max_age` that was asked for: then `auth_time` is checked. */
  readonly maxAge: number | undefined;
  /** `acr_values` that were asked for, so that the user can log in again in the same way. undefined also if they are too long for the cookie. */
  readonly acrValues: string | undefined;
  /** What `LoginParameters.more` was, so that the user can log in again in the same way. Empty if it is too long for the cookie. */
  readonly more: NonNullable<LoginParameters['more']>;
  /** The session that is stepped up or replaced, if there was one. */
  readonly replaces: ReplacedSession | undefined;
}

/** What a login attempt remembers of the session that it replaces, so that it can be ended. */
export type ReplacedSession = Required<Pick<EndingSession, 'id' | 'subject' | 'issuedAt' | 'startedAt'>>;

/** What a page asks of a login. */
export interface LoginParameters {
  readonly returnTo: string;
  readonly acrValues?: string | undefined;
  readonly maxAge?: number | undefined;
  readonly prompt?: 'login' | 'consent' | 'none' | 'select_account' | 'create' | undefined;
  readonly loginHint?: string | undefined;
  /** Parameters that the option `loginParameters` names, and their values. */
  readonly more?: readonly (readonly [name: string, value: string])[] | undefined;
  /** Carried over from a callback whose attempt was unknown, so that a browser without cookies does not end up in a loop. */
  readonly isRetry?: boolean | undefined;
}

/** A call to the issuer failed. The message names the address and what happened there. It contains no token, code or secret. */
export interface IssuerFailure {
  /**
   * `refused`: the issuer answered with an error of OAuth. `unavailable`: no answer, or the issuer says that it cannot answer now. `busy`: this process has too
   * many calls to it under way, so it did not send this one. `invalid`: the answer failed a check. `unusable`: a refresh brought tokens that failed a check, so the old refresh token is used up and the session must end. `other_user`: the ID token
   * of a refresh names another subject or issuer, so the session must end (rule 131).
   */
  readonly failure: 'refused' | 'unavailable' | 'busy' | 'invalid' | 'unusable' | 'other_user';
  /** The OAuth error code (`invalid_grant`), or fixed words. */
  readonly cause: string;
  /** How long the issuer asks to wait, if it is unavailable. It may be any time. */
  readonly retryAfterSeconds?: number | undefined;
}

/** A login or a refresh failed at the token endpoint. */
export interface TokensFailure extends IssuerFailure {
  /** The refresh token that is left, if an answer failed a check: the one of the answer, or the old one if there is no new one. It must be revoked. */
  readonly refreshToken?: string | undefined;
}

/** The app as a client of its authorization server (OAuth 2.0, OpenID Connect), over the package openid-client. */
export interface LoginClient {
  /**
   * Starts a login: discovers the issuer, pushes the request if the issuer supports that (RFC 9126), and returns the address to send the browser to.
   *
   * @param client if it leaves before its turn, nothing is pushed
   */
  begin(
    parameters: LoginParameters,
    replaces: ReplacedSession | undefined,
    client?: WaitingClient,
  ): Promise<{ readonly url: string; readonly attempt: LoginAttempt } | IssuerFailure>;
  /**
   * Completes a login: checks `state` and `iss`, redeems the code, checks the ID token.
   *
   * @param callbackUrl with the configured origin, and the query of the request
   * @param client if it leaves before its turn, the code is not sent
   */
  finish(callbackUrl: URL, attempt: LoginAttempt, client?: WaitingClient): Promise<LoginResult | TokensFailure>;
  /**
   * Refreshes (RFC 6749 s6). A new ID token must name the same subject and issuer (OpenID Connect Core s12.2). A response without `scope` keeps the scopes of
   * the session. `refreshToken` of the result is undefined if the old refresh token stays valid. `idToken` is undefined, too, if the issuer's keys cannot be
   * fetched: an outage of the keys does not end a session.
   */
  refresh(
    refreshToken: string,
    session: { readonly subject: string; readonly issuer: string; readonly scopes: readonly string[] },
  ): Promise<IssuedTokens | TokensFailure>;
  /** Revokes the refresh token at the issuer (RFC 7009). Without a revocation endpoint it does nothing. */
  revoke(refreshToken: string): Promise<IssuerFailure | undefined>;
  /**
   * Returns how the browser ends the session at the issuer (OpenID Connect RP-Initiated Logout); undefined if the issuer has no such endpoint, or cannot be
   * asked.
   *
   * @param returnTo a path of this app
   */
  logoutRequest(
    idToken: string | undefined,
    returnTo: string,
  ): Promise<{ readonly url: string; readonly parameters: Readonly<Record<string, string>> } | undefined>;
}

/** Whether a call to the issuer failed. Own members only: with a polluted prototype, nothing becomes a success. */
export function isFailure<T extends object>(result: T | IssuerFailure): result is IssuerFailure {
  return Object.hasOwn(result, 'failure');
}
