import { Router, type RouterMiddleware } from '@koa/router';
import Koa from 'koa';
import { createGuard, getAuth } from '@tokenward/koa';
import type { Apps, Ingredients } from '../app.ts';

export async function koaApps({ options, credentials, check, admit }: Ingredients): Promise<Apps> {
  const guard = createGuard(options);
  return {
    unguarded: dispatchOf((ctx) => leave(ctx, check)),
    step: dispatchOf(
      (_ctx, next) => next(),
      (ctx) => leave(ctx, check),
    ),
    guarded: dispatchOf(credentials === 'optional' ? guard.optional() : guard(), (ctx) => leave(ctx, () => admit(getAuth(ctx, 'optional')))),
  };
}

function dispatchOf(...middleware: RouterMiddleware[]): Apps['guarded'] {
  const router = new Router();
  router.get('/me', ...middleware);
  return new Koa().use(router.routes()).callback();
}

/** Koa would answer otherwise. */
function leave(ctx: Koa.Context, handle: () => void): void {
  ctx.respond = false;
  handle();
}
