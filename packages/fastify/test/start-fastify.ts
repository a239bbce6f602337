import cors from '@fastify/cors';
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
import { onDeniedOf } from './odd-denials.js';
import { routeOf } from './odd-ways.js';
import type { HandlerInput, RunningApp, StartApp, SuiteGuard, SuiteRoute, SuiteRouter } from '@tokenward/testing/adapter-suite';

const SETTINGS = ['caseSensitive', 'ignoreTrailingSlash', 'ignoreDuplicateSlashes', 'useSemicolonDelimiter'] as const;
type Routing = Readonly<Record<(typeof SETTINGS)[number], boolean>>;

/** Every combination of the settings. */
const ROUTERS: ReadonlyMap<string, Routing> = new Map(
  Array.from({ length: 16 }, (_, bits) => {
    const on = SETTINGS.filter((_setting, index) => (bits & (1 << index)) > 0);
    const routing = Object.fromEntries(SETTINGS.map((setting) => [setting, on.includes(setting)])) as Routing;
    return [`a router with ${on.join(', ') || 'no setting on'}`, routing] as const;
  }),
);

export const routers: readonly SuiteRouter[] = [...ROUTERS].map(([name, routing]) => ({
  name,
  alsoMatches: [
    ...(routing.caseSensitive ? [] : ['/ADMIN']),
    ...(routing.ignoreTrailingSlash ? ['/admin/'] : []),
    ...(routing.ignoreDuplicateSlashes ? ['//admin'] : []),
    ...(routing.useSemicolonDelimiter ? ['/admin;x=1'] : []),
  ],
}));

/** Returns the settings of a router by its name. Default: Fastify's own. */
export function routingOf(name = ''): { readonly routerOptions?: Routing } {
  const routerOptions = ROUTERS.get(name);
  return routerOptions ? { routerOptions } : {};
}

/** Starts the suite's apps on Fastify, with guards in the `onRequest` or rules in the `config` of the routes. */
export function startOn(
  style: 'onRequest' | 'config',
  serverOptions: FastifyServerOptions | FastifyHttp2Options<Http2Server> | FastifyHttp2SecureOptions<Http2SecureServer> = {},
): StartApp {
  return async (setup) => {
    const { options, routes, property, secondApi, appGuards = [], onDenied, denial, onRefused, receivers, mounts = [], cors: corsPlace, asksForBodies } = setup;
    const app = Fastify({
      ...serverOptions,
      ...(setup.tls && { https: setup.tls }),
      ...routingOf(setup.router),
      ...(setup.trustsProxies && { trustProxy: 'loopback' }),
    } as FastifyServerOptions);
    const addCors = async (): Promise<unknown> =>
      app.register(cors, { origin: 'https://app.example.test', exposedHeaders: ['www-authenticate', 'dpop-nonce'] });
    if (corsPlace === 'before') await addCors();
    const ownOnDenied = denial === undefined ? undefined : onDeniedOf(denial);
    await app.register(tokenward, {
      ...options,
      ...(property !== undefined && { property }),
      ...(onDenied && {
        async onDenied(decision, _request, reply) {
          const answer = onDenied(decision);
          const settled = answer instanceof Promise ? await answer : answer;
          if ('outcome' in settled) return settled;
          for (const cookie of settled.cookies ?? []) void reply.header('set-cookie', cookie);
          if (settled.withHeadersOf) void reply.headers(settled.withHeadersOf.headers);
          await reply.code(settled.status).send(settled.body);
          return undefined;
        },
      }),
      ...(ownOnDenied && { onDenied: ownOnDenied }),
      ...(onRefused && { onRefused: (decision: Deny, { url }: { readonly url: string }) => onRefused(decision, url) }),
    });
    if (secondApi) await app.register(tokenward, { ...secondApi, decorator: 'secondGuard' });
    const guardFor = ({ api, access, policies }: SuiteGuard): Guard => {
      const of = api === 'first' ? app.guard : (app as unknown as { secondGuard: FastifyGuard }).secondGuard;
      return access === 'optional' ? of.optional(...policies) : of(...policies);
    };
    if (setup.metadata === 'before') await app.register(app.guard.metadata());
    for (const appGuard of appGuards) app.addHook('onRequest', guardFor(appGuard));
    if (corsPlace === 'after') await addCors();
    if (asksForBodies) app.addHook('preParsing', async (_request, reply) => void reply.raw.writeContinue());
    const asking = (request: FastifyRequest): Pick<HandlerInput, 'getAuth' | 'ofGuard'> => ({
      getAuth: (optional) => getAuth(request, optional),
      ofGuard: (optional) => app.guard.getAuth(request, optional),
    });
    if (setup.metadata === 'after') await app.register(app.guard.metadata());
    const guards = new Map<string, ReturnType<typeof app.guard>>();
    function addRoute(scope: FastifyInstance, { method, path, access, policies, guards: several, answer, way, guardOf, refuses, ended }: SuiteRoute): void {
      const methods = method === 'ALL' ? app.supportedMethods : method;
      const own = guards.get(guardOf ?? '') ?? app.guard(...policies);
      guards.set(path, own);
      if (way) {
        const handle = (_request: FastifyRequest, reply: FastifyReply): unknown => {
          const { status, headers = {}, body } = answer({ auth: undefined, ...asking(_request), params: {}, body: undefined });
          return reply.code(status).headers(headers).send(body);
        };
        scope.route({ method: methods, url: path, ...routeOf(way, own, handle) });
        return;
      }
      if (refuses) {
        scope.get(path, { config: { tokenward: 'public' } }, async (request, reply) => {
          try {
            const decision = await app.guard.check(request, ...(policies as []));
            const refused = decision.outcome === 'deny' ? app.guard.refuse(decision, request, reply) : undefined;
            if (refused && refuses === 'awaited') return await refused;
            if (refuses === 'not awaited, and answered later') await new Promise((resolve) => setTimeout(resolve, 20));
            return await handler(request, reply);
          } finally {
            ended?.(reply.raw.headersSent);
          }
        });
        return;
      }
      const hook = several ? several.map(guardFor) : access === 'public' ? [] : [access === 'optional' ? app.guard.optional(...policies) : own];
      // config.tokenward has no form for an optional guard with policies
      const usesConfig = style === 'config' && !several && !(access === 'optional' && policies.length > 0);
      const rule = access !== 'required' ? access : policies.length > 0 ? policies : 'required';
      scope.route({
        method: methods,
        url: path,
        ...(usesConfig ? { config: { tokenward: rule } } : { onRequest: hook }),
        handler,
      });

      async function handler(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
        const {
          status,
          headers = {},
          body,
          stream,
          refusal,
          cookies = [],
        } = answer({
          auth: access === 'public' ? undefined : several ? getAuth(request, 'optional') : authBy(request, property),
          params: request.params as Record<string, string>,
          body: request.body,
          ...asking(request),
          permit: (auth, policy) => app.guard.permit(auth, policy, request),
          properties: propertiesOf(request, property, secondApi?.property),
        });
        void reply.headers(headers);
        for (const cookie of cookies) void reply.header('set-cookie', cookie);
        if (refusal) return app.guard.refuse(refusal, request, reply);
        if (stream) return reply.code(status).type('text/event-stream').send(stream);
        return reply.code(status).send(body);
      }
    }

    for (const route of routes) addRoute(app, route);
    for (const { prefix, guard: own, routes: nested } of mounts) {
      await app.register(
        async (scope) => {
          if (own) scope.addHook('onRequest', guardFor(own));
          for (const route of nested) addRoute(scope, route);
        },
        { prefix },
      );
    }
    if (receivers) {
      for (const prefix of ['/backchannel-logout', '/parsed/backchannel-logout'])
        await app.register(app.guard.backchannelLogout(receivers.backchannelLogout), { prefix });
      await app.register(app.guard.sharedSignals(receivers.sharedSignals), { prefix: '/events' });
    }
    if (asksForBodies) app.server.on('checkContinue', app.routing);
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
