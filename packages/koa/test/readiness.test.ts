import { Router } from '@koa/router';
import Koa from 'koa';
import { createGuard } from '@tokenward/koa';
import { test } from 'vitest';
import { expectReadyOnceIssuerIsBack, readinessRecipe } from '../../testing/test/readiness.js';
import { listen } from './start-koa.js';

const addReadiness = readinessRecipe(new URL('../README.md', import.meta.url), 'router', 'guard', 'console');

test('rule 169: the example /ready in the README answers 200 once the issuer is back, without any other request', async () => {
  await expectReadyOnceIssuerIsBack(async ({ issuer, audience }, console) => {
    const guard = createGuard({ issuer, audience });
    const router = new Router();
    addReadiness(router, guard, console);
    return listen(new Koa().use(router.routes() as never).use(guard() as never), guard);
  });
});
