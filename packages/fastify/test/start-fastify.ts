import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyHttp2Options,
  type FastifyHttp2SecureOptions,
  type FastifyServerOptions,
} from 'fastify';
import type { Http2SecureServer, Http2Server } from 'node:http2';
import { getAuth, tokenward, type Auth } from '@tokenward/fastify';
import { routeOf } from './odd-ways.js';
import type { HandlerInput, RunningApp, StartApp } from '@tokenward/testing/adapter-suite';

/** Starts the suite's apps on Fastify; routes are guarded by their `onRequest`, or by their `config`. */
export function startOn(
  style: 'onRequest' | 'config',
  serverOptions: FastifyServerOptions | FastifyHttp2Options<Http2Server> | FastifyHttp2SecureOptions<Http2SecureServer> = {},
): StartApp {
  return async ({ options, routes, property, onDenied, receivers }) => {
    const app = Fastify(serverOptions as FastifyServerOptions);
    await app.register(tokenward, {
      ...options,
      ...(property !== undefined && { property }),
      ...(onDenied && {
        async onDenied(decision, _request, reply) {
          const answer = onDenied(decision);
          const { status, body } = answer instanceof Promise ? await answer : answer;
          await reply.code(status).send(body);
        },
      }),
    });
    const asking = (request: FastifyRequest): Pick<HandlerInput, 'getAuth' | 'ofGuard'> => ({
      getAuth: (optional) => getAuth(request, optional),
      ofGuard: (optional) => app.guard.getAuth(request, optional),
    });
    const guards = new Map<string, ReturnType<typeof app.guard>>();
    for (const { method, path, access, policies, answer, way, guardOf } of routes) {
      const own = guards.get(guardOf ?? '') ?? app.guard(...policies);
      guards.set(path, own);
      if (way) {
        const handle = (request: FastifyRequest, reply: FastifyReply): unknown => {
          const { status, body } = answer({ auth: undefined, ...asking(request), params: {}, body: undefined });
          return reply.code(status).send(body);
        };
        app.route({ method, url: path, ...routeOf(way, own, handle) });
        continue;
      }
      const hook = access === 'public' ? [] : [access === 'optional' ? app.guard.optional(...policies) : own];
      const rule = access !== 'required' ? access : policies.length > 0 ? policies : 'required';
      app.route({
        method,
        url: path,
        ...(style === 'config' ? { config: { tokenward: rule } } : { onRequest: hook }),
        async handler(request, reply) {
          const auth = access === 'public' ? undefined : authBy(request, property);
          const { status, body } = answer({ auth, ...asking(request), params: request.params as Record<string, string>, body: request.body });
          return reply.code(status).send(body);
        },
      });
    }
    if (receivers) {
      for (const prefix of ['/backchannel-logout', '/parsed/backchannel-logout'])
        await app.register(app.guard.backchannelLogout(receivers.backchannelLogout), { prefix });
      await app.register(app.guard.sharedSignals(receivers.sharedSignals), { prefix: '/events' });
    }
    return listen(app);
  };
}

/** By both ways in which a handler may ask, which must agree. */
function authBy(request: FastifyRequest, property = 'auth'): Auth | undefined {
  const auth = getAuth(request, 'optional');
  if ((request as unknown as Record<string, unknown>)[property] !== auth) throw new Error(`request.${property} and getAuth differ`);
  return auth;
}

export async function listen(app: FastifyInstance): Promise<RunningApp> {
  const origin = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    origin,
    async close() {
      // HTTP/2 servers have none, and their sessions are ended by Fastify
      app.server.closeAllConnections?.();
      await app.close();
    },
  };
}
