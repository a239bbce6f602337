import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite } from '@tokenward/testing/adapter-suite';
import { createCertificates } from '../../testing/test/certificates.js';
import { oddWays } from './odd-ways.js';
import { startOn } from './start-nest.js';

const certificates = createCertificates();
const options = { severalGuards: false, declaresPublicRoutes: true, cors: ['before'], trustsProxies: true, certificates } as const;

describe('NestJS 12 on Express', () => adapterSuite({ test, beforeAll, afterAll }, startOn('express'), { ...options, ways: oddWays }));
describe('NestJS 12 on Fastify', () => adapterSuite({ test, beforeAll, afterAll }, startOn('fastify'), { ...options, ways: oddWays }));
describe('NestJS 12 on Fastify, over HTTP/2', () =>
  adapterSuite({ test, beforeAll, afterAll }, startOn('fastify', { http2: true }), {
    ...options,
    http2: true,
    ways: [],
  }));
