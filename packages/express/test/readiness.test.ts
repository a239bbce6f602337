import express from 'express';
import { createGuard } from '@tokenward/express';
import { test } from 'vitest';
import { expectReadyOnceIssuerIsBack, readinessRecipe } from '../../testing/test/readiness.js';
import { listen } from './start-express.js';

const addReadiness = readinessRecipe(new URL('../README.md', import.meta.url), 'app', 'guard', 'console');

test('rule 169: the example /ready in the README answers 200 once the issuer is back, without any other request', async () => {
  await expectReadyOnceIssuerIsBack(async ({ issuer, audience }, console) => {
    const guard = createGuard({ issuer, audience });
    const app = express();
    addReadiness(app, guard, console);
    app.use(guard());
    return listen(app, guard);
  });
});
