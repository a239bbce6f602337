import { describe } from 'vitest';
import { testBehindNginx } from '../../testing/test/behind-nginx.js';
import { startOn } from './start-nest.js';

describe('NestJS 12 on Express', () => testBehindNginx(startOn('express')));
describe('NestJS 12 on Fastify', () => testBehindNginx(startOn('fastify')));
