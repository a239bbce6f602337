import * as oauth from 'oauth4webapi';

/** The client: an app that calls the API on behalf of its user. */
export interface App {
  /** Returns where to send the browser, and what the app must remember until it returns. */
  authorizationRequest(tokenRequest: TokenRequest): Promise<AuthorizationRequest>;
  /**
   * Reads the authorization server's answer from the URL at which the browser returned.
   *
   * @throws Error if `state` or `iss` is wrong, or the answer is a refusal
   */
  readAnswer(url: URL, request: AuthorizationRequest): URLSearchParams;
  /** @throws oauth.ResponseBodyError if the authorization server refuses */
  exchange(answer: URLSearchParams, request: AuthorizationRequest): Promise<Tokens>;
  /** @throws oauth.ResponseBodyError if the authorization server refuses */
  refresh(refreshToken: string, resource: string): Promise<Tokens>;
  readonly metadata: oauth.AuthorizationServer;
  readonly clientId: string;
}

export interface TokenRequest {
  readonly scope: string;
  /** The API that the token is for (RFC 8707). */
  readonly resource: string;
}

export interface AuthorizationRequest extends TokenRequest {
  readonly url: URL;
  readonly codeVerifier: string;
  readonly codeChallenge: string;
  readonly state: string;
  readonly nonce: string;
}

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly idToken: string;
  /** The granted scope, which may be less than the requested one (RFC 6749 s3.3). */
  readonly scope: string;
  readonly resource: string;
}

export interface AppOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly send: typeof fetch;
}

/** Creates an app from the metadata of its authorization server: only the issuer must be known in advance. */
export async function createApp({ issuer, clientId, redirectUri, send }: AppOptions): Promise<App> {
  // the demo runs on loopback, so plain http is allowed
  const options = { [oauth.customFetch]: send as never, [oauth.allowInsecureRequests]: true };
  const client: oauth.Client = { client_id: clientId };
  const metadata = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), options));

  return {
    metadata,
    clientId,
    async authorizationRequest({ scope, resource }) {
      const codeVerifier = oauth.generateRandomCodeVerifier();
      const codeChallenge = await oauth.calculatePKCECodeChallenge(codeVerifier);
      const state = oauth.generateRandomState();
      const nonce = oauth.generateRandomNonce();
      const url = new URL(metadata.authorization_endpoint!);
      url.search = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        scope,
        resource,
        code_challenge: codeChallenge,
        code_challenge_method: 'S256',
        state,
        nonce,
        // OIDC Core s11: offline_access needs the user's consent each time
        prompt: 'consent',
      }).toString();
      return { url, scope, resource, codeVerifier, codeChallenge, state, nonce };
    },
    readAnswer: (url, { state }) => oauth.validateAuthResponse(metadata, client, url, state),
    async exchange(answer, { codeVerifier, nonce, resource }) {
      const parameters = { ...options, additionalParameters: { resource } };
      const response = await oauth.authorizationCodeGrantRequest(metadata, client, oauth.None(), answer, redirectUri, codeVerifier, parameters);
      return tokensOf(await oauth.processAuthorizationCodeResponse(metadata, client, response, { expectedNonce: nonce, requireIdToken: true }), resource);
    },
    async refresh(refreshToken, resource) {
      const response = await oauth.refreshTokenGrantRequest(metadata, client, oauth.None(), refreshToken, { ...options, additionalParameters: { resource } });
      return tokensOf(await oauth.processRefreshTokenResponse(metadata, client, response), resource);
    },
  };
}

function tokensOf(response: oauth.TokenEndpointResponse, resource: string): Tokens {
  const { access_token: accessToken, refresh_token: refreshToken, id_token: idToken, scope } = response;
  if (!refreshToken || !idToken) throw new Error('the authorization server issued no refresh token or no ID token');
  return { accessToken, refreshToken, idToken, scope: scope ?? '', resource };
}
