import { describe } from 'vitest';
import { testBehindNginx } from '../../testing/test/behind-nginx.js';
import { startFetch } from './start-fetch.js';

describe('Fetch', () => testBehindNginx(startFetch, [], 'publicOrigin'));
