import { describe } from 'vitest';
import { testBehindNginx } from '../../testing/test/behind-nginx.js';
import { startOn } from './start-fastify.js';

describe('Fastify 5', () => testBehindNginx(startOn('onRequest'), ['router']));
