import { describe } from 'vitest';
import { testBehindNginx } from '../../testing/test/behind-nginx.js';
import { startHono } from './start-hono.js';

describe('Hono', () => testBehindNginx(startHono, ['router', 'app'], 'publicOrigin'));
