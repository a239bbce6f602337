import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json, text } from 'node:stream/consumers';
import type { Auth, Decision, Deny, MessageReceiver } from '@tokenward/core';
import { requirementsOf, authOf, createNativeGuard, isAnswered, receiveInto, sendDenial, viewOf } from '@tokenward/core/adapter';
import type { HandlerAnswer, HandlerInput, StartApp, SuiteRoute } from '@tokenward/testing/adapter-suite';

/** Ways to write an adapter wrongly, which the suite must notice. */
export interface Faults {
  /** Node keeps the first of two Authorization lines there. */
  readonly joinedHeaders?: boolean;
  readonly policiesForgotten?: boolean;
  readonly goesOnAfterRefusal?: boolean;
  readonly wrongTokenIsAnonymous?: boolean;
  readonly headersDropped?: boolean;
  readonly bodyDropped?: boolean;
  readonly matchesCarelessly?: boolean;
  readonly readsForwardedUser?: boolean;
  readonly readsForwardedHost?: boolean;
  readonly readsBodyFirst?: boolean;
  readonly servesTheDeparted?: boolean;
  readonly anonymousWithoutGuard?: boolean;
}

/** The smallest adapter that there can be, over node:http: a second opinion on the suite, and something to break. */
export function startPlain(faults: Faults = {}): StartApp {
  return async ({ options, routes, property, onDenied, receivers }) => {
    const guard = createNativeGuard<IncomingMessage, [IncomingMessage, ServerResponse]>(
      { ...options, property, ...(onDenied && { onDenied: async (decision, _request, response) => send(response, await onDenied(decision)) }) },
      (request) => {
        const { method, url, headers } = request;
        const host = faults.readsForwardedHost ? headers['x-forwarded-host'] : headers.host;
        const raw = faults.joinedHeaders ? { headers, rawHeaders: [] } : request;
        return viewOf({ method: method!, originalUrl: url!, protocol: 'http', params: paramsOf(routes, url!) }, raw, () => host as string | undefined);
      },
    );
    const guarded = routes.map((route) => ({
      route,
      access: route.access === 'public' ? undefined : requirementsOf(route.access, faults.policiesForgotten ? [] : route.policies, 'pass'),
    }));

    const { getAuth } = guard.methods(() => undefined);
    const asking = (request: IncomingMessage): Asking => ({
      getAuth: (optional) => (faults.anonymousWithoutGuard ? authWhereKnown(request) : authOf(request, optional)),
      ofGuard: (optional) => getAuth(request, optional),
    });
    const { backchannelLogout, sharedSignals } = guard.methods((receive: MessageReceiver) => receive);
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
      const found = guarded.find(({ route }) => matches(route, path) && (route.method === method || method === 'OPTIONS'));
      if (!found) return void send(response, { status: 404 });
      if (found.access && !(faults.readsForwardedUser && request.headers['x-forwarded-user'])) {
        if (faults.matchesCarelessly && path !== request.url!.split('?')[0]) return runHandler(found.route, request, response, asking(request));
        if (faults.readsBodyFirst) await text(request);
        let decision = await guard.decide(request, found.access);
        if (isAnswered(response) && !faults.servesTheDeparted) return;
        if (faults.wrongTokenIsAnonymous && found.access.credentials === 'optional' && decision.outcome === 'deny')
          decision = { outcome: 'allow', auth: undefined, headers: {} } as Decision;
        if (decision.outcome === 'deny') {
          await refuse(decision, request, response);
          if (!faults.goesOnAfterRefusal) return;
        }
      }
      if (method === 'OPTIONS') return void send(response, { status: 204 });
      return runHandler(found.route, request, response, asking(request));
    }

    async function refuse(decision: Deny, request: IncomingMessage, response: ServerResponse): Promise<void> {
      if (guard.onDenied) await guard.onDenied(decision, request, response);
      else if (faults.headersDropped) response.writeHead(decision.status).end(JSON.stringify(decision.body));
      else if (faults.bodyDropped) response.writeHead(decision.status, decision.headers).end();
      else sendDenial(response, decision);
    }

    const server = createServer((request, response) => {
      answer(request, response).catch(() => void send(response, { status: 500 }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      async close() {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
        await guard.close();
      },
    };
  };
}

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

/** How a handler asks who its request is from. */
type Asking = Pick<HandlerInput, 'getAuth' | 'ofGuard'>;

async function runHandler(route: SuiteRoute, request: IncomingMessage, response: ServerResponse, asking: Asking): Promise<void> {
  const auth = route.access === 'public' ? undefined : authWhereKnown(request);
  const body = request.headers['content-type'] === 'application/json' ? await json(request) : undefined;
  send(response, route.answer({ auth, ...asking, params: {}, body }));
}

/** A broken adapter may come here with nobody known. */
function authWhereKnown(request: IncomingMessage): Auth | undefined {
  try {
    return authOf(request, 'optional');
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, { status, body }: HandlerAnswer): void {
  if (response.writableEnded) return;
  if (!response.headersSent) response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
