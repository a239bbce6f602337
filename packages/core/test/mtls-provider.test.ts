import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json, text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { createResourceGuard, scope, type GuardOptions } from '@tokenward/core';
import { viewOf } from '@tokenward/core/adapter';
import type { SuiteIdentity } from '@tokenward/testing/adapter-suite';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider, type ClientMetadata } from 'oidc-provider';
import { expect, onTestFinished, test } from 'vitest';
import { createCertificates, thumbprintOf } from '../../testing/test/certificates.js';
import { verdictOf } from './guarded.js';

const API = 'https://api.example.com';
const { authority: ca, server: ofServer, client, otherClient, selfSigned } = createCertificates();
const tls = { ...ofServer, ca, requestCert: true, rejectUnauthorized: false };

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.closeAllConnections());
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** oidc-provider, which issues tokens over mutual TLS. Its metadata and keys are on a plain port, since no option of a guard trusts an authority for them. */
async function startProvider(): Promise<{ readonly issuer: string; readonly tokenPort: number }> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  let provider: Provider;
  const serve = (incoming: IncomingMessage, response: Parameters<ReturnType<Provider['callback']>>[1]): void => void provider.callback()(incoming, response);
  const issuer = `http://127.0.0.1:${await listening(createServer(serve))}`;
  const tokenPort = await listening(createTlsServer(tls, serve));
  const common = {
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
    id_token_signed_response_alg: 'ES256',
    tls_client_certificate_bound_access_tokens: true,
  } satisfies Partial<ClientMetadata>;
  const x5c = [new X509Certificate(selfSigned.cert).raw.toString('base64')];
  const { n: _n, ...publicKey } = await exportJWK(new X509Certificate(selfSigned.cert).publicKey);
  provider = new Provider(issuer, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'key-1', alg: 'ES256', use: 'sig' }] },
    cookies: { keys: ['cookie keys of a test'] },
    clients: [
      { ...common, client_id: 'with-authority', token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=client' },
      {
        ...common,
        client_id: 'self-signed',
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        jwks: { keys: [{ ...publicKey, kid: 'self-signed', use: 'sig', x5c }] },
      },
    ],
    scopes: ['openid', 'offline_access', 'orders:read'],
    clientAuthMethods: ['tls_client_auth', 'self_signed_tls_client_auth'],
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        selfSignedTlsClientAuth: true,
        getCertificate: ({ socket }) => (socket as TLSSocket).getPeerX509Certificate?.(),
        certificateAuthorized: ({ socket }) => (socket as TLSSocket).authorized,
        certificateSubjectMatches: ({ socket }, property, expected) =>
          property === 'tls_client_auth_subject_dn' && (socket as TLSSocket).getPeerX509Certificate()?.subject === expected,
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: 'orders:read', audience: API, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'ES256' } } }),
      },
    },
  });
  return { issuer, tokenPort };
}

async function startApi(issuer: string, options: GuardOptions = {}): Promise<number> {
  const guard = createResourceGuard({ issuer, audience: API, ...options });
  onTestFinished(() => guard.close());
  const api = createTlsServer(tls, (incoming, response) => {
    void Promise.resolve(guard.check(viewOf(incoming, incoming), { policy: scope('orders:read') })).then((decision) => response.end(verdictOf(decision)));
  });
  return listening(api);
}

async function send(port: number, identity: SuiteIdentity | undefined, headers: Readonly<Record<string, string>>, body?: string): Promise<IncomingMessage> {
  const method = body === undefined ? 'GET' : 'POST';
  const asked = request({ host: '127.0.0.1', port, path: '/token', method, ca, ...identity, headers, agent: false, timeout: 10_000 }).end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response;
}

async function tokenFor(port: number, clientId: string, identity: SuiteIdentity): Promise<string> {
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, resource: API, scope: 'orders:read' });
  const answer = (await json(await send(port, identity, { 'content-type': 'application/x-www-form-urlencoded' }, form.toString()))) as object;
  expect(answer).not.toHaveProperty('error');
  const { access_token: token } = answer as { access_token: string };
  const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as object;
  expect(claims).toMatchObject({ cnf: { 'x5t#S256': thumbprintOf(identity.cert) } });
  return token;
}

test('rules 92 and 93: a token that oidc-provider has bound to a certificate is accepted with this certificate only', async () => {
  const { issuer, tokenPort } = await startProvider();
  const api = await startApi(issuer);
  const verdict = async (port: number, token: string, identity?: SuiteIdentity): Promise<string> =>
    text(await send(port, identity, { authorization: `Bearer ${token}` }));
  const token = await tokenFor(tokenPort, 'with-authority', client);
  expect(await verdict(api, token, client)).toBe('allow');
  expect([await verdict(api, token), await verdict(api, token, otherClient)]).toEqual(['missing_certificate', 'wrong_certificate']);

  const ofSelfSigned = await tokenFor(tokenPort, 'self-signed', selfSigned);
  expect(await verdict(api, ofSelfSigned, selfSigned)).toBe('wrong_certificate');
  const lax = await startApi(issuer, { clientCertificate: { unsafeAcceptUnauthorizedCertificates: true } });
  expect(await verdict(lax, ofSelfSigned, selfSigned)).toBe('allow');
  expect(await verdict(lax, ofSelfSigned, client)).toBe('wrong_certificate');
});
