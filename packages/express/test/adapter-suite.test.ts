import express from 'express';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite } from '@tokenward/testing/adapter-suite';
import { startOn } from './start-express.js';
import { suiteOptions } from './suite-options.js';

describe('Express 5', () => adapterSuite({ test, beforeAll, afterAll }, startOn(express), suiteOptions));
