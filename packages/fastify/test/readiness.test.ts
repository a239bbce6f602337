import Fastify from 'fastify';
import { tokenward } from '@tokenward/fastify';
import { test } from 'vitest';
import { expectReadyOnceIssuerIsBack, readinessRecipe } from '../../testing/test/readiness.js';
import { listen } from './start-fastify.js';

const addReadiness = readinessRecipe(new URL('../README.md', import.meta.url), 'app', 'console');

test('rule 169: the example /ready in the README answers 200 once the issuer is back, without any other request', async () => {
  await expectReadyOnceIssuerIsBack(async ({ issuer, audience }, console) => {
    const app = Fastify();
    await app.register(tokenward, { issuer, audience, protect: 'all' });
    addReadiness(app, console);
    return listen(app);
  });
});
