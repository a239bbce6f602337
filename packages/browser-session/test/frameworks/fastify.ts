import Fastify, { type FastifyInstance } from 'fastify';
import { createBrowserSession } from '@tokenward/browser-session/fastify';
import { getAuth, tokenward } from '@tokenward/fastify';
import type { AppParts, FrameworkApp } from './app-parts.ts';

export async function fastifyApp({ options, audience, api, server, files = new Map() }: AppParts): Promise<FrameworkApp> {
  const session = createBrowserSession(options);
  const proxy = session.proxy({ mountPath: '/api', to: api, methods: ['GET', 'POST', 'PUT', 'DELETE'], paths: ['/'], webSockets: true });
  const serverFactory = (listener: never): never => server.on('request', listener) as never;
  const isHttp2 = !('maxHeadersCount' in server);
  const app = Fastify({ serverFactory, ...(isHttp2 && { http2: true }) } as object) as unknown as FastifyInstance;
  app.addHook('onRequest', async (_request, reply) => void reply.header('set-cookie', 'theme=dark').header('vary', 'origin'));
  await app.register(tokenward, { issuer: options.issuer, audience, session, protect: 'all' });
  await app.register(session.routes());
  await app.register(proxy, { prefix: '/api' });
  for (const [path, { type, text }] of files) app.get(path, { config: { tokenward: 'public' } }, (_request, reply) => reply.type(type).send(text));
  app.get('/page', { config: { tokenward: 'public' } }, (request) => session.get(request).then((user) => ({ user: user ?? null })));
  app.get('/me', (request, reply) => reply.send({ subject: getAuth(request).subject }));
  app.post('/echo', (request, reply) => reply.send(request.body));
  await app.ready();
  return {
    session,
    upgrade: proxy.upgrade,
    listener: undefined,
    async close() {
      await session.close();
      await app.close();
    },
  };
}
