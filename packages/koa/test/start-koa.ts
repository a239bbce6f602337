import { bodyParser } from '@koa/bodyparser';
import { Router } from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Http2SecureServer, Http2Server, Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createGuard, getAuth, type Auth, type AuthState, type Deny, type KoaGuard, type KoaMiddleware } from '@tokenward/koa';
import { middlewareOf } from './odd-ways.js';
import type { HandlerInput, OnDeniedAnswer, RunningApp, StartApp, SuiteGuard } from '@tokenward/testing/adapter-suite';

type AnyServer = Server | Http2Server | Http2SecureServer;

/** Starts the suite's apps on Koa, with the router and body parser that most of its users have. */
export function startOn(serve: (app: Koa) => AnyServer = (app) => createServer(handlerOf(app))): StartApp {
  return async ({ options, routes, property, secondApi, appGuards = [], onDenied, onRefused, receivers }) => {
    const app = new Koa();
    app.silent = true;
    const guard = createGuard({
      ...options,
      ...(property !== undefined && { property }),
      ...(onDenied && {
        onDenied(decision, context) {
          const send = (answer: OnDeniedAnswer): Deny | undefined => {
            if ('outcome' in answer) return answer;
            Object.assign(context, answer);
            return undefined;
          };
          const answer = onDenied(decision);
          return answer instanceof Promise ? answer.then(send) : send(answer);
        },
      }),
      ...(onRefused && { onRefused: (decision: Deny, { path }: { readonly path: string }) => onRefused(decision, path) }),
    });
    const second = secondApi && createGuard(secondApi);
    const guardFor = ({ api, access, policies }: SuiteGuard): Middleware => {
      const of = api === 'first' ? guard : second!;
      return access === 'optional' ? of.optional(...policies) : of(...policies);
    };
    for (const appGuard of appGuards) app.use(guardFor(appGuard));
    const router = new Router();
    const asking = (context: Context): Pick<HandlerInput, 'getAuth' | 'ofGuard'> => ({
      getAuth: (optional) => getAuth(context, optional),
      ofGuard: (optional) => guard.getAuth(context, optional),
    });
    const guards = new Map<string, KoaMiddleware<AuthState>>();
    for (const { method, path, access, policies, guards: several, answer, way, guardOf } of routes) {
      const own = guards.get(guardOf ?? '') ?? guard(...policies);
      guards.set(path, own);
      if (way) {
        const handle = (context: Context): void => void Object.assign(context, answer({ auth: undefined, ...asking(context), params: {}, body: undefined }));
        router.register(path, [method, 'OPTIONS'], middlewareOf(way, own, handle) as never);
        continue;
      }
      const stack = several ? several.map(guardFor) : access === 'public' ? [] : [access === 'optional' ? guard.optional(...policies) : own];
      const handler = (context: Context): Promise<void> | void => {
        const { status, body, stream, refusal } = answer({
          auth: access === 'public' ? undefined : several ? getAuth(context, 'optional') : authBy(context, property),
          params: context['params'] as Record<string, string>,
          body: (context.request as { body?: unknown }).body,
          ...asking(context),
          permit: (auth, policy) => guard.permit(auth, policy, context),
          properties: propertiesOf(context, property, secondApi?.property),
        });
        if (refusal) return guard.refuse(refusal, context);
        context.status = status;
        if (stream) context.type = 'text/event-stream';
        if (stream || body !== undefined) context.body = stream ?? body;
      };
      router.register(path, [method], [...(stack as []), bodyParser() as never, handler as never]);
    }
    if (receivers) {
      router.post('/backchannel-logout', guard.backchannelLogout(receivers.backchannelLogout) as never);
      router.post('/parsed/backchannel-logout', bodyParser() as never, guard.backchannelLogout(receivers.backchannelLogout) as never);
      router.post('/events', guard.sharedSignals(receivers.sharedSignals) as never);
    }
    app.use(router.routes() as never).use(router.allowedMethods() as never);
    return listen(app, guard, serve(app));
  };
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
