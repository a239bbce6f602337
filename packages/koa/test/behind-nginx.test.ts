import { describe } from 'vitest';
import { testBehindNginx } from '../../testing/test/behind-nginx.js';
import { startOn } from './start-koa.js';

describe('Koa 3', () => testBehindNginx(startOn(), ['router', 'app']));
