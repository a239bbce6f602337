import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Algorithm, Clock } from '@tokenward/core';
import { systemClock } from '@tokenward/core/adapter';
import { base64url, compactJws } from './compact-jws.js';
import { createTestIntrospection, type IntrospectionClient } from './introspection.js';
import { misanswer, type Misbehaviour } from './misbehaviour.js';
import { shapeOf, type ProviderName } from './providers/index.js';
import { createRefreshTokens } from './refresh-tokens.js';
import { assertOptions, CALLER_OPTIONS, type CallerOptions } from './caller-options.js';
import { asSigningKey, generatePrivateKey, signBytes, type SignatureQuirks, type SigningKey } from './signing-key.js';

export interface TestIssuerOptions {
  /**
   * Issues access tokens in the shape of a provider's: its `typ`, and its claims for the client, the scopes and the roles. Default: as RFC 9068 says.
   *
   * @example
   * const testIssuer = await createTestIssuer({ like: 'keycloak', issuer: 'https://sso.example.com/realms/shop', audience: 'orders-api' });
   * const guard = createGuard(keycloak({ url: 'https://sso.example.com', realm: 'shop', audience: 'orders-api', jwks: testIssuer.jwks }));
   */
  readonly like?: ProviderName | undefined;
  /** The `iss` of tokens, for a guard with the options of production and the keys of this issuer. Default: the issuer's own address. */
  readonly issuer?: string | undefined;
  /** The `aud` of tokens by default. Default: `https://api.example.test`, or that of the provider's documentation. */
  readonly audience?: string | undefined;
  /** The path of the issuer identifier, such as a tenant or realm: `/realms/one`. Default: none, or that of the provider. */
  readonly path?: string | undefined;
  /** The algorithm of the first key, and of tokens by default. Default: RS256. */
  readonly algorithm?: Algorithm | undefined;
  /** The clock for `iat` and `exp`. Default: the system's clock. */
  readonly clock?: Pick<Clock, 'now'> | undefined;
  /** Default: any free port. */
  readonly port?: number | undefined;
  /** The `Cache-Control` field of the metadata and the JWKS, such as `max-age=600`. Default: none. */
  readonly cacheControl?: string | undefined;
}

/** The content of an access token. Every member has a default that a guard accepts: `sub` is `user-1`, the client `client-1`, and the lifetime 300 seconds. */
export interface TokenOptions extends CallerOptions {
  /** Signs with the newest key for this algorithm, and creates one if there is none. Default: the algorithm of the issuer. */
  readonly algorithm?: Algorithm | undefined;
  /** Signs with this key, even if the issuer does not publish it. */
  readonly key?: SigningKey | undefined;
  /** Header members to add or replace. `undefined` leaves one out. */
  readonly header?: Readonly<Record<string, unknown>> | undefined;
  readonly signature?: SignatureQuirks | undefined;
}

/** The content of an opaque access token. */
export interface OpaqueTokenOptions extends CallerOptions {
  /** The text of the token. Default: a random one, without dots. */
  readonly token?: string | undefined;
}

/** The content of a logout token. */
export interface LogoutTokenOptions extends Pick<TokenOptions, 'key' | 'header' | 'claims' | 'signature'> {
  /** `aud`: the client that receives it. Default: `client-1`. */
  readonly clientId?: string | undefined;
  /** `sub`. Default: none. */
  readonly subject?: string | undefined;
  /** `sid`. Default: none. */
  readonly sessionId?: string | undefined;
}

/** The content of a security event. */
export interface SecurityEventOptions extends Pick<TokenOptions, 'key' | 'header' | 'claims' | 'signature'> {
  /** `aud`. Default: the `audience` of the issuer. */
  readonly audience?: string | undefined;
  /** The name of the event in CAEP, such as `session-revoked`, or a full URI. */
  readonly type: string;
  /** `sub_id`, a subject identifier (RFC 9493). Default: none. */
  readonly subject?: Readonly<Record<string, unknown>> | undefined;
  /** `event_timestamp`: seconds since the epoch. Default: none. */
  readonly happenedAt?: number | undefined;
}

type SignatureOptions = Pick<TokenOptions, 'algorithm' | 'key' | 'header' | 'signature'>;

const OPTIONS: readonly (keyof TestIssuerOptions)[] = ['like', 'issuer', 'audience', 'path', 'algorithm', 'clock', 'port', 'cacheControl'];
const TOKEN_OPTIONS: readonly (keyof TokenOptions)[] = [...CALLER_OPTIONS, 'algorithm', 'key', 'header', 'signature'];
const OTHER_OPTIONS = ['key', 'header', 'claims', 'signature'] as const;
const LOGOUT_OPTIONS: readonly (keyof LogoutTokenOptions)[] = [...OTHER_OPTIONS, 'clientId', 'subject', 'sessionId'];
const EVENT_OPTIONS: readonly (keyof SecurityEventOptions)[] = [...OTHER_OPTIONS, 'audience', 'type', 'subject', 'happenedAt'];

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';

/** The part of an authorization server that publishes keys, signs tokens, refreshes and introspects them, over HTTP on loopback. It can misbehave on demand. */
export interface TestIssuer {
  /** The issuer identifier, which is the `iss` of its tokens. */
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUri: string;
  /** The keys that are published now. */
  readonly jwks: { readonly keys: SigningKey['publicJwk'][] };
  readonly algorithm: Algorithm;
  /** The secrets for HS256, HS384 and HS512, newest first. They are never published. */
  readonly sharedSecrets: Uint8Array[];
  /** How often each document was requested. */
  readonly requests: { readonly metadata: number; readonly jwks: number };
  /** How often each kind of answer of the token endpoint was given. */
  readonly refreshes: { readonly granted: number; readonly refused: number };
  /** The client that may introspect tokens (RFC 7662), by `client_secret_basic`: pass it as `introspection`. */
  readonly introspectionClient: IntrospectionClient;
  /** How often each kind of answer of the introspection endpoint was given. `refused`: the client was not authenticated. */
  readonly introspections: { readonly active: number; readonly inactive: number; readonly refused: number };
  /** Issues an access token. */
  issueToken(options?: TokenOptions): Promise<string>;
  /** Issues an opaque access token with the same content, which only the introspection endpoint knows. */
  issueOpaqueToken(options?: OpaqueTokenOptions): string;
  /** Revokes a token of either kind: the introspection endpoint then answers that it is not active. */
  revokeToken(token: string): void;
  /**
   * Issues a refresh token. The token endpoint takes it once, and returns an access token with this content and the next refresh token. A second use is refused
   * (`invalid_grant`). The client is not authenticated.
   */
  issueRefreshToken(options?: TokenOptions): string;
  /** Issues a logout token (OpenID Connect Back-Channel Logout 1.0 s2.4) for one session, or for all sessions of a subject. */
  issueLogoutToken(options?: LogoutTokenOptions): Promise<string>;
  /** Issues a security event token (RFC 8417) with one event of OpenID CAEP. */
  issueSecurityEvent(options: SecurityEventOptions): Promise<string>;
  /** Returns the newest key of an algorithm, and creates one if there is none. */
  signingKey(algorithm?: Algorithm): Promise<SigningKey>;
  /** Publishes a new key in addition to the old ones, and signs with it from now on. */
  rotateKeys(algorithm?: Algorithm): Promise<SigningKey>;
  /** Removes a key from the published set. */
  withdrawKey(kid: string): void;
  /** Publishes a key of yours. The issuer signs with it only if a token names it as `key`. */
  publishKey(key: SigningKey): void;
  /** Makes the issuer answer wrongly until {@link behave}: for one kind of document, or at the introspection endpoint. Default: for both kinds of documents. */
  misbehave(how: Misbehaviour, where?: 'metadata' | 'jwks' | 'introspection'): void;
  behave(): void;
  close(): Promise<void>;
}

/**
 * Starts an issuer for tests.
 *
 * @example
 * const issuer = await createTestIssuer();
 * const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience });
 * const token = await issuer.issueToken({ scopes: ['orders:read'] });
 */
export async function createTestIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  assertOptions('createTestIssuer()', options, OPTIONS);
  const shape = shapeOf(options.like);
  const { audience = shape.audience ?? 'https://api.example.test', path = shape.path, algorithm = 'RS256', clock = systemClock, cacheControl } = options;
  if (path !== '' && !/^\/.*[^/]$/.test(path)) throw new TypeError(`path "${path}": must start with a slash and must not end with one`);
  const keys: SigningKey[] = [await newKey(algorithm)];
  /** Keys that were passed in. The issuer publishes them and signs with them only on request. */
  const foreign = new Set<SigningKey>();
  const requests = { metadata: 0, jwks: 0 };
  const faults: { metadata?: Misbehaviour; jwks?: Misbehaviour; introspection?: Misbehaviour } = {};
  const introspectionClient = { clientId: 'test-api', clientSecret: crypto.randomUUID() };

  const refreshTokens = createRefreshTokens<TokenOptions>(issueToken);
  const introspection = createTestIntrospection(introspectionClient, () => clock.now() / 1000);

  const server = createServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const base = `${origin}${path}`;
  const issuer = options.issuer ?? `${base}${shape.endsWithSlash ? '/' : ''}`;
  const jwksUri = `${base}/jwks`;

  function answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'POST' && request.url === `${path}/token`) {
      void refreshTokens.answer(request, response);
      return;
    }
    if (request.method === 'POST' && request.url === `${path}/introspect`) {
      if (faults.introspection) misanswer(faults.introspection, response, request.headers.host ?? '');
      else void introspection.answer(request, response);
      return;
    }
    const asked = documentAt(request.url ?? '', path);
    if (!asked) {
      response.writeHead(404).end();
      return;
    }
    requests[asked]++;
    const fault = faults[asked];
    if (fault) {
      misanswer(fault, response, request.headers.host ?? '');
      return;
    }
    const document =
      asked === 'jwks' ? published() : { issuer, jwks_uri: jwksUri, token_endpoint: `${base}/token`, introspection_endpoint: `${base}/introspect` };
    response.writeHead(200, { 'content-type': 'application/json', ...(cacheControl !== undefined && { 'cache-control': cacheControl }) });
    response.end(JSON.stringify(document));
  }

  function published(): { keys: SigningKey['publicJwk'][] } {
    const { keyUse } = shape;
    const publicKeys = keys.filter(({ privateKey }) => privateKey.type !== 'secret').map(({ publicJwk }) => publicJwk);
    return { keys: keyUse ? publicKeys.map((key) => Object.assign({}, key, { use: keyUse })) : publicKeys };
  }

  async function signingKey(wanted: Algorithm = algorithm): Promise<SigningKey> {
    return keys.findLast((key) => key.algorithm === wanted && !foreign.has(key)) ?? rotateKeys(wanted);
  }

  async function rotateKeys(wanted: Algorithm = algorithm): Promise<SigningKey> {
    const key = await newKey(wanted);
    keys.push(key);
    return key;
  }

  async function issueToken(wanted: TokenOptions = {}): Promise<string> {
    assertOptions('issueToken()', wanted, TOKEN_OPTIONS);
    return sign(wanted, { typ: shape.type }, claimsOf(wanted));
  }

  async function sign(wanted: SignatureOptions, header: object, claims: Record<string, unknown>): Promise<string> {
    const key = wanted.key ?? (await signingKey(wanted.algorithm));
    const whole = { alg: key.algorithm, ...header, kid: key.kid, ...wanted.header };
    // JSON.stringify leaves out what is undefined
    const token = compactJws(base64url(JSON.stringify(whole)), base64url(JSON.stringify(claims)), (bytes) =>
      signBytes(key.algorithm, key.privateKey, bytes, wanted.signature),
    );
    introspection.know(token, claims);
    return token;
  }

  function claimsOf({
    subject,
    clientId,
    audience: given = audience,
    lifetimeSeconds = 300,
    scopes = [],
    roles = [],
    claims,
  }: CallerOptions): Record<string, unknown> {
    const issuedAt = Math.floor(clock.now() / 1000);
    return {
      ...shape.claims({ issuer, audience: given, subject, clientId, scopes, roles, issuedAt, expiresAt: issuedAt + lifetimeSeconds }),
      ...claims,
    };
  }

  function issueLogoutToken(wanted: LogoutTokenOptions = {}): Promise<string> {
    assertOptions('issueLogoutToken()', wanted, LOGOUT_OPTIONS);
    const { clientId = 'client-1', subject, sessionId, claims } = wanted;
    const said = { sub: subject, sid: sessionId, events: { [LOGOUT_EVENT]: {} } };
    return sign(wanted, { typ: 'logout+jwt' }, { ...claimsOfOther(clientId, 120), ...said, ...claims });
  }

  function issueSecurityEvent(wanted: SecurityEventOptions): Promise<string> {
    assertOptions('issueSecurityEvent()', wanted, EVENT_OPTIONS);
    const { type, subject, happenedAt, claims } = wanted;
    const name = type.includes(':') ? type : `${CAEP}${type}`;
    const said = { exp: undefined, sub_id: subject, events: { [name]: { event_timestamp: happenedAt } } };
    return sign(wanted, { typ: 'secevent+jwt' }, { ...claimsOfOther(wanted.audience ?? audience, 300), ...said, ...claims });
  }

  function claimsOfOther(aud: string, lifetimeSeconds: number): Record<string, unknown> {
    const iat = Math.floor(clock.now() / 1000);
    return { iss: issuer, aud, jti: crypto.randomUUID(), iat, exp: iat + lifetimeSeconds };
  }

  return {
    issuer,
    audience,
    jwksUri,
    algorithm,
    requests,
    refreshes: refreshTokens.refreshes,
    issueRefreshToken(wanted = {}) {
      assertOptions('issueRefreshToken()', wanted, TOKEN_OPTIONS);
      return refreshTokens.issue(wanted);
    },
    get jwks() {
      return published();
    },
    get sharedSecrets() {
      return keys.flatMap(({ privateKey }) => (privateKey.type === 'secret' ? [privateKey.export()] : [])).toReversed();
    },
    introspectionClient,
    introspections: introspection.introspections,
    issueToken,
    issueOpaqueToken(wanted = {}) {
      assertOptions('issueOpaqueToken()', wanted, [...CALLER_OPTIONS, 'token']);
      const { token = `opaque-${crypto.randomUUID()}` } = wanted;
      introspection.know(token, claimsOf(wanted));
      return token;
    },
    revokeToken(token) {
      if (!introspection.revoke(token)) throw new RangeError('revokeToken(): this issuer did not issue the token, or it was revoked before');
    },
    issueLogoutToken,
    issueSecurityEvent,
    signingKey,
    rotateKeys,
    withdrawKey(kid) {
      const at = keys.findIndex((key) => key.kid === kid);
      if (at < 0) throw new RangeError(`no key "${kid}" is published. Published keys: ${keys.map((key) => key.kid).join(', ')}`);
      keys.splice(at, 1);
    },
    publishKey(key) {
      foreign.add(key);
      keys.push(key);
    },
    misbehave(how, where) {
      for (const one of where === undefined ? (['metadata', 'jwks'] as const) : [where]) faults[one] = how;
    },
    behave() {
      delete faults.metadata;
      delete faults.jwks;
      delete faults.introspection;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function newKey(algorithm: Algorithm): Promise<SigningKey> {
  return asSigningKey(algorithm, await generatePrivateKey(algorithm));
}

/** OpenID Connect Discovery s4 puts its suffix behind the issuer's path, RFC 8414 s3.1 before it. */
function documentAt(url: string, path: string): 'metadata' | 'jwks' | undefined {
  if (url === `${path}/jwks`) return 'jwks';
  return url === `${path}/.well-known/openid-configuration` || url === `/.well-known/oauth-authorization-server${path}` ? 'metadata' : undefined;
}
