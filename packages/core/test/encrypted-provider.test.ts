import { createPublicKey, createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createResourceGuard, scope, type DecryptionKeyOption } from '@tokenward/core';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider, type ResourceServer } from 'oidc-provider';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ask, expectAllowed, verdictOf } from './guarded.js';

const SECRET = 'a-client-secret-of-more-than-32-characters';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const secret = createSecretKey(randomBytes(32));

/** How oidc-provider encrypts the tokens for each API. */
const APIS: Readonly<Record<string, Exclude<NonNullable<NonNullable<ResourceServer['jwt']>['encrypt']>, false>>> = {
  'https://rsa.example.com': { alg: 'RSA-OAEP-256', enc: 'A256GCM', key: createPublicKey(rsa), kid: 'rsa-1' },
  'https://ec.example.com': { alg: 'ECDH-ES+A256KW', enc: 'A128CBC-HS256', key: createPublicKey(p256) },
  'https://direct.example.com': { alg: 'dir', enc: 'A256GCM', key: secret },
};
const UNSIGNED = 'https://unsigned.example.com';

let server: Server;
let issuer: string;

/** oidc-provider as a server that encrypts access tokens (RFC 9068 s6). */
beforeAll(async () => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  server = createServer((request, response) => void provider.callback()(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'server-1', alg: 'ES256', use: 'sig' }] },
    cookies: { keys: ['cookie keys of a test'] },
    clients: [
      {
        client_id: 'service',
        client_secret: SECRET,
        redirect_uris: [],
        response_types: [],
        grant_types: ['client_credentials'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    scopes: ['orders:read'],
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: 'orders:read',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
          jwt: resource === UNSIGNED ? { encrypt: { alg: 'dir', enc: 'A256GCM', key: secret } } : { sign: { alg: 'ES256' }, encrypt: APIS[resource]! },
        }),
      },
    },
  });
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

async function tokenFor(resource: string): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`service:${SECRET}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope: 'orders:read' }),
  });
  const { access_token: token = '', ...rest } = (await response.json()) as { access_token?: string };
  expect(rest).not.toHaveProperty('error');
  expect(token.split('.')).toHaveLength(5);
  return token;
}

function guardOf(audience: string, decryptionKeys: DecryptionKeyOption) {
  const guard = createResourceGuard({ issuer, audience, decryptionKeys, profile: 'rfc9068', encryptedTokens: { required: true } });
  onTestFinished(() => guard.close());
  return guard;
}

test.each<[string, DecryptionKeyOption]>([
  ['https://rsa.example.com', { key: rsa, kid: 'rsa-1' }],
  ['https://ec.example.com', { key: p256 }],
  ['https://direct.example.com', { key: secret, algorithms: ['dir'] }],
])('rule 16: tokens that oidc-provider encrypts for %s', async (api, decryptionKeys) => {
  const guard = guardOf(api, decryptionKeys);
  const { auth } = expectAllowed(await ask(guard, await tokenFor(api), { policy: scope('orders:read') }));
  expect(auth).toMatchObject({ issuer, clientId: 'service', audience: [api], scopes: ['orders:read'] });
});

test('rules 16 and 40: a token that oidc-provider encrypts without signing it, and one for another API that has the same key, are refused', async () => {
  const direct = { key: secret, algorithms: ['dir'] } as const;
  expect(verdictOf(await ask(guardOf(UNSIGNED, direct), await tokenFor(UNSIGNED)))).toBe('encrypted_token');
  expect(verdictOf(await ask(guardOf(UNSIGNED, direct), await tokenFor('https://direct.example.com')))).toBe('audience_mismatch');
});
