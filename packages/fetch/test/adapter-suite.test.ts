import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite } from '@tokenward/testing/adapter-suite';
import { startFetch } from './start-fetch.js';
import { ways } from './ways.js';

describe('Fetch handlers', () => adapterSuite({ test, beforeAll, afterAll }, startFetch, { ways, resolvesDotSegments: true, joinsFieldLines: true }));
