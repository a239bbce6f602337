import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite } from '@tokenward/testing/adapter-suite';
import { startOn } from './start-fastify.js';

describe('Fastify 5, guarded by onRequest', () => adapterSuite({ test, beforeAll, afterAll }, startOn('onRequest')));
describe('Fastify 5, guarded by config', () => adapterSuite({ test, beforeAll, afterAll }, startOn('config')));
