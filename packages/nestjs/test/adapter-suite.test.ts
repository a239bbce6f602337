import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite } from '@tokenward/testing/adapter-suite';
import { createCertificates } from '../../testing/test/certificates.js';
import { oddWays } from './odd-ways.js';
import { startOn } from './start-nest.js';

/** They also run on the major before (vitest.older.config.ts). */
const { version } = createRequire(import.meta.url)('@nestjs/core/package.json') as { readonly version: string };
const nest = `NestJS ${version.split('.')[0]}`;
const certificates = createCertificates();
const options = { severalGuards: false, declaresPublicRoutes: true, cors: ['before'], trustsProxies: true, certificates } as const;

describe(`${nest} on Express`, () => adapterSuite({ test, beforeAll, afterAll }, startOn('express'), { ...options, ways: oddWays }));
describe(`${nest} on Fastify`, () => adapterSuite({ test, beforeAll, afterAll }, startOn('fastify'), { ...options, ways: oddWays }));
describe(`${nest} on Fastify, over HTTP/2`, () =>
  adapterSuite({ test, beforeAll, afterAll }, startOn('fastify', { http2: true }), {
    ...options,
    http2: true,
    ways: [],
  }));
