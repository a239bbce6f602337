import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import {
  createGuard,
  getAuth,
  toHeaders,
  type Auth,
  type Deny,
  type RequestEvent,
  type FetchGuard,
  type FetchGuardOptions,
  type Guarding,
} from '@tokenward/fetch';
import type { RoutePolicy } from '@tokenward/core/adapter';
import type { HandlerAnswer, HandlerInput, OnDeniedAnswer, RunningApp, StartApp, SuiteGuard, SuiteRoute } from '@tokenward/testing/adapter-suite';
import { listenerFor } from './bridge.js';
import { handlerOf, type Handler } from './ways.js';

/** `await guard(request)`: returns the response to a refusal, if there is one. */
type Step = (event: RequestEvent) => Promise<Response | undefined>;

/** Starts the suite's apps on Fetch handlers with a minimal router, which passes `{ request, params }` as frameworks do. */
export const startFetch: StartApp = async ({ options, routes, secondApi, appGuards = [], onDenied, onRefused, receivers, metadata, tls }) => {
  const guard = createGuard({
    ...options,
    ...(onDenied && { onDenied: onDeniedOf(onDenied) }),
    ...(onRefused && { onRefused: (decision: Deny, { url }: Request) => onRefused(decision, new URL(url).pathname) }),
  });
  const { property: _none, ...secondOptions } = secondApi ?? { property: '' };
  const second = secondApi && createGuard(secondOptions);

  const stepOf = ({ api, access, policies }: SuiteGuard, mode: 'app' | 'route'): Step => {
    const of = api === 'first' ? guard : second!;
    const guarding: Guarding<Auth | undefined> = access === 'optional' ? of.optional : mode === 'app' ? of.inFront : of;
    return async (event) => (await guarding(event, ...policies)).response;
  };

  const byPath = new Map<string, Handler>();
  const handlers = routes.map((route): readonly [SuiteRoute, Handler] => {
    const { path, access, guards, way, guardOf } = route;
    const policies = route.policies as readonly RoutePolicy<RequestEvent>[];
    const run = runHandler(route);
    const usual: Handler =
      access === 'public' || guards ? run : access === 'optional' ? guard.optional.protect(run, ...policies) : guard.protect(run, ...policies);
    byPath.set(path, usual);
    const guarded = way
      ? handlerOf(way, { guard, policies: guardOf ? routes.find((one) => one.path === guardOf)!.policies : route.policies, handle: run })
      : usual;
    const steps = guards?.map((one) => stepOf(one, 'route')) ?? [];
    return [route, async (event) => (await firstOf(steps, event)) ?? guarded(event)];
  });

  function runHandler({ access, answer, guards }: SuiteRoute): Handler {
    return async (event) => {
      const { request, params = {} } = event;
      const auth = access === 'public' && !guards ? undefined : authOf(event, request);
      const given = answer({
        auth,
        params: params as Record<string, string>,
        body: request.headers.get('content-type') === 'application/json' ? await request.json() : undefined,
        getAuth: (optional) => getAuth(request, optional),
        ofGuard: (optional) => guard.getAuth(event, optional),
        permit: (permitted, policy) => guard.permit(permitted, policy, event),
        properties: guards && { first: found(guard, event), second: second && found(second, event) },
      } satisfies HandlerInput);
      return given.refusal ? guard.refuse(given.refusal, request) : responseFrom(given);
    };
  }

  const guardsInFront = appGuards.map((one) => stepOf(one, 'app'));
  const serveMetadata = metadata && guard.metadata();
  const received = new Map<string, (event: RequestEvent) => Promise<Response>>();
  if (receivers) {
    const logout = guard.backchannelLogout(receivers.backchannelLogout);
    for (const path of ['/backchannel-logout', '/parsed/backchannel-logout']) received.set(path, logout);
    received.set('/events', guard.sharedSignals(receivers.sharedSignals));
  }

  async function answerTo(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const receive = received.get(pathname);
    if (receive) return receive({ request });
    if (metadata === 'before') {
      const answer = serveMetadata!(request);
      if (answer) return answer;
    }
    const refused = await firstOf(guardsInFront, { request });
    if (refused) return refused;
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const handler = handlers.find(([route]) => matches(route, pathname) && (route.method === method || route.method === 'ALL'));
    const served = serveMetadata?.(request);
    if (served) return served;
    if (!handler) return new Response(null, { status: handlers.some(([route]) => matches(route, pathname)) ? 405 : 404 });
    return handler[1]({ request, params: paramsOf(handler[0], pathname) });
  }

  const listener = listenerFor(async (request) => {
    const answer = await answerTo(request).catch(() => new Response(null, { status: 500 }));
    const whole = guard.respond(request, answer);
    return request.method === 'HEAD' ? new Response(null, whole) : whole;
  });
  const server = tls ? createSecureServer({ ...tls }, listener) : createServer(listener);
  return listen(server, tls ? 'https' : 'http', guard, async () => {
    await guard.close();
    await second?.close();
  });
};

function authOf(event: RequestEvent, request: Request): Auth | undefined {
  const auth = getAuth(event, 'optional');
  if (getAuth(request, 'optional') !== auth) throw new Error('the event and its request differ');
  return auth;
}

function found(guard: FetchGuard, event: RequestEvent): Auth | undefined {
  try {
    return guard.getAuth(event);
  } catch {
    return undefined;
  }
}

function onDeniedOf(onDenied: NonNullable<Parameters<StartApp>[0]['onDenied']>): NonNullable<FetchGuardOptions['onDenied']> {
  const send = (answer: OnDeniedAnswer): Response | Deny => ('outcome' in answer ? answer : responseFrom(answer, answer.withHeadersOf));
  return (decision) => {
    const answer = onDenied(decision);
    return answer instanceof Promise ? answer.then(send) : send(answer);
  };
}

function responseFrom({ status, body, stream, headers = {}, cookies = [] }: HandlerAnswer, decision?: Deny): Response {
  const fields = decision ? toHeaders(decision.headers) : new Headers(headers);
  for (const cookie of cookies) fields.append('set-cookie', cookie);
  if (stream) {
    fields.set('content-type', 'text/event-stream');
    return new Response(Readable.toWeb(stream) as ReadableStream, { status, headers: fields });
  }
  if (body === undefined) return new Response(null, { status, headers: fields });
  fields.set('content-type', 'application/json');
  return new Response(JSON.stringify(body), { status, headers: fields });
}

async function firstOf(steps: readonly Step[], event: RequestEvent): Promise<Response | undefined> {
  for (const step of steps) {
    const response = await step(event);
    if (response) return response;
  }
  return undefined;
}

function matches({ path }: SuiteRoute, asked: string): boolean {
  const pattern = path.split('/');
  const parts = asked.split('/');
  return pattern.length === parts.length && pattern.every((part, index) => part.startsWith(':') || part === parts[index]);
}

function paramsOf({ path }: SuiteRoute, asked: string): Record<string, string> {
  const parts = asked.split('/');
  return Object.fromEntries(path.split('/').flatMap((part, index) => (part.startsWith(':') ? [[part.slice(1), decodeURIComponent(parts[index]!)]] : [])));
}

async function listen(server: Server, scheme: 'http' | 'https', guard: FetchGuard, close: () => Promise<void>): Promise<RunningApp> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));

  async function shutDown(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    await close();
    await closed;
  }

  return {
    origin: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    guard,
    server,
    shutDown,
    close() {
      for (const socket of sockets) socket.destroy();
      return shutDown();
    },
  };
}
