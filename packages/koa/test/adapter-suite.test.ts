import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite } from '@tokenward/testing/adapter-suite';
import { startKoa } from './start-koa.js';

describe('Koa 3', () => adapterSuite({ test, beforeAll, afterAll }, startKoa));
