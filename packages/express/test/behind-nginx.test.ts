import express from 'express';
import { describe } from 'vitest';
import { testBehindNginx } from '../../testing/test/behind-nginx.js';
import { startOn } from './start-express.js';

describe('Express 5', () => testBehindNginx(startOn(express), ['router', 'app']));
