import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import express from 'express';
import { exportJWK, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import { Provider } from 'oidc-provider';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createGuard, getAuth, scope } from '@tokenward/express';
import { freePort } from '../../testing/test/free-port.js';
import { startNginx } from '../../testing/test/nginx.js';

const API = 'https://api.example.com';
const CLIENT = 'service';
const SECRET = 'a-client-secret-of-more-than-32-characters';
const WISHES = { resource: API, scope: 'orders:read' };

let server: Server;
let issuer: string;

/** oidc-provider with DPoP, which demands a nonce of its own from every client. */
beforeAll(async () => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: 'server-1', alg: 'ES256', use: 'sig' };
  server = createServer((request, response) => void provider.callback()(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [jwk] },
    cookies: { keys: ['cookie keys of a test'] },
    clients: [
      {
        client_id: CLIENT,
        client_secret: SECRET,
        redirect_uris: [],
        response_types: [],
        grant_types: ['client_credentials'],
        id_token_signed_response_alg: 'ES256',
        dpop_bound_access_tokens: true,
      },
    ],
    scopes: ['orders:read'],
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: 'orders:read', audience: API, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'ES256' } } }),
      },
    },
  });
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** An API, and what it saw: the outcome of each request. */
interface Api {
  /** Where clients call it: itself, or nginx in front of it. */
  readonly origin: string;
  readonly outcomes: string[];
}

type Dpop = NonNullable<Parameters<typeof createGuard>[0]>['dpop'];

async function startApi(dpop: Dpop, behindNginx: boolean): Promise<Api> {
  const outcomes: string[] = [];
  const guard = createGuard({ issuer, audience: API, dpop, onRefused: ({ reason }) => outcomes.push(reason) });
  const app = express().set('trust proxy', 'loopback');
  const router = express.Router();
  router.get('/orders', guard(scope('orders:read')), (request, response) => {
    outcomes.push('admitted');
    response.json({ clientId: getAuth(request).clientId });
  });
  app.use('/v1', router);
  const listening = app.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  onTestFinished(async () => {
    listening.closeAllConnections();
    listening.close();
    await guard.close();
  });
  const own = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  if (!behindNginx) return { origin: own, outcomes };
  const port = await freePort();
  const fields = ['Host $http_host', 'X-Forwarded-Host $http_host', 'X-Forwarded-Proto $scheme', 'X-Forwarded-For $remote_addr'];
  await startNginx(
    `server { listen 127.0.0.1:${port}; location / { proxy_pass ${own}; ${fields.map((field) => `proxy_set_header ${field};`).join(' ')} } }`,
    port,
  );
  return { origin: `http://127.0.0.1:${port}`, outcomes };
}

/** What a client library does: it gets a token for its key, and calls the API. */
type CallApi = (url: URL, times: number) => Promise<{ readonly statuses: readonly number[]; readonly answer: unknown }>;

const withOpenidClient: CallApi = async (url, times) => {
  const config = await openid.discovery(new URL(issuer), CLIENT, SECRET, undefined, { execute: [openid.allowInsecureRequests] });
  const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
  const { access_token: token, token_type: type } = await openid.clientCredentialsGrant(config, WISHES, { DPoP });
  expect(type).toBe('dpop');
  const statuses: number[] = [];
  let answer: unknown;
  for (let time = 0; time < times; time++) {
    const response = await openid.fetchProtectedResource(config, token, url, 'GET', undefined, undefined, { DPoP });
    statuses.push(response.status);
    answer = await response.json();
  }
  return { statuses, answer };
};

const withOauth4webapi: CallApi = async (url, times) => {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const as = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), insecure));
  const client: oauth.Client = { client_id: CLIENT };
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  const granted = await retried(async () =>
    oauth.processClientCredentialsResponse(
      as,
      client,
      await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretBasic(SECRET), WISHES, { DPoP, ...insecure }),
    ),
  );
  const statuses: number[] = [];
  let answer: unknown;
  for (let time = 0; time < times; time++) {
    const response = await retried(() => oauth.protectedResourceRequest(granted.access_token, 'GET', url, undefined, undefined, { DPoP, ...insecure }));
    statuses.push(response.status);
    answer = await response.json();
  }
  return { statuses, answer };
};

/** As the README of oauth4webapi says: once more, with the nonce that it has now. */
async function retried<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (oauth.isDPoPNonceError(error)) return call();
    throw error;
  }
}

describe.each([
  ['openid-client', withOpenidClient],
  ['oauth4webapi', withOauth4webapi],
] as const)('%s with a token of oidc-provider', (_library, callApi) => {
  test.each([
    ['', false],
    [', behind nginx', true],
  ])('rules 80 to 89: calls an API with DPoP%s', async (_where, behindNginx) => {
    const { origin, outcomes } = await startApi({}, behindNginx);
    const { statuses, answer } = await callApi(new URL('/v1/orders?page=1', origin), 3);
    expect(statuses).toEqual([200, 200, 200]);
    expect(answer).toEqual({ clientId: CLIENT });
    expect(outcomes).toEqual(['admitted', 'admitted', 'admitted']);
  });

  test.each([
    ['', false],
    [', behind nginx', true],
  ])('rule 90: gets a nonce from the API once, and then goes on with it%s', async (_where, behindNginx) => {
    const { origin, outcomes } = await startApi({ nonceSecret: randomBytes(32) }, behindNginx);
    const { statuses, answer } = await callApi(new URL('/v1/orders?page=1', origin), 3);
    expect(statuses).toEqual([200, 200, 200]);
    expect(answer).toEqual({ clientId: CLIENT });
    expect(outcomes).toEqual(['nonce_required', 'admitted', 'admitted', 'admitted']);
  });
});

test('rule 88: the token alone gets 401, as a bearer token and without proof', async () => {
  const { origin, outcomes } = await startApi({}, false);
  const config = await openid.discovery(new URL(issuer), CLIENT, SECRET, undefined, { execute: [openid.allowInsecureRequests] });
  const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
  const { access_token: token } = await openid.clientCredentialsGrant(config, WISHES, { DPoP });
  const url = new URL('/v1/orders', origin);
  for (const scheme of ['Bearer', 'DPoP']) expect((await fetch(url, { headers: { authorization: `${scheme} ${token}` } })).status).toBe(401);
  expect(outcomes).toEqual(['bound_token_as_bearer', 'missing_proof']);
});
