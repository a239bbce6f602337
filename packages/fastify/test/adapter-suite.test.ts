import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite } from '@tokenward/testing/adapter-suite';
import { selfSigned } from '../../testing/test/self-signed.js';
import { startOn } from './start-fastify.js';
import { suiteOptions } from './suite-options.js';

const overTls = startOn('config', { http2: true, https: { ...selfSigned(), allowHTTP1: true } });
const { certificates } = suiteOptions;

describe('Fastify 5, guarded by onRequest', () => adapterSuite({ test, beforeAll, afterAll }, startOn('onRequest'), suiteOptions));
describe('Fastify 5 over HTTP/2 and TLS', () =>
  adapterSuite({ test, beforeAll, afterAll }, overTls, { http2: true, allowsHttp1: true, ways: [], declaresPublicRoutes: true, certificates }));
