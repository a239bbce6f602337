import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { observe, type ClientCertificateOptions, type Deny } from '@tokenward/core';
import { expectUnauthorized } from '../expect-refusal.js';
import type { Suite, SuiteApp, SuiteCase } from './suite-case.js';

/** The guard compares bytes, and leaves it to the proxy to verify that they are a certificate. */
const CLIENT = Buffer.from('the certificate of a client');
const OTHER = Buffer.from('the certificate of another client');
const LOOPBACK = ['127.0.0.1', '::1'];
/** An address of documentation (RFC 5737), which no connection has. */
const ELSEWHERE = ['192.0.2.1'];

interface Form {
  readonly options: ClientCertificateOptions;
  /** Returns the header in which a proxy passes on a certificate. */
  readonly header: (der: Buffer) => readonly [name: string, value: string];
}

const FORMS: readonly Form[] = [
  { options: { header: 'client-cert' }, header: (der) => ['Client-Cert', `:${der.toString('base64')}:`] },
  { options: { header: 'x-forwarded-client-cert' }, header: (der) => ['X-Forwarded-Client-Cert', `By=spiffe://a/b;Hash=${digestOf(der).toString('hex')}`] },
  { options: { header: { name: 'SSL-Client-Cert', format: 'escaped-pem' } }, header: (der) => ['ssl-client-cert', escapedPem(der)] },
];

/** Certificates that a proxy passes on in a header (RFC 9440), without TLS between the proxy and the app. */
export const certificateHeaderCases: readonly SuiteCase[] = [
  {
    name: 'rule 94: a certificate in a header counts from the addresses of configured proxies, and only if it is the one of the token',
    async run(suite) {
      for (const { options, header } of FORMS) {
        const token = await bound(suite);
        await withApp(suite, { ...options, trustedProxies: [...ELSEWHERE, ...LOOPBACK] }, async (app) => {
          strictEqual((await app.ask({ path: '/me', token, headers: [header(CLIENT)] })).status, 200);
          for (const headers of [[], [header(OTHER)]])
            for (const path of ['/me', '/optional']) await expectUnauthorized(await app.ask({ path, token, headers }), { error: 'invalid_token' });
          deepStrictEqual(app.reasons(), ['missing_certificate', 'missing_certificate', 'wrong_certificate', 'wrong_certificate']);
          strictEqual(suite.handlersRun(), 1);
        });
      }
    },
  },
  {
    name: 'rule 94: a certificate in a header from another address is ignored and reported, whatever the client says about its address',
    async run(suite) {
      const token = await bound(suite);
      const forged = [
        ['x-forwarded-for', ELSEWHERE[0]!],
        ['forwarded', `for=${ELSEWHERE[0]}`],
        ['x-real-ip', ELSEWHERE[0]!],
      ] as const;
      for (const { options, header } of FORMS) {
        await withApp(
          suite,
          { ...options, trustedProxies: ELSEWHERE },
          async (app) => {
            await expectUnauthorized(await app.ask({ path: '/me', token, headers: [header(CLIENT), ...forged] }), { error: 'invalid_token' });
            deepStrictEqual([app.reasons(), app.ignored()], [['missing_certificate'], ['untrusted_peer']]);
            // nobody learns anything from a request that has no such token
            strictEqual((await app.ask({ path: '/me', token: await suite.token(), headers: [header(CLIENT)] })).status, 200);
            await expectUnauthorized(await app.ask({ path: '/me', headers: [header(CLIENT)] }));
            deepStrictEqual(app.ignored(), []);
          },
          true,
        );
      }
      strictEqual(suite.handlersRun(), FORMS.length);
    },
  },
  {
    name: 'rule 94: a header with a certificate that is duplicated or in underscore spelling does not count',
    async run(suite) {
      const token = await bound(suite);
      for (const { options, header } of FORMS) {
        await withApp(suite, { ...options, trustedProxies: LOOPBACK }, async (app) => {
          const [name, value] = header(CLIENT);
          for (const headers of [
            [
              [name, value],
              [name, value],
            ],
            [
              [name, value],
              [name.toUpperCase(), header(OTHER)[1]],
            ],
            [[name.replaceAll('-', '_'), value]],
          ] as const)
            // prettier-ignore
            await expectUnauthorized(await app.ask({ path: '/me', token, headers }), { error: 'invalid_token' });
          deepStrictEqual([app.reasons().length, app.ignored()], [3, ['duplicate', 'duplicate', 'other_spelling']]);
          strictEqual((await app.ask({ path: '/me', token, headers: [[name.replaceAll('-', '_'), header(OTHER)[1]], header(CLIENT)] })).status, 200);
          deepStrictEqual(app.ignored(), ['other_spelling']);
        });
      }
      strictEqual(suite.handlersRun(), FORMS.length);
    },
  },
  {
    name: 'rule 94: Connection cannot remove the certificate, and without one the token is not accepted as a bearer token',
    over: 'HTTP/1.1',
    async run(suite) {
      const token = await bound(suite);
      for (const { options, header } of FORMS) {
        await withApp(suite, { ...options, trustedProxies: LOOPBACK }, async (app) => {
          const connection = ['connection', `close, ${header(CLIENT)[0]}`] as const;
          strictEqual((await app.ask({ path: '/me', token, headers: [connection, header(CLIENT)] })).status, 200);
          await expectUnauthorized(await app.ask({ path: '/me', token, headers: [connection] }), { error: 'invalid_token' });
        });
      }
    },
  },
  {
    name: 'rule 95: ignores a header from a proxy that does not have the exact form of a certificate',
    async run(suite) {
      const token = await bound(suite);
      for (const { options, header } of FORMS) {
        await withApp(suite, { ...options, trustedProxies: LOOPBACK }, async (app) => {
          const [name, value] = header(CLIENT);
          for (const bad of [`${value},`, `${value};a`, `"${value}"`, value.slice(0, -1), '', '%', '::']) {
            await expectUnauthorized(await app.ask({ path: '/me', token, headers: [[name, bad]] }), { error: 'invalid_token' });
            deepStrictEqual([app.reasons(), app.ignored()], [['missing_certificate'], ['malformed']]);
          }
        });
      }
      strictEqual(suite.handlersRun(), 0);
    },
  },
];

interface HeaderApp extends SuiteApp {
  /** Returns the reasons of all refusals since the last call. */
  reasons(): string[];
  /** Returns the causes of all reports about ignored certificates since the last call. */
  ignored(): string[];
}

/** Runs a part of a case with an app of its own. */
async function withApp(
  suite: Suite,
  clientCertificate: ClientCertificateOptions,
  run: (app: HeaderApp) => Promise<void>,
  trustsProxies = false,
): Promise<void> {
  const { issuer, audience } = suite.issuer;
  const reasons: string[] = [];
  const ignored: string[] = [];
  const app = await suite.start({
    options: { issuer, audience, clientCertificate },
    trustsProxies,
    onRefused: ({ reason }: Deny) => reasons.push(reason),
  });
  const stop = observe('tokenward:certificate-ignored', ({ cause }) => ignored.push(cause));
  try {
    await run({ ...app, reasons: () => reasons.splice(0), ignored: () => ignored.splice(0) });
  } finally {
    stop();
  }
}

function bound({ token }: Suite): Promise<string> {
  return token({ claims: { cnf: { 'x5t#S256': digestOf(CLIENT).toString('base64url') } } });
}

function digestOf(der: Buffer): Buffer {
  return createHash('sha256').update(der).digest();
}

/** As nginx writes it. */
function escapedPem(der: Buffer): string {
  return encodeURIComponent(`-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`);
}
