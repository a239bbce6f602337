import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite, type SuiteOptions } from '@tokenward/testing/adapter-suite';
import { selfSigned } from '../../testing/test/self-signed.js';
import { createCertificates } from '../../testing/test/certificates.js';
import { denials } from './odd-denials.js';
import { oddWays } from './odd-ways.js';
import { routers, startOn } from './start-fastify.js';

const overHttp2 = startOn('onRequest', { http2: true });
const overTls = startOn('config', { http2: true, https: { ...selfSigned(), allowHTTP1: true } });

const certificates = createCertificates();
const options: SuiteOptions = { ways: oddWays, denials, routers, cors: ['before', 'after'], asksForBodies: true, trustsProxies: true, certificates };

describe('Fastify 5, guarded by onRequest', () => adapterSuite({ test, beforeAll, afterAll }, startOn('onRequest'), options));
describe('Fastify 5, guarded by config', () =>
  adapterSuite({ test, beforeAll, afterAll }, startOn('config'), { ...options, ways: [], denials: [], declaresPublicRoutes: true }));
describe('Fastify 5 over HTTP/2', () => adapterSuite({ test, beforeAll, afterAll }, overHttp2, { http2: true, ways: oddWays, trustsProxies: true }));
describe('Fastify 5 over HTTP/2 and TLS', () =>
  adapterSuite({ test, beforeAll, afterAll }, overTls, { http2: true, allowsHttp1: true, ways: [], declaresPublicRoutes: true, certificates }));
