import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite } from '@tokenward/testing/adapter-suite';
import { oddWays } from './odd-ways.js';
import { startOn } from './start-nest.js';

describe('NestJS 12 on Express', () =>
  adapterSuite({ test, beforeAll, afterAll }, startOn('express'), { ways: oddWays, severalGuards: false, declaresPublicRoutes: true }));
describe('NestJS 12 on Fastify', () =>
  adapterSuite({ test, beforeAll, afterAll }, startOn('fastify'), { ways: oddWays, severalGuards: false, declaresPublicRoutes: true }));
describe('NestJS 12 on Fastify, over HTTP/2', () =>
  adapterSuite({ test, beforeAll, afterAll }, startOn('fastify', { http2: true }), {
    http2: true,
    ways: [],
    severalGuards: false,
    declaresPublicRoutes: true,
  }));
