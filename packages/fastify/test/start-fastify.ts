import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyHttp2Options,
  type FastifyHttp2SecureOptions,
  type FastifyServerOptions,
} from 'fastify';
import type { Http2SecureServer, Http2Server } from 'node:http2';
import { getAuth, tokenward, type Auth, type Deny, type FastifyGuard, type Guard } from '@tokenward/fastify';
import { routeOf } from './odd-ways.js';
import type { HandlerInput, RunningApp, StartApp, SuiteGuard } from '@tokenward/testing/adapter-suite';

/** Starts the suite's apps on Fastify, with guards in the `onRequest` or rules in the `config` of the routes. */
export function startOn(
  style: 'onRequest' | 'config',
  serverOptions: FastifyServerOptions | FastifyHttp2Options<Http2Server> | FastifyHttp2SecureOptions<Http2SecureServer> = {},
): StartApp {
  return async ({ options, routes, property, secondApi, appGuards = [], onDenied, onRefused, receivers }) => {
    const app = Fastify(serverOptions as FastifyServerOptions);
    await app.register(tokenward, {
      ...options,
      ...(property !== undefined && { property }),
      ...(onDenied && {
        async onDenied(decision, _request, reply) {
          const answer = onDenied(decision);
          const settled = answer instanceof Promise ? await answer : answer;
          if ('outcome' in settled) return settled;
          await reply.code(settled.status).send(settled.body);
          return undefined;
        },
      }),
      ...(onRefused && { onRefused: (decision: Deny, { url }: { readonly url: string }) => onRefused(decision, url) }),
    });
    if (secondApi) await app.register(tokenward, { ...secondApi, decorator: 'secondGuard' });
    const guardFor = ({ api, access, policies }: SuiteGuard): Guard => {
      const of = api === 'first' ? app.guard : (app as unknown as { secondGuard: FastifyGuard }).secondGuard;
      return access === 'optional' ? of.optional(...policies) : of(...policies);
    };
    for (const appGuard of appGuards) app.addHook('onRequest', guardFor(appGuard));
    const asking = (request: FastifyRequest): Pick<HandlerInput, 'getAuth' | 'ofGuard'> => ({
      getAuth: (optional) => getAuth(request, optional),
      ofGuard: (optional) => app.guard.getAuth(request, optional),
    });
    const guards = new Map<string, ReturnType<typeof app.guard>>();
    for (const { method, path, access, policies, guards: several, answer, way, guardOf } of routes) {
      const own = guards.get(guardOf ?? '') ?? app.guard(...policies);
      guards.set(path, own);
      if (way) {
        const handle = (_request: FastifyRequest, reply: FastifyReply): unknown => {
          const { status, body } = answer({ auth: undefined, ...asking(_request), params: {}, body: undefined });
          return reply.code(status).send(body);
        };
        app.route({ method, url: path, ...routeOf(way, own, handle) });
        continue;
      }
      const hook = several ? several.map(guardFor) : access === 'public' ? [] : [access === 'optional' ? app.guard.optional(...policies) : own];
      const rule = access !== 'required' ? access : policies.length > 0 ? policies : 'required';
      app.route({
        method,
        url: path,
        ...(style === 'config' && !several ? { config: { tokenward: rule } } : { onRequest: hook }),
        async handler(request, reply) {
          const { status, body, stream, refusal } = answer({
            auth: access === 'public' ? undefined : several ? getAuth(request, 'optional') : authBy(request, property),
            params: request.params as Record<string, string>,
            body: request.body,
            ...asking(request),
            permit: (auth, policy) => app.guard.permit(auth, policy, request),
            properties: propertiesOf(request, property, secondApi?.property),
          });
          if (refusal) return app.guard.refuse(refusal, request, reply);
          if (stream) return reply.code(status).type('text/event-stream').send(stream);
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

function propertiesOf(request: FastifyRequest, first = 'auth', second = ''): HandlerInput['properties'] {
  const properties = request as unknown as Record<string, Auth | undefined>;
  return { first: properties[first], second: properties[second] };
}

/** Reads the Auth in both ways that a handler has. They must agree. */
function authBy(request: FastifyRequest, property = 'auth'): Auth | undefined {
  const auth = getAuth(request, 'optional');
  if ((request as unknown as Record<string, unknown>)[property] !== auth) throw new Error(`request.${property} and getAuth differ`);
  return auth;
}

export async function listen(app: FastifyInstance): Promise<RunningApp> {
  const origin = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    origin,
    guard: app.guard,
    server: app.server,
    shutDown: () => app.close(),
    close() {
      // HTTP/2 servers have no such method, and Fastify ends their sessions
      app.server.closeAllConnections?.();
      return app.close();
    },
  };
}
