import { createSecureServer, createServer } from 'node:http2';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite, type SuiteOptions } from '@tokenward/testing/adapter-suite';
import { selfSigned } from '../../testing/test/self-signed.js';
import { createCertificates } from '../../testing/test/certificates.js';
import { denials } from './odd-denials.js';
import { oddWays } from './odd-ways.js';
import { handlerOf, routers, startOn } from './start-koa.js';

const overHttp2 = startOn((app) => createServer(handlerOf(app)));
const overTls = startOn((app, tls) => createSecureServer({ ...(tls ?? selfSigned()), allowHTTP1: true }, handlerOf(app)));

/** They also run on the major before (vitest.older.config.ts). */
const { version } = createRequire(import.meta.url)('koa/package.json') as { readonly version: string };
const koa = `Koa ${version.split('.')[0]}`;

const certificates = createCertificates();
const options: SuiteOptions = {
  ways: oddWays,
  denials,
  routers,
  mountsApps: true,
  cors: ['before', 'after'],
  asksForBodies: true,
  trustsProxies: true,
  certificates,
};

/** Over HTTP/2, Koa 2 itself answers no request with HEAD: it ends the response and sends no header. */
const ASK_HEAD = new Set([
  'rule 83: HEAD needs a proof for HEAD, and POST one for POST',
  'rule 108: answers HEAD like GET, without the body',
  'rule 110: anybody may read the metadata by GET and HEAD, with any credentials, and by no other method',
]);
const testOverHttp2: typeof test | ((name: string, run: () => Promise<void>) => void) = version.startsWith('2.')
  ? (name: string, run: () => Promise<void>) => (ASK_HEAD.has(name) ? test.skip(`${name}: Koa 2 answers no HEAD over HTTP/2`, run) : test(name, run))
  : test;

describe(koa, () => adapterSuite({ test, beforeAll, afterAll }, startOn(), options));
describe(`${koa} over HTTP/2`, () =>
  adapterSuite({ test: testOverHttp2, beforeAll, afterAll }, overHttp2, { http2: true, ways: oddWays, trustsProxies: true }));
describe(`${koa} over HTTP/2 and TLS`, () =>
  adapterSuite({ test: testOverHttp2, beforeAll, afterAll }, overTls, { http2: true, allowsHttp1: true, ways: [], certificates }));
