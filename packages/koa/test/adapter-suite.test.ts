import { createSecureServer, createServer } from 'node:http2';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite, type SuiteOptions } from '@tokenward/testing/adapter-suite';
import { selfSigned } from '../../testing/test/self-signed.js';
import { createCertificates } from '../../testing/test/certificates.js';
import { denials } from './odd-denials.js';
import { oddWays } from './odd-ways.js';
import { handlerOf, routers, startOn } from './start-koa.js';

const overHttp2 = startOn((app) => createServer(handlerOf(app)));
const overTls = startOn((app, tls) => createSecureServer({ ...(tls ?? selfSigned()), allowHTTP1: true }, handlerOf(app)));

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

describe('Koa 3', () => adapterSuite({ test, beforeAll, afterAll }, startOn(), options));
describe('Koa 3 over HTTP/2', () => adapterSuite({ test, beforeAll, afterAll }, overHttp2, { http2: true, ways: oddWays, trustsProxies: true }));
describe('Koa 3 over HTTP/2 and TLS', () => adapterSuite({ test, beforeAll, afterAll }, overTls, { http2: true, allowsHttp1: true, ways: [], certificates }));
