import { afterAll, beforeAll, describe, test, vi } from 'vitest';
import { adapterSuite, type SuiteOptions } from '@tokenward/testing/adapter-suite';
import { createCertificates } from '../../testing/test/certificates.js';
import { oddWays } from './odd-ways.js';
import { startHono } from './start-hono.js';

const options: SuiteOptions = {
  ways: oddWays,
  mountsApps: true,
  cors: ['before', 'after'],
  resolvesDotSegments: true,
  joinsFieldLines: true,
  refusesMalformedHosts: true,
  certificates: createCertificates(),
};

// Node's server of Hono prints an error if other code has answered a request, as some cases do
beforeAll(() => void vi.spyOn(console, 'error').mockImplementation(() => {}));

describe('Hono 4 on Node', () => adapterSuite({ test, beforeAll, afterAll }, startHono, options));
