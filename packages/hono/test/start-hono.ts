import type { Server } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { createAdaptorServer } from '@hono/node-server';
import { Hono, type Context, type Handler, type MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { createGuard, getAuth, type Auth, type Deny, type HonoGuard, type HonoMiddleware } from '@tokenward/hono';
import type { RoutePolicy } from '@tokenward/core/adapter';
import type { HandlerAnswer, HandlerInput, OnDeniedAnswer, RunningApp, StartApp, SuiteGuard, SuiteRoute, SuiteTls } from '@tokenward/testing/adapter-suite';
import { middlewareOf } from './odd-ways.js';

/** Starts the suite's apps on Hono, on Node's own server. */
export const startHono: StartApp = async (setup) => {
  const { options, routes, property, secondApi, appGuards = [], onDenied, onRefused, receivers, mounts = [], cors: corsPlace } = setup;
  const app = new Hono();
  app.onError((error, c) => ('getResponse' in error ? (error as { getResponse(): Response }).getResponse() : c.text('broken', 500)));
  const guard = createGuard({
    ...options,
    ...(property !== undefined && { property }),
    ...(onDenied && {
      onDenied(decision: Deny, c: Context) {
        const send = (answer: OnDeniedAnswer): Response | Deny => {
          if ('outcome' in answer) return answer;
          if (!answer.withHeadersOf) return responseFrom(answer);
          for (const cookie of answer.cookies ?? []) c.header('set-cookie', cookie, { append: true });
          return c.json(answer.body as object, answer.status as 403, answer.withHeadersOf.headers);
        };
        const answer = onDenied(decision);
        return answer instanceof Promise ? answer.then(send) : send(answer);
      },
    }),
    ...(onRefused && { onRefused: (decision: Deny, { req }: Context) => onRefused(decision, req.path) }),
  });
  const second = secondApi && createGuard(secondApi);
  const guardFor = ({ api, access, policies }: SuiteGuard, mode: 'app' | 'route'): MiddlewareHandler => {
    const of = api === 'first' ? guard : second!;
    return access === 'optional' ? of.optional(...policies) : mode === 'app' ? of.inFront(...policies) : of(...policies);
  };
  // policies of the suite read the parameters there
  app.use((c, next) => {
    Object.defineProperty(c, 'params', { get: () => c.req.param() });
    return next();
  });
  const answerCors = cors({ origin: 'https://app.example.test', exposeHeaders: ['www-authenticate', 'dpop-nonce'] });
  if (corsPlace === 'before') app.use(answerCors);
  if (setup.metadata === 'before') app.use(guard.metadata());
  for (const appGuard of appGuards) app.use(guardFor(appGuard, 'app'));
  if (corsPlace === 'after') app.use(answerCors);
  if (setup.metadata === 'after') app.use(guard.metadata());

  const guards = new Map<string, HonoMiddleware>();
  function addRoute(to: Hono, route: SuiteRoute): void {
    const { method, path, access, guards: several, answer, way, guardOf } = route;
    const policies = route.policies as readonly RoutePolicy<Context>[];
    const own = guards.get(guardOf ?? '') ?? guard(...policies);
    guards.set(path, own);
    const handler: Handler = async (c) => {
      const given = answer({
        auth: access === 'public' || way ? undefined : several ? getAuth(c, 'optional') : authBy(c, property),
        params: c.req.param() as Record<string, string>,
        body: c.req.header('content-type') === 'application/json' ? await c.req.json() : undefined,
        getAuth: (optional) => getAuth(c, optional),
        ofGuard: (optional) => guard.getAuth(c, optional),
        permit: (auth, policy) => guard.permit(auth, policy, c),
        properties: { first: c.get(property ?? 'auth') as Auth | undefined, second: c.get(secondApi?.property ?? 'none') as Auth | undefined },
      } satisfies HandlerInput);
      if (given.refusal) return guard.refuse(given.refusal, c);
      for (const cookie of given.cookies ?? []) c.header('set-cookie', cookie, { append: true });
      const { status, headers = {}, body, stream } = given;
      if (stream) return c.body(Readable.toWeb(stream) as ReadableStream, status as never, { ...headers, 'content-type': 'text/event-stream' });
      return body === undefined ? c.body(null, status as never, headers) : c.json(body, status as never, headers);
    };
    const stack = way
      ? middlewareOf(way, own, handler)
      : [
          ...(several ? several.map((one) => guardFor(one, 'route')) : access === 'public' ? [] : [access === 'optional' ? guard.optional(...policies) : own]),
          handler,
        ];
    to.on(method === 'ALL' ? ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'] : way ? [method, 'OPTIONS'] : [method], [path], ...(stack as [Handler]));
  }

  for (const route of routes) addRoute(app, route);
  for (const { prefix, guard: own, routes: nested } of mounts) {
    const inner = new Hono();
    if (own) inner.use(guardFor(own, 'app'));
    for (const route of nested) addRoute(inner, route);
    app.route(prefix, inner);
  }
  if (receivers) {
    app.post('/backchannel-logout', guard.backchannelLogout(receivers.backchannelLogout));
    app.post('/parsed/backchannel-logout', parseFirst, guard.backchannelLogout(receivers.backchannelLogout));
    app.post('/events', guard.sharedSignals(receivers.sharedSignals));
  }
  return listen(app, guard, setup.tls);
};

const parseFirst: MiddlewareHandler = async (c, next) => {
  await c.req.parseBody();
  await next();
};

/** Reads the Auth in both ways that a handler has. They must agree. */
function authBy(c: Context, property = 'auth'): Auth | undefined {
  const auth = getAuth(c, 'optional');
  if (c.get(property) !== auth) throw new Error(`c.get('${property}') and getAuth differ`);
  return auth;
}

function responseFrom({ status, body, headers = {}, cookies = [] }: HandlerAnswer): Response {
  const fields = new Headers({ 'content-type': 'application/json', ...headers });
  for (const cookie of cookies) fields.append('set-cookie', cookie);
  return new Response(body === undefined ? null : JSON.stringify(body), { status, headers: fields });
}

async function listen(app: Hono, guard: HonoGuard, tls?: SuiteTls): Promise<RunningApp> {
  const server = createAdaptorServer({ fetch: app.fetch, ...(tls && { createServer, serverOptions: { ...tls } }) }) as Server;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));

  async function shutDown(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    await guard.close();
    await closed;
  }

  return {
    origin: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    guard: guard as RunningApp['guard'],
    server,
    shutDown,
    close() {
      for (const socket of sockets) socket.destroy();
      return shutDown();
    },
  };
}
