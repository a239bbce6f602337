import express5 from 'express';
import express4 from 'express4';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { adapterSuite } from '@tokenward/testing/adapter-suite';
import { oddWays } from './odd-ways.js';
import { startOn } from './start-express.js';

describe('Express 5', () => adapterSuite({ test, beforeAll, afterAll }, startOn(express5), { ways: oddWays }));
describe('Express 4', () => adapterSuite({ test, beforeAll, afterAll }, startOn(express4), { ways: oddWays }));
