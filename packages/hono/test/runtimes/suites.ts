import { adapterSuite, type StartApp, type SuiteCertificates, type SuiteOptions } from '@tokenward/testing/adapter-suite';
import { startFetch } from '../../../fetch/test/start-fetch.js';
import { ways } from '../../../fetch/test/ways.js';
import { createCertificates } from '../../../testing/test/certificates.js';
import { startPlain } from '../../../testing/test/plain-http.js';
import { oddWays } from '../odd-ways.js';
import { startHono } from '../start-hono.js';

/** The suites that every runtime passes, by the names of their adapters. */
function suitesOn(certificates: SuiteCertificates): Readonly<Record<string, readonly [StartApp, SuiteOptions]>> {
  const platform = { resolvesDotSegments: true, joinsFieldLines: true };
  return {
    'core on node:http': [startPlain(), { ways: [], certificates }],
    Fetch: [startFetch, { ways, ...platform, certificates }],
    Hono: [startHono, { ways: oddWays, mountsApps: true, cors: ['before', 'after'], ...platform, refusesMalformedHosts: true, certificates }],
  };
}

/**
 * What a server on Bun cannot know: its `node:https` has no `getPeerX509Certificate`, and does not tell the certificate of a client in any other way. A guard that
 * needs it does not start.
 */
const NEED_CERTIFICATES = [
  'rule 92: a token that is bound to a certificate needs it on each request, and is never a bearer token',
  'rule 93: a certificate that the TLS server did not authorise counts only with the option for it',
  'rule 88: a token that is bound to a key too needs more than its certificate',
  "rule 92: senderConstraint 'mtls' demands that every token is bound to a certificate",
  'rule 94: the certificate of a connection and that of a header do not mix',
  'rule 92: check() finds the certificate on an upgrade request too',
  'rule 110: the metadata says that certificate-bound tokens are taken if the option is set',
];

/** Whether a runtime passes a test. Those that it fails run nevertheless: if one of them passes some day, this list is wrong. */
export function passes(runtime: 'bun' | 'deno', test: string): boolean {
  return runtime !== 'bun' || !NEED_CERTIFICATES.some((name) => test.endsWith(`: ${name}`));
}

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
  for (const [adapter, [start, options]] of Object.entries(suitesOn(createCertificates()))) {
    adapterSuite(
      { test: (name, run) => void tests.set(`${adapter}: ${name}`, run), beforeAll: (run) => void before.push(run), afterAll: (run) => void after.push(run) },
      start,
      options,
    );
  }
  return { tests, before, after };
}
