import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { ClientCertificateOptions, Deny, GuardOptions } from '@tokenward/core';
import { createDpopClient } from '../dpop.js';
import { expectUnauthorized } from '../expect-refusal.js';
import type { AppSetup, SuiteCertificates, SuiteIdentity } from './app.js';
import { send, type Ask, type Sent } from './exchange.js';
import { connectHttp2 } from './http2-exchange.js';
import type { Suite, SuiteApp, SuiteCase } from './suite-case.js';

const INVALID = { error: 'invalid_token' };

/** Tokens that are bound to the certificate of a TLS connection (RFC 8705 s3). */
export function mtlsCases(certificates: SuiteCertificates): SuiteCase[] {
  const { client, otherClient, selfSigned } = certificates;

  async function start(
    suite: Suite,
    clientCertificate?: ClientCertificateOptions,
    setup: Partial<AppSetup> = {},
    more: Partial<GuardOptions> = {},
  ): Promise<TlsApp> {
    const { issuer, audience } = suite.issuer;
    const { authority: ca, server } = certificates;
    const reasons: string[] = [];
    const app = await suite.start({
      ...setup,
      options: { issuer, audience, clientCertificate, ...more },
      tls: { ...server, ca, requestCert: true, rejectUnauthorized: false },
      onRefused: ({ reason }: Deny) => reasons.push(reason),
    });
    suite.handlersRun();
    return { ...app, as: (identity) => askAs(app.origin, suite.http2, { ca, ...identity }), reasons: () => reasons.splice(0) };
  }

  return [
    {
      name: 'rule 92: a token that is bound to a certificate needs it on each request, and is never a bearer token',
      async run(suite) {
        const app = await start(suite);
        const token = await suite.token({ subject: 'ada', claims: { cnf: boundTo(client) } });
        for (let times = 0; times < 2; times++) {
          const admitted = await app.as(client)({ path: '/me', token });
          deepStrictEqual([admitted.status, (admitted.json() as { subject: string }).subject], [200, 'ada']);
          strictEqual(suite.handlersRun(), 1);
          for (const path of ['/me', '/optional']) {
            await expectUnauthorized(await app.as()({ path, token }), INVALID);
            await expectUnauthorized(await app.as(otherClient)({ path, token }), INVALID);
            deepStrictEqual(app.reasons(), ['missing_certificate', 'wrong_certificate']);
          }
        }
        strictEqual(suite.handlersRun(), 0);
      },
    },
    {
      name: 'rule 92: a token that is not bound is a bearer token, with and without a certificate',
      async run(suite) {
        const app = await start(suite);
        const token = await suite.token();
        for (const identity of [undefined, client, selfSigned]) strictEqual((await app.as(identity)({ path: '/me', token })).status, 200);
      },
    },
    {
      name: 'rule 93: a certificate that the TLS server did not authorise counts only with the option for it',
      async run(suite) {
        const token = await suite.token({ claims: { cnf: boundTo(selfSigned) } });
        const strict = await start(suite, {});
        await expectUnauthorized(await strict.as(selfSigned)({ path: '/me', token }), INVALID);
        deepStrictEqual(strict.reasons(), ['wrong_certificate']);
        const lax = await start(suite, { unsafeAcceptUnauthorizedCertificates: true });
        strictEqual((await lax.as(selfSigned)({ path: '/me', token })).status, 200);
        for (const identity of [undefined, client]) await expectUnauthorized(await lax.as(identity)({ path: '/me', token }), INVALID);
        deepStrictEqual(lax.reasons(), ['missing_certificate', 'wrong_certificate']);
      },
    },
    {
      name: 'rule 88: a token that is bound to a key too needs more than its certificate',
      async run(suite) {
        const app = await start(suite);
        const caller = await createDpopClient();
        const token = await suite.token({ claims: { cnf: { ...boundTo(client), ...caller.claims.cnf } } });
        const sent = (): Sent => ({ path: '/me', headers: Object.entries(caller.authorizationHeaders({ url: `${app.origin}/me` }, token)) });
        strictEqual((await app.as(client)(sent())).status, 200);
        // neither spends the proof, nor counts without it
        for (const identity of [undefined, otherClient]) {
          const once = sent();
          await expectUnauthorized(await app.as(identity)(once), { ...INVALID, scheme: 'DPoP' });
          strictEqual((await app.as(client)(once)).status, 200);
        }
        await expectUnauthorized(await app.as(client)({ path: '/me', token }), INVALID);
        deepStrictEqual(app.reasons(), ['missing_certificate', 'wrong_certificate', 'bound_token_as_bearer']);
        strictEqual(suite.handlersRun(), 3);
      },
    },
    {
      name: "rule 92: senderConstraint 'mtls' demands that every token is bound to a certificate",
      async run(suite) {
        const app = await start(suite, undefined, {}, { senderConstraint: 'mtls' });
        const token = await suite.token({ claims: { cnf: boundTo(client) } });
        strictEqual((await app.as(client)({ path: '/me', token })).status, 200);
        await expectUnauthorized(await app.as(client)({ path: '/me', token: await suite.token() }), INVALID);
        await expectUnauthorized(await app.as()({ path: '/me', token }), INVALID);
        deepStrictEqual(app.reasons(), ['unbound_token', 'missing_certificate']);
      },
    },
    {
      name: 'rule 92: getCertificate replaces the certificate of the connection',
      async run(suite) {
        const der = new X509Certificate(client.cert).raw;
        const app = await start(suite, { getCertificate: ({ headers }) => (headers['x-client'] === 'ada' ? { raw: der, authorized: true } : undefined) });
        const token = await suite.token({ claims: { cnf: boundTo(client) } });
        strictEqual((await app.as()({ path: '/me', token, headers: [['x-client', 'ada']] })).status, 200);
        await expectUnauthorized(await app.as(client)({ path: '/me', token }), INVALID);
        deepStrictEqual(app.reasons(), ['missing_certificate']);
      },
    },
    {
      name: 'rule 94: the certificate of a connection and that of a header do not mix',
      async run(suite) {
        const token = await suite.token({ claims: { cnf: boundTo(client) } });
        const header = ['client-cert', `:${new X509Certificate(client.cert).raw.toString('base64')}:`] as const;
        const ofConnection = await start(suite, {});
        for (const identity of [undefined, otherClient])
          await expectUnauthorized(await ofConnection.as(identity)({ path: '/me', token, headers: [header] }), INVALID);
        deepStrictEqual(ofConnection.reasons(), ['missing_certificate', 'wrong_certificate']);
        const ofHeader = await start(suite, { header: 'client-cert', trustedProxies: ['127.0.0.1'] });
        await expectUnauthorized(await ofHeader.as(client)({ path: '/me', token }), INVALID);
        deepStrictEqual(ofHeader.reasons(), ['missing_certificate']);
        strictEqual((await ofHeader.as(otherClient)({ path: '/me', token, headers: [header] })).status, 200);
        strictEqual(suite.handlersRun(), 1);
      },
    },
    {
      name: 'rule 92: check() finds the certificate on an upgrade request too',
      over: 'HTTP/1.1',
      async run(suite) {
        const app = await start(suite);
        app.server.on('upgrade', (upgrade: IncomingMessage, socket: NodeJS.WritableStream) => {
          void Promise.resolve(app.guard.check(upgrade)).then(({ outcome }) =>
            socket.end(`HTTP/1.1 ${outcome === 'allow' ? 204 : 401} x\r\nConnection: close\r\n\r\n`),
          );
        });
        const token = await suite.token({ claims: { cnf: boundTo(client) } });
        const statusFor = (identity: SuiteIdentity): Promise<number | undefined> =>
          askToUpgrade(app.origin, { ...identity, ca: certificates.authority }, token);
        deepStrictEqual([await statusFor(client), await statusFor(otherClient)], [204, 401]);
      },
    },
    {
      name: 'rule 110: the metadata says that certificate-bound tokens are taken if the option is set',
      async run(suite) {
        const path = '/.well-known/oauth-protected-resource';
        const announced = async (options: Partial<GuardOptions>): Promise<unknown> => {
          const app = await start(suite, undefined, { metadata: 'before' }, options);
          return ((await app.as()({ path })).json() as Record<string, unknown>)['tls_client_certificate_bound_access_tokens'];
        };
        strictEqual(await announced({}), undefined);
        strictEqual(await announced({ senderConstraint: 'dpop' }), undefined);
        const announcing: Partial<GuardOptions>[] = [{ clientCertificate: {} }, { senderConstraint: 'mtls' }, { senderConstraint: 'any' }];
        for (const options of announcing) strictEqual(await announced(options), true);
      },
    },
  ];
}

interface TlsApp extends SuiteApp {
  /** Returns a function that sends a request with a client certificate, over a connection of its own. */
  as(identity?: SuiteIdentity): Ask;
  /** Returns the reasons of all refusals since the last call. */
  reasons(): string[];
}

function askAs(origin: string, http2: boolean, tls: Partial<SuiteIdentity> & { readonly ca: string }): Ask {
  return async (sent) => {
    if (!http2) return send(origin, { ...sent, tls });
    const connection = connectHttp2(origin, tls);
    try {
      return await connection.ask(sent);
    } finally {
      connection.close();
    }
  };
}

function askToUpgrade(origin: string, tls: SuiteIdentity & { readonly ca: string }, token: string): Promise<number | undefined> {
  const headers = { connection: 'Upgrade', upgrade: 'websocket', authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const asked = request(`${origin}/feed`, { ...tls, headers, agent: false, timeout: 10_000 }, (response) => {
      resolve(response.statusCode);
      response.resume();
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer within 10 s'))).on('error', reject);
    asked.end();
  });
}

function boundTo(identity: SuiteIdentity): object {
  return { 'x5t#S256': thumbprintOf(identity) };
}

/** By other means than the guard's. */
function thumbprintOf({ cert }: SuiteIdentity): string {
  const hex = new X509Certificate(cert).fingerprint256.replaceAll(':', '');
  return Buffer.from(hex, 'hex').toString('base64url');
}
