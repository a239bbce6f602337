import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite, type SuiteOptions } from '@tokenward/testing/adapter-suite';
import { createCertificates } from '../../testing/test/certificates.js';
import { startFetch } from './start-fetch.js';
import { ways } from './ways.js';

const options: SuiteOptions = { ways, resolvesDotSegments: true, joinsFieldLines: true, certificates: createCertificates() };

describe('Fetch handlers', () => adapterSuite({ test, beforeAll, afterAll }, startFetch, options));
