import express5 from 'express';
import express4 from 'express4';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite, type SuiteOptions } from '@tokenward/testing/adapter-suite';
import { createCertificates } from '../../testing/test/certificates.js';
import { denials } from './odd-denials.js';
import { oddWays } from './odd-ways.js';
import { routers, startOn } from './start-express.js';

const options: SuiteOptions = {
  ways: oddWays,
  denials,
  routers,
  mountsApps: true,
  cors: ['before', 'after'],
  asksForBodies: true,
  trustsProxies: true,
  certificates: createCertificates(),
};

describe('Express 5', () => adapterSuite({ test, beforeAll, afterAll }, startOn(express5), options));
describe('Express 4', () => adapterSuite({ test, beforeAll, afterAll }, startOn(express4), options));
