import { bodyParser } from '@koa/bodyparser';
import { Router } from '@koa/router';
import Koa, { type Context } from 'koa';
import type { AddressInfo } from 'node:net';
import { createGuard, getAuth, type Auth, type KoaGuard } from '@tokenward/koa';
import type { RunningApp, StartApp } from '@tokenward/testing/adapter-suite';

/** Starts the suite's apps on Koa, with the router and body parser that most of its users have. */
export const startKoa: StartApp = async ({ options, routes, property, onDenied }) => {
  const app = new Koa();
  app.silent = true;
  const guard = createGuard({
    ...options,
    ...(property !== undefined && { property }),
    ...(onDenied && {
      onDenied(decision, context) {
        const { status, body } = onDenied(decision);
        context.status = status;
        context.body = body;
      },
    }),
  });
  const router = new Router();
  for (const { method, path, access, policies, answer } of routes) {
    const guards = access === 'public' ? [] : [access === 'optional' ? guard.optional(...policies) : guard(...policies)];
    const handler = (context: Context): void => {
      const auth = access === 'public' ? undefined : authBy(context, property);
      const { status, body } = answer({ auth, params: context['params'] as Record<string, string>, body: (context.request as { body?: unknown }).body });
      context.status = status;
      if (body !== undefined) context.body = body;
    };
    router.register(path, [method], [...(guards as []), bodyParser() as never, handler as never]);
  }
  app.use(router.routes() as never).use(router.allowedMethods() as never);
  return listen(app, guard);
};

/** By both ways in which a handler may ask, which must agree. */
function authBy(context: Context, property = 'auth'): Auth | undefined {
  const auth: Auth | undefined = getAuth(context);
  if ((context.state as Record<string, unknown>)[property] !== auth) throw new Error(`ctx.state.${property} and getAuth differ`);
  return auth;
}

export async function listen(app: Koa, guard: Pick<KoaGuard, 'close'>): Promise<RunningApp> {
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await guard.close();
    },
  };
}
