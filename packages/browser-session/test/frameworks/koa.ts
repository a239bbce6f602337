import { bodyParser } from '@koa/bodyparser';
import Koa from 'koa';
import { createBrowserSession } from '@tokenward/browser-session/koa';
import { createGuard, getAuth } from '@tokenward/koa';
import type { AppParts, FrameworkApp } from './app-parts.ts';

export async function koaApp({ options, audience, api, files = new Map() }: AppParts): Promise<FrameworkApp> {
  const session = createBrowserSession(options);
  const guard = createGuard({ issuer: options.issuer, audience, session });
  const proxy = session.proxy({ mountPath: '/api', to: api, methods: ['GET', 'POST', 'PUT', 'DELETE'], paths: ['/'], webSockets: true });
  const app = new Koa();
  app.silent = true;
  app.use(bodyParser());
  app.use(async (context, next) => {
    context.append('set-cookie', 'theme=dark');
    context.vary('origin');
    await next();
  });
  app.use(session.routes());
  app.use(proxy);
  app.use(async (context, next) => {
    const file = context.method === 'GET' ? files.get(context.path) : undefined;
    if (!file) return next();
    context.type = file.type;
    context.body = file.text;
    return undefined;
  });
  app.use(async (context, next) => {
    if (context.method !== 'GET' || context.path !== '/page') return next();
    context.body = { user: (await session.get(context)) ?? null };
    return undefined;
  });
  app.use(guard());
  app.use((context) => {
    const route = `${context.method} ${context.path}`;
    if (route === 'GET /me') context.body = { subject: getAuth(context).subject };
    if (route === 'POST /echo') context.body = (context.request as { body?: object }).body!;
  });
  const handle = app.callback();
  return {
    session,
    upgrade: proxy.upgrade,
    listener: (request, response) => void handle(request, response),
    async close() {
      await Promise.all([session.close(), guard.close()]);
    },
  };
}
