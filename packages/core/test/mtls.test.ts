import { X509Certificate } from 'node:crypto';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import { connect as connectHttp2, createSecureServer } from 'node:http2';
import { once } from 'node:events';
import { connect as connectPlain, type AddressInfo } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { createResourceGuard, type Decision, type Deny, type ProtectedRequest } from '@tokenward/core';
import { connectionOf, viewOf } from '@tokenward/core/adapter';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createCertificates, thumbprintOf } from '../../testing/test/certificates.js';
import { configurationErrorOf, createScene, verdictOf, type Scene } from './guarded.js';

const certificates = createCertificates();
const { authority: ca, server, client } = certificates;
const tls = { ...server, ca, requestCert: true, rejectUnauthorized: false };
const der = new X509Certificate(client.cert).raw;
const CNF = { 'x5t#S256': thumbprintOf(client.cert) };

function requestWith(token: string, more: Partial<ProtectedRequest> = {}): ProtectedRequest {
  return { method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` }, ...more };
}

function expectDenied(decision: Decision): Deny {
  expect(decision.outcome).toBe('deny');
  return decision as Deny;
}

async function sceneOver(maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<{ scene: Scene; port: number }> {
  const scene = await createScene();
  const listening = createServer({ ...tls, maxVersion }, (request, response) => {
    void Promise.resolve(scene.guard.check(viewOf(request, request))).then((decision) => response.end(verdictOf(decision)));
  }).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  onTestFinished(() => void listening.closeAllConnections());
  onTestFinished(() => void listening.close());
  return { scene, port: (listening.address() as AddressInfo).port };
}

async function say(socket: TLSSocket, token: string): Promise<string> {
  socket.write(`GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString().split('\r\n').at(-1)!;
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'rule 92: over %s, the certificate counts on each request of a connection, and of a session that is resumed',
  async (version) => {
    const { scene, port } = await sceneOver(version);
    const token = await scene.issuer.issueToken({ claims: { cnf: CNF } });
    const options = { host: '127.0.0.1', port, ca };
    const first = connectTls({ ...options, ...client });
    const session = once(first, 'session') as Promise<[Buffer]>;
    for (let times = 0; times < 2; times++) expect(await say(first, token)).toMatch(/allow/);
    const [ticket] = await session;
    first.destroy();
    // the certificate is part of the session
    const resumed = connectTls({ ...options, session: ticket });
    expect(await say(resumed, token)).toMatch(/allow/);
    expect(resumed.isSessionReused()).toBe(true);
    resumed.destroy();
    const selfSigned = connectTls({ ...options, ...certificates.selfSigned });
    const ofSelfSigned = await scene.issuer.issueToken({ claims: { cnf: { 'x5t#S256': thumbprintOf(certificates.selfSigned.cert) } } });
    const unauthorized = once(selfSigned, 'session') as Promise<[Buffer]>;
    expect(await say(selfSigned, ofSelfSigned)).toMatch(/wrong_certificate/);
    // a session that is resumed is not verified again, and stays what it was
    const again = connectTls({ ...options, session: (await unauthorized)[0] });
    selfSigned.destroy();
    expect(await say(again, ofSelfSigned)).toMatch(/wrong_certificate/);
    expect(again.isSessionReused()).toBe(true);
    again.destroy();
    const another = connectTls(options);
    expect(await say(another, token)).toMatch(/missing_certificate/);
    another.destroy();
  },
);

test('rules 93 and 94: on connections of a trusted proxy and of a client, each request is judged by its own header and address', async () => {
  const { guard, issuer } = await createScene({ clientCertificate: { header: 'client-cert', trustedProxies: ['::ffff:127.0.0.2'] } });
  const listening = createPlainServer((request, response) => {
    void Promise.resolve(guard.check(viewOf(request, request))).then((decision) => response.end(verdictOf(decision)));
  }).listen(0, '::');
  await once(listening, 'listening');
  onTestFinished(() => void listening.close());
  onTestFinished(() => listening.closeAllConnections());
  const token = await issuer.issueToken({ claims: { cnf: CNF } });
  const good = `Client-Cert: :${der.toString('base64')}:`;
  const other = `Client-Cert: :${new X509Certificate(certificates.otherClient.cert).raw.toString('base64')}:`;
  const cases: [verdict: string, ...lines: string[]][] = [
    ['allow', good],
    ['missing_certificate'],
    ['wrong_certificate', other],
    ['allow', good.replace('Client-Cert', 'cLIENT-cERT'), 'Connection: client-cert', 'X-Forwarded-For: 127.0.0.9'],
    ['missing_certificate', good, other],
    ['missing_certificate', other, good],
    ['missing_certificate', good, good],
    ['missing_certificate', good.replace('Client-Cert', 'Client_Cert')],
    ['missing_certificate', good.replace('Client-Cert', 'X-Forwarded-Client-Cert')],
    ['missing_certificate', `X-Forwarded-Client-Cert: Hash=${'a'.repeat(64)}`, `Ssl-Client-Cert: ${encodeURIComponent(client.cert)}`],
    ['missing_certificate', `${good};a=1`],
    ['missing_certificate', `${good}, ${good.slice(13)}`],
    ['allow', good],
  ];
  for (const localAddress of ['127.0.0.2', '127.0.0.1']) {
    const socket = connectPlain({ host: '127.0.0.1', port: (listening.address() as AddressInfo).port, localAddress });
    for (const [verdict, ...lines] of cases) {
      socket.write(['GET / HTTP/1.1', 'Host: a', `Authorization: Bearer ${token}`, ...lines, 'Forwarded: for=127.0.0.2', '', ''].join('\r\n'));
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString().split('\r\n').at(-1), `${localAddress} ${lines.join(' | ').slice(0, 60)}`).toContain(
        localAddress === '127.0.0.2' ? verdict : 'missing_certificate',
      );
    }
    socket.destroy();
  }
});

test('rule 92: over HTTP/2, a request has no certificate once its connection is gone', async () => {
  const listening = createSecureServer(tls).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const connection = connectHttp2(`https://127.0.0.1:${(listening.address() as AddressInfo).port}`, { ca, ...client });
  connection.on('error', () => {});
  connection.request({ ':path': '/' }).on('error', () => {});
  const [request] = (await once(listening, 'request')) as [Parameters<typeof connectionOf>[0] & { readonly stream: NodeJS.EventEmitter }];
  expect(connectionOf(request).clientCertificate?.()).toMatchObject({ authorized: true, raw: der });
  connection.destroy();
  await once(request.stream, 'close');
  expect(connectionOf(request).clientCertificate?.()).toBeUndefined();
  listening.close();
});

test.each<[string, object]>([
  ['no socket', {}],
  ['a socket without TLS', { socket: { remoteAddress: '127.0.0.1', authorized: true } }],
  ['a socket that throws', { socket: { getPeerX509Certificate: () => { throw new Error('gone'); } } }], // prettier-ignore
  ['a socket without a certificate', { socket: { getPeerX509Certificate: () => undefined, authorized: true } }],
])('rule 92: a request with %s has no certificate', (_name, request) => {
  expect(connectionOf(request).clientCertificate?.()).toBeUndefined();
});

describe('a request that was built by hand', () => {
  const authorized = (): { raw: Uint8Array; authorized: boolean } => ({ raw: der, authorized: true });

  test('rules 68 and 92: needs the certificate behind the token cache too, and with optional credentials', async () => {
    const { guard, issuer } = await createScene();
    const token = await issuer.issueToken({ claims: { cnf: CNF } });
    for (let times = 0; times < 2; times++) {
      expect(verdictOf(await guard.check(requestWith(token, { clientCertificate: authorized })))).toBe('allow');
      expect(verdictOf(await guard.check(requestWith(token)))).toBe('missing_certificate');
      expect(verdictOf(await guard.check(requestWith(token), { credentials: 'optional' }))).toBe('missing_certificate');
    }
    expect(guard.health().tokenCache).toMatchObject({ entries: 1 });
  });

  test('rule 92: asks for no certificate if the token is bound to none', async () => {
    const { guard, issuer } = await createScene({ clientCertificate: { getCertificate: () => expect.unreachable() } });
    const asked = requestWith(await issuer.issueToken({}), { clientCertificate: () => expect.unreachable() });
    expect(verdictOf(await guard.check(asked))).toBe('allow');
  });

  test('rule 88: a key that nobody can prove beside the certificate refuses the token, which is not cached', async () => {
    const { guard, issuer } = await createScene();
    const token = await issuer.issueToken({ claims: { cnf: { ...CNF, kid: 'key' } } });
    expect(verdictOf(await guard.check(requestWith(token, { clientCertificate: authorized })))).toBe('unproven_confirmation');
    expect(guard.health().tokenCache).toMatchObject({ entries: 0 });
  });

  test('rule 92: a token that was introspected needs its certificate on each request', async () => {
    const { guard, issuer } = await createScene();
    const introspecting = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, introspection: issuer.introspectionClient });
    onTestFinished(() => introspecting.close());
    const token = issuer.issueOpaqueToken({ claims: { cnf: CNF } });
    for (let times = 0; times < 2; times++) {
      expect(verdictOf(await introspecting.check(requestWith(token, { clientCertificate: authorized })))).toBe('allow');
      expect(verdictOf(await introspecting.check(requestWith(token)))).toBe('missing_certificate');
    }
    await guard.close();
  });

  test('rule 92: the client learns neither which certificate was wrong nor that one was', async () => {
    const { guard, issuer } = await createScene();
    const { headers, body } = expectDenied(await guard.check(requestWith('not.a.token')));
    const bound = await issuer.issueToken({ claims: { cnf: CNF } });
    for (const clientCertificate of [undefined, () => ({ raw: der.subarray(1), authorized: true }), () => ({ raw: der, authorized: false })]) {
      const denied = expectDenied(await guard.check(requestWith(bound, { clientCertificate })));
      expect(denied).toMatchObject({ status: 401, headers, body });
      expect(JSON.stringify(denied.explain())).not.toContain(CNF['x5t#S256']);
    }
  });
});

describe('the option clientCertificate', () => {
  const trustedProxies = ['10.0.0.1'];

  test.each<[unknown, string, RegExp]>([
    ['client-cert', 'clientCertificate', /must be an object/],
    [true, 'clientCertificate', /must be an object/],
    [[], 'clientCertificate', /must be an object/],
    [{ certificate: () => undefined }, 'clientCertificate.certificate', /is not an option/],
    [{ getCertificate: 'x' }, 'clientCertificate.getCertificate', /must be a function/],
    [{ getCertificate: async () => undefined }, 'clientCertificate.getCertificate', /must not be an async function/],
    [
      { header: 'client_cert', trustedProxies },
      'clientCertificate.header',
      /"client-cert", "x-forwarded-client-cert", or \{ name, format \} \(got "client_cert"/,
    ],
    [{ header: 'x-ssl-cert', trustedProxies }, 'clientCertificate.header', /must be "client-cert"/],
    [{ header: 1, trustedProxies }, 'clientCertificate.header', /must be "client-cert"/],
    [{ header: { name: 'x-ssl_cert', format: 'xfcc' }, trustedProxies }, 'clientCertificate.header.name', /letters, digits and hyphens/],
    [{ header: { name: 'x:', format: 'xfcc' }, trustedProxies }, 'clientCertificate.header.name', /letters/],
    [{ header: { name: 'x-ssl-cert', format: 'pem' }, trustedProxies }, 'clientCertificate.header.format', /"byte-sequence", "escaped-pem", "xfcc"/],
    [{ header: 'client-cert' }, 'clientCertificate.trustedProxies', /is missing/],
    [{ header: 'client-cert', trustedProxies: [] }, 'clientCertificate.trustedProxies', /one or more/],
    [{ header: 'client-cert', trustedProxies: ['proxy.internal'] }, 'clientCertificate.trustedProxies', /IP addresses and networks/],
    [{ header: 'client-cert', trustedProxies: ['::/0'] }, 'clientCertificate.trustedProxies', /every address/],
    [{ trustedProxies }, 'clientCertificate.trustedProxies', /no effect without header/],
    [{ header: 'client-cert', trustedProxies, getCertificate: () => undefined }, 'clientCertificate.getCertificate', /cannot be combined/],
    [{ header: 'client-cert', trustedProxies, xfccElements: 2 }, 'clientCertificate.xfccElements', /only with the header/],
    [{ header: 'x-forwarded-client-cert', trustedProxies, xfccElements: 0 }, 'clientCertificate.xfccElements', /from 1 to 8/],
    [
      { header: 'client-cert', trustedProxies, unsafeAcceptUnauthorizedCertificates: true },
      'clientCertificate.unsafeAcceptUnauthorizedCertificates',
      /no effect/,
    ],
    [{ unsafeAcceptUnauthorizedCertificates: 'yes' }, 'clientCertificate.unsafeAcceptUnauthorizedCertificates', /must be true or false/],
  ])('%j is refused at the start', (clientCertificate, path, message) => {
    const options = { issuer: 'https://login.example.test', audience: 'https://api.example.test', clientCertificate: clientCertificate as object };
    const error = configurationErrorOf(() => createResourceGuard(options));
    expect(error?.problems).toMatchObject([{ path, message: expect.stringMatching(message) as string }]);
  });
});
