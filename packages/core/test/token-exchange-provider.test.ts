import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createResourceGuard, scope, type Auth } from '@tokenward/core';
import { createTokenExchange, type ExchangeTarget, type TokenExchangeError, type TokenExchangeOptions } from '@tokenward/core/token-exchange';
import { createLocalJWKSet, exportJWK, exportPKCS8, generateKeyPair, jwtVerify, type JWK } from 'jose';
import { Provider, type ClientMetadata } from 'oidc-provider';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ask, expectAllowed } from './guarded.js';

const SECRET = 'a-client-secret-of-more-than-32-characters';
const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const [ORDERS, BILLING] = ['https://orders.example.com', 'https://billing.example.com'];
const SCOPES = 'orders:read invoices:read';

let server: Server;
let billing: Server;
let issuer: string;
let apiKey: string;

async function keyPair(kid: string): Promise<{ readonly jwk: JWK; readonly publicJwk: JWK; readonly pem: string }> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const common = { kid, alg: 'ES256', use: 'sig' };
  return {
    jwk: { ...(await exportJWK(privateKey)), ...common },
    publicJwk: { ...(await exportJWK(publicKey)), ...common },
    pem: await exportPKCS8(privateKey),
  };
}

function client(clientId: string, more: Partial<ClientMetadata>): ClientMetadata {
  const common = {
    client_secret: SECRET,
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
    id_token_signed_response_alg: 'ES256',
  } as const;
  return { client_id: clientId, ...common, ...more };
}

async function listen(handle: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<[Server, string]> {
  const started = createServer((request, response) => void handle(request, response));
  started.listen(0, '127.0.0.1');
  await once(started, 'listening');
  return [started, `http://127.0.0.1:${(started.address() as AddressInfo).port}`];
}

let billingOrigin: string;

/** oidc-provider has no grant of RFC 8693, so the test registers one with its own interface for grants. And the called API, with a guard of its own. */
beforeAll(async () => {
  const [ofServer, ofApi] = [await keyPair('server-1'), await keyPair('api-1')];
  apiKey = ofApi.pem;
  const keys = createLocalJWKSet({ keys: [ofServer.publicJwk] });
  [server, issuer] = await listen((request, response) => void provider.callback()(request, response));
  const info = (audience: string) => ({ scope: SCOPES, audience, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'ES256' } } }) as const;
  const provider = new Provider(issuer, {
    jwks: { keys: [ofServer.jwk] },
    cookies: { keys: ['cookie keys of a test'] },
    clients: [
      client('app', {}),
      client('orders-api', { grant_types: [GRANT] }),
      client('orders-api-key', {
        grant_types: [GRANT],
        client_secret: undefined,
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [ofApi.publicJwk] },
      }),
      client('orders-api-without-grant', {}),
    ],
    scopes: SCOPES.split(' '),
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    enabledJWA: { idTokenSigningAlgValues: ['ES256'], clientAuthSigningAlgValues: ['ES256'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: { enabled: true, getResourceServerInfo: (_context, resource) => info(resource) },
    },
  });
  const members = ['audience', 'resource', 'scope', 'subject_token', 'subject_token_type', 'requested_token_type'];
  provider.registerGrantType(
    GRANT,
    async (context) => {
      const { client: caller, params } = context.oidc;
      const { subject_token: subject, audience, scope: wanted } = params as Record<string, string>;
      const { payload } = await jwtVerify(subject!, keys, { issuer, audience: ORDERS }).catch(() => ({ payload: undefined }));
      if (!payload || audience !== BILLING) {
        context.status = 400;
        context.body = { error: payload ? 'invalid_target' : 'invalid_request' };
        return;
      }
      const token = new provider.AccessToken({
        client: caller,
        accountId: payload.sub!,
        grantId: 'none',
        gty: 'token-exchange',
        scope: wanted ?? '',
        claims: {},
        sessionUid: 'none',
      });
      token.resourceServer = new provider.ResourceServer(BILLING, info(BILLING));
      const value = await token.save();
      context.body = { access_token: value, issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', token_type: 'Bearer', expires_in: 300 };
    },
    members,
  );
  const guard = createResourceGuard({ issuer, audience: BILLING });
  [billing, billingOrigin] = await listen(async ({ method = 'GET', url: target = '/', headers }, response) => {
    const decision = await guard.check({ method, target, headers }, { policy: scope('invoices:read') });
    response.writeHead(decision.outcome === 'allow' ? 200 : decision.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(decision.outcome === 'allow' ? decision.auth : decision.reason));
  });
});

afterAll(async () => {
  for (const one of [server, billing]) {
    one.closeAllConnections();
    one.close();
    await once(one, 'close');
  }
});

/** The Auth of a request that came to the first API. */
async function admitted(): Promise<Auth<object>> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`app:${SECRET}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: ORDERS, scope: 'orders:read' }),
  });
  const { access_token: token = '' } = (await response.json()) as { access_token?: string };
  const guard = createResourceGuard({ issuer, audience: ORDERS });
  onTestFinished(() => guard.close());
  return expectAllowed(await ask(guard, token, { policy: scope('orders:read') })).auth!;
}

function exchangeOf(options: Partial<TokenExchangeOptions>, target: Partial<ExchangeTarget> = { scope: 'invoices:read' }, audience = BILLING) {
  const exchange = createTokenExchange({ issuer, audiences: { [audience]: { origins: [billingOrigin], ...target } }, ...options });
  onTestFinished(() => exchange.close());
  return exchange;
}

test.each<[string, () => Partial<TokenExchangeOptions>]>([
  ['client_secret_basic', () => ({ clientId: 'orders-api', clientSecret: SECRET })],
  ['private_key_jwt', () => ({ clientId: 'orders-api-key', privateKey: { key: apiKey, kid: 'api-1' } })],
])('rule 248: an API calls another one in the name of its user, by tokens of oidc-provider: %s', async (_how, optionsOf) => {
  const call = exchangeOf(optionsOf()).fetchAs(await admitted(), { audience: BILLING });
  for (let round = 0; round < 2; round++) {
    const response = await call(`${billingOrigin}/invoices`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ issuer, subject: 'app', audience: [BILLING], scopes: ['invoices:read'], clientId: optionsOf().clientId });
  }
});

test('rule 248: without an exchange, the other API refuses the token', async () => {
  const auth = await admitted();
  const relay = createTokenExchange({ audiences: { billing: { origins: [billingOrigin], unsafeRelayReceivedToken: true } } });
  const response = await relay.fetchAs(auth, { audience: 'billing' })(billingOrigin);
  expect([response.status, await response.json()]).toEqual([401, 'audience_mismatch']);
});

test.each<[string, Partial<TokenExchangeOptions>, string, Partial<TokenExchangeError>, RegExp]>([
  [
    'an unknown target',
    { clientId: 'orders-api', clientSecret: SECRET },
    'https://other.example.com',
    { status: 400, error: 'invalid_target' },
    /may not get tokens/,
  ],
  [
    'wrong credentials',
    { clientId: 'orders-api', clientSecret: 'another-secret-of-more-than-32-characters' },
    BILLING,
    { status: 401, error: 'invalid_client' },
    /does not accept/,
  ],
  [
    'a client without the grant',
    { clientId: 'orders-api-without-grant', clientSecret: SECRET },
    BILLING,
    { status: 400, error: 'invalid_request' },
    /status 400/,
  ],
])('rule 249: oidc-provider refuses %s', async (_name, options, audience, expected, message) => {
  const call = exchangeOf(options, {}, audience).fetchAs(await admitted(), { audience });
  const error = (await call(billingOrigin).catch((reason: unknown) => reason)) as TokenExchangeError;
  expect(error).toMatchObject({ code: 'TOKENWARD_TOKEN_EXCHANGE', reason: 'refused', ...expected });
  expect(error.message).toMatch(message);
});
