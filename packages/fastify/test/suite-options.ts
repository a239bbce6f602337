import type { SuiteOptions } from '@tokenward/testing/adapter-suite';
import { createCertificates } from '../../testing/test/certificates.js';
import { denials } from './odd-denials.js';
import { oddWays } from './odd-ways.js';
import { routers } from './start-fastify.js';

export const suiteOptions: SuiteOptions = {
  ways: oddWays,
  denials,
  routers,
  cors: ['before', 'after'],
  asksForBodies: true,
  trustsProxies: true,
  certificates: createCertificates(),
};
