import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json, text } from 'node:stream/consumers';
import type { Auth, Decision, Deny, MessageReceiver } from '@tokenward/core';
import {
  addCookies,
  applyHeaders,
  assertHasHeaders,
  authOf,
  createNativeGuard,
  isAnswered,
  receiveInto,
  sendDenial,
  serveMetadata,
  viewOf,
  withoutCookies,
  type NativeGuard,
  type RoutePolicy,
} from '@tokenward/core/adapter';
import type { HandlerAnswer, StartApp, SuiteRoute } from '@tokenward/testing/adapter-suite';

/** Faults of an adapter that the suite must notice. */
export interface Faults {
  /** Reads `headers`, where Node keeps only the first of two Authorization lines. */
  readonly joinedHeaders?: boolean;
  readonly policiesForgotten?: boolean;
  readonly goesOnAfterRefusal?: boolean;
  readonly wrongTokenIsAnonymous?: boolean;
  readonly headersDropped?: boolean;
  readonly bodyDropped?: boolean;
  readonly matchesCarelessly?: boolean;
  readonly readsForwardedUser?: boolean;
  readonly readsCookie?: boolean;
  readonly readsForwardedHost?: boolean;
  readonly readsBodyFirst?: boolean;
  readonly servesTheDeparted?: boolean;
  readonly anonymousWithoutGuard?: boolean;
  readonly passesEveryPreflight?: boolean;
  readonly cookiesDropped?: boolean;
  readonly cookiesShown?: boolean;
  readonly refusesMetadata?: boolean;
}

/** Starts apps on a minimal adapter over node:http, which tests the suite itself, with and without faults. */
export function startPlain(faults: Faults = {}): StartApp {
  return async ({ options, routes, property, secondApi, appGuards = [], onDenied, onRefused, receivers, metadata, tls }) => {
    const protocol = tls ? 'https' : 'http';
    const view = (request: IncomingMessage) => {
      assertHasHeaders(request, 'guard.check(request, ...policies)');
      const { method, url, headers } = request;
      const host = faults.readsForwardedHost ? headers['x-forwarded-host'] : headers.host;
      const token = faults.readsCookie ? headers.cookie?.split('=')[1] : undefined;
      const raw = token
        ? { headers: { ...headers, authorization: `Bearer ${token}` }, rawHeaders: [] }
        : faults.joinedHeaders
          ? { headers, rawHeaders: [] }
          : request;
      const params = url === undefined ? {} : paramsOf(routes, url);
      return viewOf({ method: method ?? 'GET', originalUrl: url ?? '/', protocol, params }, raw, () => host as string | undefined);
    };
    const first: Guard = createNativeGuard(
      {
        ...options,
        property,
        ...(onRefused && { onRefused: (decision: Deny, { url }: IncomingMessage) => onRefused(decision, url ?? '') }),
        ...(onDenied && {
          async onDenied(decision, _request, response) {
            const answer = await onDenied(decision);
            if ('outcome' in answer) return answer;
            for (const cookie of answer.cookies ?? []) response.appendHeader('set-cookie', cookie);
            for (const [name, value] of Object.entries(answer.withHeadersOf?.headers ?? {})) response.setHeader(name, value);
            send(response, { ...answer, cookies: [] });
            return undefined;
          },
        }),
      },
      view,
    );
    const second: Guard | undefined = secondApi && createNativeGuard(secondApi, view);
    const requirements = (guard: Guard, access: 'required' | 'optional', policies: SuiteRoute['policies']) =>
      guard.requirementsFor(access, (faults.policiesForgotten ? [] : policies) as readonly RoutePolicy<IncomingMessage>[]);
    const guarded = routes.map((route) => {
      const own = route.access === 'public' ? [] : [{ api: 'first', access: route.access, policies: route.policies } as const];
      const guards = [...appGuards, ...(route.guards ?? own)];
      return {
        route,
        guards: guards.map(({ api, access, policies }) => {
          const guard = api === 'first' ? first : second!;
          return { guard, access, needs: requirements(guard, access, policies) };
        }),
      };
    });

    const endpoint = metadata && first.metadata();

    const { backchannelLogout, sharedSignals, ...methods } = first.methods((receive: MessageReceiver) => receive);
    const received = new Map<string, MessageReceiver>();
    if (receivers) {
      const logout = backchannelLogout(receivers.backchannelLogout);
      for (const path of ['/backchannel-logout', '/parsed/backchannel-logout']) received.set(path, logout);
      received.set('/events', sharedSignals(receivers.sharedSignals));
    }

    async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const path = faults.matchesCarelessly ? decodeURIComponent(request.url!.split('?')[0]!).toLowerCase() : request.url!.split('?')[0]!;
      const method = request.method === 'HEAD' ? 'GET' : request.method;
      const receive = request.method === 'POST' ? received.get(path) : undefined;
      if (receive) return receiveInto(request, response, undefined, receive);
      if (endpoint && !faults.refusesMetadata && serveMetadata(request, response, endpoint)) return;
      const found = guarded.find(({ route }) => matches(route, path) && (route.method === method || route.method === 'ALL' || method === 'OPTIONS'));
      if (!found) return void send(response, { status: 404 });
      if (faults.matchesCarelessly && path !== request.url!.split('?')[0]) return runHandler(found.route, request, response);
      for (const { guard, access, needs } of found.guards) {
        if (faults.readsForwardedUser && request.headers['x-forwarded-user']) break;
        if (faults.readsBodyFirst) await text(request);
        let decision = await guard.decide(
          request,
          needs(
            Object.assign(request, { params: paramsOf(routes, request.url!) }),
            found.route.method === 'ALL' && !faults.passesEveryPreflight ? 'refuse' : 'pass',
          ),
        );
        if (isAnswered(response) && !faults.servesTheDeparted) return;
        if (faults.wrongTokenIsAnonymous && access === 'optional' && decision.outcome === 'deny')
          decision = { outcome: 'allow', auth: undefined, headers: {} } as Decision;
        if (decision.outcome === 'deny') {
          await refuse(decision, request, response);
          if (!faults.goesOnAfterRefusal) return;
        } else if (!faults.cookiesDropped) applyHeaders(response, decision.headers);
      }
      if (method === 'OPTIONS') return void send(response, { status: 204 });
      return runHandler(found.route, request, response);
    }

    async function refuse(decision: Deny, request: IncomingMessage, response: ServerResponse): Promise<void> {
      first.refused(decision, request);
      if (!faults.cookiesDropped) addCookies(response, decision.headers);
      const answered = first.onDenied ? await first.onDenied(faults.cookiesShown ? decision : withoutCookies(decision), request, response) : decision;
      if (!answered) return;
      if (faults.headersDropped) response.writeHead(decision.status).end(JSON.stringify(decision.body));
      else if (faults.bodyDropped) response.writeHead(decision.status, decision.headers).end();
      else sendDenial(response, decision);
    }

    async function runHandler(route: SuiteRoute, request: IncomingMessage, response: ServerResponse): Promise<void> {
      const auth = route.access === 'public' ? undefined : authIfKnown(request);
      const body = request.headers['content-type'] === 'application/json' ? await json(request) : undefined;
      const properties = request as unknown as Record<string, Auth | undefined>;
      const given = route.answer({
        auth,
        params: {},
        body,
        getAuth: (optional) => (faults.anonymousWithoutGuard ? authIfKnown(request) : authOf(request, optional)),
        ofGuard: (optional) => methods.getAuth(request, optional),
        permit: (permitted, policy) => methods.permit(permitted, policy, request),
        properties: { first: properties[property ?? 'auth'], second: properties[secondApi?.property ?? ''] },
      });
      if (given.refusal) await refuse(given.refusal, request, response);
      else send(response, given);
    }

    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      answer(request, response).catch(() => void send(response, { status: 500 }));
    };
    const server = tls ? createSecureServer({ ...tls }, listener) : createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

    async function shutDown(): Promise<void> {
      const closed = new Promise((resolve) => server.close(resolve));
      await first.close();
      await second?.close();
      await closed;
    }

    return {
      origin: `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}`,
      guard: { ...methods, check: (request: IncomingMessage, ...policies: RoutePolicy<IncomingMessage>[]) => first.check(request, policies) },
      server,
      shutDown,
      close() {
        server.closeAllConnections();
        return shutDown();
      },
    };
  };
}

type Guard = NativeGuard<IncomingMessage, [IncomingMessage, ServerResponse]>;

function paramsOf(routes: readonly SuiteRoute[], url: string): Record<string, string> {
  const parts = url.split('?')[0]!.split('/');
  const pattern = routes.find((route) => matches(route, parts.join('/')))?.path.split('/') ?? [];
  return Object.fromEntries(pattern.flatMap((part, index) => (part.startsWith(':') ? [[part.slice(1), decodeURIComponent(parts[index]!)]] : [])));
}

function matches({ path }: SuiteRoute, asked: string): boolean {
  const pattern = path.split('/');
  const parts = asked.split('/');
  return pattern.length === parts.length && pattern.every((part, index) => part.startsWith(':') || part === parts[index]);
}

/** A broken adapter may run a handler though no guard has authenticated the request. */
function authIfKnown(request: IncomingMessage): Auth | undefined {
  try {
    return authOf(request, 'optional');
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, { status, body, stream, headers = {}, cookies = [] }: HandlerAnswer): void {
  if (response.writableEnded) return;
  for (const cookie of cookies) response.appendHeader('set-cookie', cookie);
  if (stream) return void stream.pipe(response.writeHead(status, { 'content-type': 'text/event-stream', ...headers }));
  if (!response.headersSent) response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
