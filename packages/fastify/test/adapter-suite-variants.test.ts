import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite } from '@tokenward/testing/adapter-suite';
import { oddWays } from './odd-ways.js';
import { startOn } from './start-fastify.js';
import { suiteOptions } from './suite-options.js';

const overHttp2 = startOn('onRequest', { http2: true });

describe('Fastify 5, guarded by config', () =>
  adapterSuite({ test, beforeAll, afterAll }, startOn('config'), { ...suiteOptions, ways: [], denials: [], declaresPublicRoutes: true }));
describe('Fastify 5 over HTTP/2', () => adapterSuite({ test, beforeAll, afterAll }, overHttp2, { http2: true, ways: oddWays, trustsProxies: true }));
