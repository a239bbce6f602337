import { bodyParser } from '@koa/bodyparser';
import cors from '@koa/cors';
import { Router, type RouterOptions } from '@koa/router';
import Koa, { type Context, type Middleware, type Next } from 'koa';
import mount from 'koa-mount';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Http2SecureServer, Http2Server, Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createGuard, getAuth, type Auth, type AuthState, type Deny, type KoaGuard, type KoaMiddleware } from '@tokenward/koa';
import { onDeniedOf } from './odd-denials.js';
import { middlewareOf } from './odd-ways.js';
import type { HandlerInput, OnDeniedAnswer, RunningApp, StartApp, SuiteGuard, SuiteRoute, SuiteRouter, SuiteTls } from '@tokenward/testing/adapter-suite';

type AnyServer = Server | Http2Server | Http2SecureServer;

const ROUTERS: Readonly<Record<string, RouterOptions>> = {
  "@koa/router's own settings": {},
  'a case-sensitive router': { sensitive: true },
  'a strict router': { strict: true },
  'a case-sensitive and strict router': { sensitive: true, strict: true },
};

export const routers: readonly SuiteRouter[] = Object.entries(ROUTERS).map(([name, { sensitive, strict }]) => ({
  name,
  alsoMatches: [...(sensitive ? [] : ['/ADMIN']), ...(strict ? [] : ['/admin/'])],
}));

/** Starts the suite's apps on Koa, with the router and body parser that most of its users have. */
export function startOn(
  serve: (app: Koa, tls?: SuiteTls) => AnyServer = (app, tls) => (tls ? createTlsServer({ ...tls }, handlerOf(app)) : createServer(handlerOf(app))),
): StartApp {
  return async (setup) => {
    const { options, routes, property, secondApi, appGuards = [], onDenied, denial, onRefused, receivers, mounts = [], cors: corsPlace, asksForBodies } = setup;
    const ownOnDenied = denial === undefined ? undefined : onDeniedOf(denial);
    const app = new Koa();
    app.silent = true;
    app.proxy = setup.trustsProxies === true;
    const guard = createGuard({
      ...options,
      ...(property !== undefined && { property }),
      ...(onDenied && {
        onDenied(decision, context) {
          const send = (answer: OnDeniedAnswer): Deny | undefined => {
            if ('outcome' in answer) return answer;
            for (const cookie of answer.cookies ?? []) context.append('set-cookie', cookie);
            if (answer.withHeadersOf) context.set(answer.withHeadersOf.headers);
            Object.assign(context, { status: answer.status, body: answer.body });
            return undefined;
          };
          const answer = onDenied(decision);
          return answer instanceof Promise ? answer.then(send) : send(answer);
        },
      }),
      ...(ownOnDenied && { onDenied: ownOnDenied }),
      ...(onRefused && { onRefused: (decision: Deny, { path }: { readonly path: string }) => onRefused(decision, path) }),
    });
    const second = secondApi && createGuard(secondApi);
    const guardFor = ({ api, access, policies }: SuiteGuard): Middleware => {
      const of = api === 'first' ? guard : second!;
      return access === 'optional' ? of.optional(...policies) : of(...policies);
    };
    const answerCors = cors({ origin: 'https://app.example.test', exposeHeaders: 'www-authenticate,dpop-nonce' });
    if (corsPlace === 'before') app.use(answerCors);
    if (setup.metadata === 'before') app.use(guard.metadata());
    for (const appGuard of appGuards) app.use(guardFor(appGuard));
    if (corsPlace === 'after') app.use(answerCors);
    if (setup.metadata === 'after') app.use(guard.metadata());
    const routing = ROUTERS[setup.router ?? ''] ?? {};
    const asking = (context: Context): Pick<HandlerInput, 'getAuth' | 'ofGuard'> => ({
      getAuth: (optional) => getAuth(context, optional),
      ofGuard: (optional) => guard.getAuth(context, optional),
    });
    const guards = new Map<string, KoaMiddleware<AuthState>>();
    function addRoute(router: Router, { method, path, access, policies, guards: several, answer, way, guardOf, refuses, ended }: SuiteRoute): void {
      const own = guards.get(guardOf ?? '') ?? guard(...policies);
      guards.set(path, own);
      if (way) {
        const handle = (context: Context): void => {
          const { status, headers = {}, body } = answer({ auth: undefined, ...asking(context), params: {}, body: undefined });
          context.set(headers);
          Object.assign(context, { status, body });
        };
        router.register(path, [method, 'OPTIONS'], middlewareOf(way, own, handle) as never);
        return;
      }
      const stack = several ? several.map(guardFor) : access === 'public' ? [] : [access === 'optional' ? guard.optional(...policies) : own];
      const handler = (context: Context): Promise<void> | void => {
        const {
          status,
          headers = {},
          body,
          stream,
          refusal,
          cookies = [],
        } = answer({
          auth: access === 'public' ? undefined : several ? getAuth(context, 'optional') : authBy(context, property),
          params: context['params'] as Record<string, string>,
          body: (context.request as { body?: unknown }).body,
          ...asking(context),
          permit: (auth, policy) => guard.permit(auth, policy, context),
          properties: propertiesOf(context, property, secondApi?.property),
        });
        for (const cookie of cookies) context.append('set-cookie', cookie);
        if (refusal) return guard.refuse(refusal, context);
        context.set(headers);
        context.status = status;
        if (stream) context.type = 'text/event-stream';
        if (stream || body !== undefined) context.body = stream ?? body;
      };
      if (refuses) {
        router.get(path, async (context) => {
          try {
            const decision = await guard.check(context, ...(policies as []));
            const refused = decision.outcome === 'deny' ? guard.refuse(decision, context) : undefined;
            if (refused && refuses === 'awaited') return await refused;
            if (refuses === 'not awaited, and answered later') await new Promise((resolve) => setTimeout(resolve, 20));
            await handler(context);
          } finally {
            ended?.(context.res.headersSent);
          }
        });
        return;
      }
      const methods = method === 'ALL' ? ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'] : [method];
      router.register(path, methods, [...stack, ...(asksForBodies ? [askForBody] : []), bodyParser(), handler] as never);
    }

    const router = new Router(routing);
    for (const route of routes) addRoute(router, route);
    for (const { prefix, as, guard: own, routes: nested } of mounts) {
      // with a guard in front of it, @koa/router compares paths with the case only if it is told so
      const inner = new Router(own && as === 'router' ? { ...routing, sensitive: true } : routing);
      if (own && as === 'router') inner.use(guardFor(own) as never);
      for (const route of nested) addRoute(inner, route);
      if (as === 'router') router.use(prefix, inner.routes(), inner.allowedMethods());
      else app.use(mount(prefix, new Koa().use(guardFor(own!)).use(inner.routes() as never)));
    }
    if (receivers) {
      router.post('/backchannel-logout', guard.backchannelLogout(receivers.backchannelLogout) as never);
      router.post('/parsed/backchannel-logout', bodyParser() as never, guard.backchannelLogout(receivers.backchannelLogout) as never);
      router.post('/events', guard.sharedSignals(receivers.sharedSignals) as never);
    }
    app.use(router.routes() as never).use(router.allowedMethods() as never);
    const running = await listen(app, guard, serve(app, setup.tls));
    if (asksForBodies) running.server.on('checkContinue', handlerOf(app));
    return running;
  };
}

function askForBody(context: Context, next: Next): Promise<unknown> {
  context.res.writeContinue();
  return next();
}

function propertiesOf(context: Context, first = 'auth', second = ''): HandlerInput['properties'] {
  const properties = context.state as Record<string, Auth | undefined>;
  return { first: properties[first], second: properties[second] };
}

/** Reads the Auth in both ways that a handler has. They must agree. */
function authBy(context: Context, property = 'auth'): Auth | undefined {
  const auth = getAuth(context, 'optional');
  if ((context.state as Record<string, unknown>)[property] !== auth) throw new Error(`ctx.state.${property} and getAuth differ`);
  return auth;
}

export async function listen(app: Koa, guard: KoaGuard, server: AnyServer = createServer(handlerOf(app))): Promise<RunningApp> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  return {
    origin: `${'setSecureContext' in server ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    guard: guard as RunningApp['guard'],
    server,
    shutDown,
    close() {
      for (const socket of sockets) socket.destroy();
      return shutDown();
    },
  };

  async function shutDown(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    await guard.close();
    await closed;
  }
}

/** Koa's callback returns a promise, which Node's servers do not expect. */
export function handlerOf(app: Koa) {
  const handle = app.callback();
  return (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse): void => void handle(request, response);
}
