import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createIssuerClient, createResourceGuard, scope, type IntrospectionOptions, type IssuerOptions, type ResourceGuard } from '@tokenward/core';
import { createTestClock } from '@tokenward/testing';
import { exportJWK, exportPKCS8, generateKeyPair, type JWK } from 'jose';
import { Provider, type ClientMetadata } from 'oidc-provider';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ask, expectAllowed, verdictOf } from './guarded.js';

const API = 'https://api.example.com';
const SECRET = 'a-client-secret-of-more-than-32-characters';
const API_CLIENT = { clientId: 'api', clientSecret: SECRET };

let server: Server;
let issuer: string;
let provider: Provider;
let clientKey: string;

async function keyPair(kid: string): Promise<{ readonly jwk: JWK; readonly publicJwk: JWK; readonly pem: string }> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const common = { kid, alg: 'ES256', use: 'sig' };
  return {
    jwk: { ...(await exportJWK(privateKey)), ...common },
    publicJwk: { ...(await exportJWK(publicKey)), ...common },
    pem: await exportPKCS8(privateKey),
  };
}

/** Its default is RS256, for which this server has no key. */
const ALGORITHMS = { id_token_signed_response_alg: 'ES256', introspection_signed_response_alg: 'ES256' } as const;

function client(clientId: string, more: Partial<ClientMetadata>): ClientMetadata {
  return { client_id: clientId, client_secret: SECRET, redirect_uris: [], response_types: [], grant_types: ['client_credentials'], ...ALGORITHMS, ...more };
}

/** oidc-provider with opaque tokens for an API, introspection with plain and signed answers, and revocation. */
beforeAll(async () => {
  const [ofServer, ofClient] = [await keyPair('server-1'), await keyPair('client-1')];
  clientKey = ofClient.pem;
  server = createServer((request, response) => void provider.callback()(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  provider = new Provider(issuer, {
    jwks: { keys: [ofServer.jwk] },
    cookies: { keys: ['cookie keys of a test'] },
    clients: [
      client('service', {}),
      client('api', {}),
      client('api-post', { token_endpoint_auth_method: 'client_secret_post' }),
      client('api-key', {
        client_secret: undefined,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [ofClient.publicJwk] },
      }),
    ],
    scopes: ['openid', 'offline_access', 'orders:read'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    enabledJWA: { idTokenSigningAlgValues: ['ES256'], introspectionSigningAlgValues: ['ES256'], clientAuthSigningAlgValues: ['ES256'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      jwtIntrospection: { enabled: true },
      revocation: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: 'orders:read', audience: API, accessTokenFormat: 'opaque', accessTokenTTL: 300 }),
      },
    },
  });
});

afterAll(() => stop());

async function stop(): Promise<void> {
  if (!server.listening) return;
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

/** Gets a token by the client credentials grant (RFC 6749 s4.4). */
async function opaqueToken(parameters: Readonly<Record<string, string>> = { resource: API, scope: 'orders:read' }): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`service:${SECRET}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...parameters }),
  });
  const { access_token: token = '', ...rest } = (await response.json()) as { access_token?: string };
  expect(rest).not.toHaveProperty('error');
  expect(token).toMatch(/^[\w-]{43}$/);
  return token;
}

function createAsking(introspection: IntrospectionOptions, more: IssuerOptions = {}) {
  const clock = createTestClock();
  const guard: ResourceGuard = createResourceGuard({ issuer, audience: API, clock, introspection, ...more });
  onTestFinished(() => guard.close());
  return { guard, clock };
}

test.each<[string, () => IntrospectionOptions]>([
  ['client_secret_basic', () => API_CLIENT],
  ['client_secret_post', () => ({ ...API_CLIENT, clientId: 'api-post', authentication: 'client_secret_post' })],
  ['private_key_jwt', () => ({ clientId: 'api-key', privateKey: { key: clientKey, kid: 'client-1' } })],
  ['client_secret_basic and a signed answer', () => ({ ...API_CLIENT, signed: true })],
])('rules 75 and 78: oidc-provider vouches for its opaque tokens: %s', async (_how, optionsOf) => {
  const { guard } = createAsking(optionsOf());
  await guard.warm();
  const token = await opaqueToken();
  const { auth } = expectAllowed(await ask(guard, token, { policy: scope('orders:read') }));
  expect(auth).toMatchObject({ issuer, clientId: 'service', audience: [API], scopes: ['orders:read'] });
  expect(auth!.expiresAt - auth!.issuedAt!).toBe(300);
  expect(verdictOf(await ask(guard, token, { policy: scope('orders:write') }))).toBe('insufficient_scope');
  expect(verdictOf(await ask(guard, `${token.slice(0, -1)}${token.endsWith('a') ? 'b' : 'a'}`))).toBe('inactive_token');
  expect(guard.health().introspection).toMatchObject([{ endpoint: `${issuer}/token/introspection`, usable: true }]);
});

test('rule 76: credentials that oidc-provider does not accept are 503', async () => {
  const { guard } = createAsking({ ...API_CLIENT, clientSecret: 'another-client-secret-of-32-characters' });
  const decision = await ask(guard, await opaqueToken());
  expect(decision).toMatchObject({ status: 503, reason: 'introspection_unavailable' });
  expect(String((decision as { cause?: unknown }).cause)).toMatch(/status 401/);
});

test('rule 74: a token that is revoked at oidc-provider is refused here within cacheSeconds', async () => {
  const { guard, clock } = createAsking({ ...API_CLIENT, cacheSeconds: 20 });
  const token = await opaqueToken();
  expectAllowed(await ask(guard, token));
  await createIssuerClient({ issuer, clientId: 'service', clientSecret: SECRET }).revokeAtIssuer(token);
  clock.advance(19);
  expectAllowed(await ask(guard, token));
  clock.advance(1);
  expect(verdictOf(await ask(guard, token))).toBe('inactive_token');
});

test('rule 73: a token for no API, and a refresh token, are refused', async () => {
  const { guard } = createAsking(API_CLIENT);
  expect(verdictOf(await ask(guard, await opaqueToken({})))).toBe('audience_mismatch');
  const { guard: lenient } = createAsking({ ...API_CLIENT, unsafeAcceptAnswersWithoutAudience: true });
  expectAllowed(await ask(lenient, await opaqueToken({})));
  const grant = new provider.Grant({ clientId: 'service', accountId: 'user-1' });
  const refreshToken = new provider.RefreshToken({
    client: (await provider.Client.find('service'))!,
    accountId: 'user-1',
    grantId: await grant.save(),
    scope: 'orders:read',
    gty: 'authorization_code',
    authTime: 1,
    claims: {},
    rotations: 0,
  });
  const value = await refreshToken.save();
  expect(verdictOf(await ask(guard, value))).toBe('audience_mismatch');
  expect(verdictOf(await ask(lenient, value))).toBe('missing_claim');
});

// the last one, since the server is gone afterwards
test('rule 76: when oidc-provider is stopped, known tokens are admitted within cacheSeconds, and unknown ones get 503', async () => {
  const { guard, clock } = createAsking({ ...API_CLIENT, cacheSeconds: 20 });
  const [known, unknown] = [await opaqueToken(), await opaqueToken()];
  expectAllowed(await ask(guard, known));
  await stop();
  clock.advance(19);
  expectAllowed(await ask(guard, known));
  expect(await ask(guard, unknown)).toMatchObject({ status: 503, reason: 'introspection_unavailable', headers: { 'retry-after': '1' } });
  clock.advance(1);
  expect(await ask(guard, known)).toMatchObject({ status: 503, reason: 'introspection_unavailable' });
});
