import { randomBytes } from 'node:crypto';
import { isNumericDate } from '@tokenward/core/store';
import { decodeJwt } from 'jose';
import * as oidc from 'openid-client';
import { createCallLimit, type CallLimit, type WaitingClient } from '../call-limit.js';
import type { SessionConfig } from '../config.js';
import { authenticationOf } from './client-authentication.js';
import { createDiscovery, endpointIn, type Metadata } from './discovery.js';
import { createIssuerHttp, IssuerCallError } from './http.js';
import { createIdTokenVerifier, KeysUnavailableError, listedAlgorithms } from './id-token.js';
import { failureOf, wrongClaimWords } from './issuer-failure.js';
import {
  isFailure,
  type IssuedTokens,
  type IssuerFailure,
  type LoginAttempt,
  type LoginClient,
  type LoginParameters,
  type LoginResult,
  type TokensFailure,
} from './login-client.js';
import { refreshTokenIn, tokensOf } from './token-response.js';

/** The end of the `state` of a login that a stale callback has begun. */
export const RETRY_MARK = '.r';
/**
 * How many times `timeoutSeconds` this waits for the answer to a refresh. Requests do not wait that long. But the answer contains a refresh token, and the old
 * one is used up.
 */
export const LATE_FACTOR = 2;
/**
 * How many pushed authorization requests, and how many code exchanges, this process runs at the same time. Anybody can cause them, so they must neither flood the
 * issuer nor keep refreshes waiting. Each kind has its own limit: a push needs no cookie, and whoever sends such requests must not hold up the codes of users who have
 * logged in.
 */
const MAX_LOGIN_CALLS = 50;
const TOO_MANY_LOGINS: IssuerFailure = Object.freeze({ failure: 'busy', cause: 'too many logins are under way in this process at the moment' });
const RANDOM_BYTES = 32;
const MAX_REMEMBERED_BYTES = 512;
/**
 * How far the clocks may differ at a refresh. The token endpoint has just sent the ID token, so its times do not matter: a clock that is set wrong, or is
 * corrected, must not end every session at its next refresh.
 */
const REFRESH_SKEW_SECONDS = 86_400;
/** Metadata that lists no algorithms means RS256 (OpenID Connect Dynamic Client Registration s2), but not all providers follow this. */
const UNLISTED_ALGORITHMS: readonly string[] = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];
const OTHER_USER: IssuerFailure = Object.freeze({ failure: 'other_user', cause: 'the refresh is for another user or issuer, so the session ends' });

/** Creates the app's client of its issuer. It fetches nothing before the first call. */
export function createLoginClient(config: SessionConfig): LoginClient {
  const { clock, clientId, origin, path } = config;
  const http = createIssuerHttp(config);
  const discovery = createDiscovery(config, http);
  const idTokens = createIdTokenVerifier(config, http);
  const authentication = authenticationOf(config);
  const redirectUri = `${origin}${path}/callback`;
  const scopes = config.scope.split(' ');
  const pushes = createCallLimit(MAX_LOGIN_CALLS);
  const codes = createCallLimit(MAX_LOGIN_CALLS);

  /** Each call needs a new configuration, because it contains the difference of the clocks. openid-client reads the machine's clock itself. */
  function configurationOf(metadata: Metadata, skewSeconds: number): oidc.Configuration {
    const client = {
      [oidc.clockSkew]: Math.round((clock.now() - Date.now()) / 1000),
      [oidc.clockTolerance]: skewSeconds,
      id_token_signed_response_alg: (listedAlgorithms(metadata) ?? UNLISTED_ALGORITHMS) as never,
      use_mtls_endpoint_aliases: config.tls !== undefined || config.clientAuthentication === 'tls_client_auth',
    };
    const configuration = new oidc.Configuration({ ...metadata } as oidc.ServerMetadata, clientId, client, authentication);
    // `http.fetch` limits the time
    configuration.timeout = undefined;
    configuration[oidc.customFetch] = (url, init) => http.fetch(url, init);
    // which addresses may use http is the rule of `http.fetch`
    oidc.allowInsecureRequests(configuration);
    return configuration;
  }

  /** Runs a call. If the endpoint does not work, the metadata is fetched again: the endpoint may have moved. */
  async function call<T extends object | undefined>(
    run: (configuration: oidc.Configuration, metadata: Metadata) => Promise<T>,
    skewSeconds: number = config.clockSkewSeconds,
  ): Promise<T | IssuerFailure> {
    try {
      const metadata = await discovery.get();
      return await run(configurationOf(metadata, skewSeconds), metadata);
    } catch (error) {
      const failure = failureOf(error, clock.now());
      if (failure.failure !== 'refused') discovery.doubt();
      return failure;
    }
  }

  /** A refresh token goes only to the issuer that issued it, and what it returns must be for the same user. */
  async function refreshCall(
    refreshToken: string,
    { issuer }: { readonly issuer: string },
    run: (configuration: oidc.Configuration, metadata: Metadata) => Promise<IssuedTokens | IssuerFailure>,
  ): Promise<IssuedTokens | TokensFailure> {
    if (issuer !== config.issuer) return OTHER_USER;
    const { result, left } = await tokensCall(run, LATE_FACTOR * config.timeoutSeconds, REFRESH_SKEW_SECONDS);
    if (!isFailure(result)) return result;
    const isOther = result === OTHER_USER || result.cause === wrongClaimWords('iss');
    if (!left) return isOther ? OTHER_USER : result;
    return { ...(isOther ? OTHER_USER : { failure: 'unusable', cause: result.cause }), refreshToken: left.refreshToken ?? refreshToken };
  }

  /** Runs a call to the token endpoint. `left` has the tokens of an answer that failed a check. */
  async function tokensCall<T extends object>(
    run: (configuration: oidc.Configuration, metadata: Metadata) => Promise<T | IssuerFailure>,
    timeoutSeconds = config.timeoutSeconds,
    skewSeconds = config.clockSkewSeconds,
  ) {
    let answer: Response | undefined;
    const result = await call((configuration, metadata) => {
      configuration[oidc.customFetch] = async (url, init) => {
        const response = await http.fetch(url, init, timeoutSeconds);
        answer = response.clone();
        return response;
      };
      return run(configuration, metadata);
    }, skewSeconds);
    return { result, left: isFailure(result) && answer ? await refreshTokenIn(answer) : undefined };
  }

  /** OpenID Connect Core s3.1.3.7 lets TLS vouch for an ID token that comes from the token endpoint. That is used only while the keys cannot be fetched. */
  async function claimsOfRefresh({ idToken, accessToken }: IssuedTokens, metadata: Metadata) {
    try {
      return { ...(await idTokens.verify(idToken!, accessToken, metadata, REFRESH_SKEW_SECONDS)), isVerified: true };
    } catch (error) {
      if (!(error instanceof KeysUnavailableError)) throw error;
      return { ...decodeJwt(idToken!), isVerified: false };
    }
  }

  /** Runs a call that anybody can cause, when its turn has come. */
  async function inTurn<T extends object>(limit: CallLimit, run: () => Promise<T>, client: WaitingClient | undefined): Promise<T | IssuerFailure> {
    return (await limit.run(run, config.timeoutSeconds * 1000, client)) ?? TOO_MANY_LOGINS;
  }

  function authorizationParameters(parameters: LoginParameters, attempt: LoginAttempt, codeChallenge: string): URLSearchParams {
    const all = new URLSearchParams({ ...config.authorizationParameters });
    const set = (name: string, value: string | number | undefined): void => void (value !== undefined && all.set(name, String(value)));
    // first, so that none of them can take the place of one that follows
    for (const [name, value] of parameters.more ?? []) set(name, value);
    set('response_type', 'code');
    set('client_id', clientId);
    set('redirect_uri', redirectUri);
    set('scope', config.scope);
    set('state', attempt.state);
    set('nonce', attempt.nonce);
    set('code_challenge', codeChallenge);
    set('code_challenge_method', 'S256');
    set('audience', config.audience);
    set('acr_values', attempt.acrValues);
    set('max_age', attempt.maxAge);
    set('prompt', parameters.prompt);
    set('login_hint', parameters.loginHint);
    for (const resource of config.resource) all.append('resource', resource);
    return all;
  }

  /** RFC 8707 s2.2. */
  function tokenParameters(): URLSearchParams {
    return new URLSearchParams(config.resource.map((resource): [string, string] => ['resource', resource]));
  }

  return {
    begin: (parameters, replaces, client) =>
      call(async (configuration, metadata) => {
        requireEndpoint(metadata, 'authorization_endpoint', config);
        const attempt: LoginAttempt = {
          state: `${random()}${parameters.isRetry === true ? RETRY_MARK : ''}`,
          nonce: random(),
          codeVerifier: random(),
          issuer: config.issuer,
          returnTo: parameters.returnTo,
          startedAt: Math.floor(clock.now() / 1000),
          maxAge: parameters.maxAge,
          acrValues: parameters.acrValues,
          more: remembered(parameters.more),
          replaces: replaces && { id: replaces.id, subject: replaces.subject, issuedAt: replaces.issuedAt, startedAt: replaces.startedAt },
        };
        const query = authorizationParameters(parameters, attempt, await oidc.calculatePKCECodeChallenge(attempt.codeVerifier));
        const isPushed = endpointIn(metadata, 'pushed_authorization_request_endpoint', config) !== undefined;
        const url = isPushed
          ? await inTurn(pushes, () => oidc.buildAuthorizationUrlWithPAR(configuration, query), client)
          : oidc.buildAuthorizationUrl(configuration, query);
        return isFailure(url) ? url : { url: url.href, attempt };
      }),

    async finish(callbackUrl, attempt, client) {
      const { result, left } = await tokensCall<LoginResult>(async (configuration, metadata) => {
        // the address that was sent, with the query that came: nothing else of the request counts
        const url = new URL(redirectUri);
        url.search = callbackUrl.search;
        const checks: oidc.AuthorizationCodeGrantChecks = {
          expectedState: attempt.state,
          expectedNonce: attempt.nonce,
          pkceCodeVerifier: attempt.codeVerifier,
          idTokenExpected: true,
          ...(attempt.maxAge !== undefined && { maxAge: attempt.maxAge }),
        };
        const redeem = async (): Promise<LoginResult> => {
          const response = await oidc.authorizationCodeGrant(configuration, url, checks, tokenParameters());
          const tokens = tokensOf(response, scopes, config);
          const { iss, sub, iat, sid, session_expiry } = await idTokens.verify(tokens.idToken!, tokens.accessToken, metadata, config.clockSkewSeconds);
          return {
            ...tokens,
            issuer: iss,
            subject: sub,
            issuerSessionId: typeof sid === 'string' && sid !== '' && sid.length <= 1024 ? sid : undefined,
            issuedAt: iat,
            sessionEndsAt: isNumericDate(session_expiry) ? Math.floor(session_expiry) : undefined,
          };
        };
        // an error of the login page is thrown before anybody is asked; an empty one does not count
        return url.searchParams.get('error') ? redeem() : inTurn(codes, redeem, client);
      });
      return isFailure(result) && left ? { ...result, refreshToken: left.refreshToken } : result;
    },

    refresh: (refreshToken, session) =>
      refreshCall(refreshToken, session, async (configuration, metadata) => {
        const response = await oidc.refreshTokenGrant(configuration, refreshToken, tokenParameters());
        const tokens = tokensOf(response, session.scopes, config);
        if (tokens.idToken === undefined) return tokens;
        const { iss, sub, isVerified } = await claimsOfRefresh(tokens, metadata);
        if (iss !== session.issuer || sub !== session.subject) return OTHER_USER;
        return isVerified ? tokens : { ...tokens, idToken: undefined };
      }),

    revoke: (refreshToken) =>
      call(async (configuration, metadata) => {
        if (endpointIn(metadata, 'revocation_endpoint', config) === undefined) return undefined;
        await oidc.tokenRevocation(configuration, refreshToken, { token_type_hint: 'refresh_token' });
        return undefined;
      }),

    async logoutRequest(idToken, returnTo) {
      try {
        const url = endpointIn(await discovery.get(), 'end_session_endpoint', config);
        if (url === undefined) return undefined;
        const parameters = { client_id: clientId, post_logout_redirect_uri: new URL(returnTo, origin).href };
        return { url, parameters: idToken === undefined ? parameters : { id_token_hint: idToken, ...parameters } };
      } catch {
        // the session has ended here in any case
        return undefined;
      }
    },
  };
}

function requireEndpoint(metadata: Metadata, name: string, config: SessionConfig): void {
  if (endpointIn(metadata, name, config) === undefined) throw new IssuerCallError(`the issuer's metadata has no ${name}`);
}

/** The cookie of the attempt has little room. */
function remembered(more: LoginParameters['more'] = []): NonNullable<LoginParameters['more']> {
  return Buffer.byteLength(JSON.stringify(more)) <= MAX_REMEMBERED_BYTES ? more : [];
}

function random(): string {
  return randomBytes(RANDOM_BYTES).toString('base64url');
}
