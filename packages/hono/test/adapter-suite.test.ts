import { afterAll, beforeAll, describe, test } from 'vitest';
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

describe('Hono 4 on Node', () => adapterSuite({ test, beforeAll, afterAll }, startHono, options));
