import { adapterSuite, type StartApp, type SuiteOptions } from '@tokenward/testing/adapter-suite';
import { startFetch } from '../../../fetch/test/start-fetch.js';
import { ways } from '../../../fetch/test/ways.js';
import { startPlain } from '../../../testing/test/plain-http.js';
import { oddWays } from '../odd-ways.js';
import { startHono } from '../start-hono.js';

/** The suites that every runtime passes, by the names of their adapters. */
const SUITES: Readonly<Record<string, readonly [StartApp, SuiteOptions]>> = {
  'core on node:http': [startPlain(), { ways: [] }],
  Fetch: [startFetch, { ways, resolvesDotSegments: true, joinsFieldLines: true }],
  Hono: [
    startHono,
    { ways: oddWays, mountsApps: true, cors: ['before', 'after'], resolvesDotSegments: true, joinsFieldLines: true, refusesMalformedHosts: true },
  ],
};

interface Collected {
  readonly tests: ReadonlyMap<string, () => Promise<void>>;
  readonly before: readonly (() => Promise<void>)[];
  readonly after: readonly (() => Promise<void>)[];
}

/** Returns the tests of all suites without running them. */
export function collectSuites(): Collected {
  const tests = new Map<string, () => Promise<void>>();
  const before: (() => Promise<void>)[] = [];
  const after: (() => Promise<void>)[] = [];
  for (const [adapter, [start, options]] of Object.entries(SUITES)) {
    adapterSuite(
      { test: (name, run) => void tests.set(`${adapter}: ${name}`, run), beforeAll: (run) => void before.push(run), afterAll: (run) => void after.push(run) },
      start,
      options,
    );
  }
  return { tests, before, after };
}
