import { createServer } from 'node:http2';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite } from '@tokenward/testing/adapter-suite';
import { startOn } from './start-fetch.js';
import { ways } from './ways.js';

describe('Fetch handlers', () => adapterSuite({ test, beforeAll, afterAll }, startOn(), { ways, resolvesDotSegments: true, joinsFieldLines: true }));
describe('Fetch handlers over HTTP/2', () =>
  adapterSuite(
    { test, beforeAll, afterAll },
    startOn((listener) => createServer(listener)),
    { http2: true, ways: [], resolvesDotSegments: true, joinsFieldLines: true },
  ));
