import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite } from '@tokenward/testing/adapter-suite';
import { createCertificates } from '../../testing/test/certificates.js';
import { startPlain } from '../../testing/test/plain-http.js';

describe('core on node:http', () => adapterSuite({ test, beforeAll, afterAll }, startPlain(), { ways: [], certificates: createCertificates() }));
