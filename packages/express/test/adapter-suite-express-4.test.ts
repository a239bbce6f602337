import express from 'express4';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite } from '@tokenward/testing/adapter-suite';
import { startOn } from './start-express.js';
import { suiteOptions } from './suite-options.js';

describe('Express 4', () => adapterSuite({ test, beforeAll, afterAll }, startOn(express), suiteOptions));
