import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import cors from 'cors';
import type expressModule from 'express';
import type { Express, NextFunction, Request, RequestHandler, Response, Router, RouterOptions } from 'express';
import { createGuard, getAuth, type Auth, type Deny, type ExpressGuard, type Guard } from '@tokenward/express';
import { onDeniedOf } from './odd-denials.js';
import { handlersOf } from './odd-ways.js';
import type {
  AppSetup,
  HandlerInput,
  OnDeniedAnswer,
  RunningApp,
  StartApp,
  SuiteGuard,
  SuiteRoute,
  SuiteRouter,
  SuiteTls,
} from '@tokenward/testing/adapter-suite';

const ROUTERS: Readonly<Record<string, RouterOptions>> = {
  "Express' own settings": {},
  'a case-sensitive router': { caseSensitive: true },
  'a strict router': { strict: true },
  'a case-sensitive and strict router': { caseSensitive: true, strict: true },
};

export const routers: readonly SuiteRouter[] = Object.entries(ROUTERS).map(([name, { caseSensitive, strict }]) => ({
  name,
  alsoMatches: [...(caseSensitive ? [] : ['/ADMIN']), ...(strict ? [] : ['/admin/'])],
}));

/** Starts the suite's apps on one version of Express. */
export function startOn(express: typeof expressModule): StartApp {
  return async (setup: AppSetup) => {
    const { options, routes, property, secondApi, appGuards = [], onDenied, denial, onRefused, receivers, mounts = [], cors: corsPlace, asksForBodies } = setup;
    const app = express();
    app.disable('x-powered-by');
    app.set('env', 'test');
    if (setup.trustsProxies) app.set('trust proxy', 'loopback');
    const routing = ROUTERS[setup.router ?? ''] ?? {};
    app.set('case sensitive routing', routing.caseSensitive).set('strict routing', routing.strict);
    const ownOnDenied = denial === undefined ? undefined : onDeniedOf(denial);
    const guard = createGuard({
      ...options,
      ...(property !== undefined && { property }),
      ...(onDenied && {
        onDenied(decision, _request, response) {
          const send = (answer: OnDeniedAnswer): Deny | undefined => {
            if ('outcome' in answer) return answer;
            // the response of a plain server has no more methods
            for (const cookie of answer.cookies ?? []) response.appendHeader('set-cookie', cookie);
            for (const [name, value] of Object.entries(answer.withHeadersOf?.headers ?? {}))
              if ('json' in response) response.set(name, value);
              else (response as ServerResponse).setHeader(name, value);
            if ('json' in response) response.status(answer.status).json(answer.body);
            else (response as ServerResponse).writeHead(answer.status).end(JSON.stringify(answer.body));
            return undefined;
          };
          const answer = onDenied(decision);
          return answer instanceof Promise ? answer.then(send) : send(answer);
        },
      }),
      ...(ownOnDenied && { onDenied: ownOnDenied }),
      ...(onRefused && { onRefused: (decision: Deny, request: { readonly url?: string }) => onRefused(decision, request.url ?? '') }),
    });
    const second = secondApi && createGuard(secondApi);
    const guardFor = ({ api, access, policies }: SuiteGuard): Guard => {
      const of = api === 'first' ? guard : second!;
      return access === 'optional' ? of.optional(...policies) : of(...policies);
    };
    const answerCors = cors({ origin: 'https://app.example.test', exposedHeaders: ['www-authenticate', 'dpop-nonce'] });
    if (corsPlace === 'before') app.use(answerCors);
    if (setup.metadata === 'before') app.use(guard.metadata());
    for (const appGuard of appGuards) app.use(guardFor(appGuard));
    if (corsPlace === 'after') app.use(answerCors);
    if (setup.metadata === 'after') app.use(guard.metadata());
    const asking = (request: Request | IncomingMessage): Pick<HandlerInput, 'getAuth' | 'ofGuard'> => ({
      getAuth: (optional) => getAuth(request, optional),
      ofGuard: (optional) => guard.getAuth(request, optional),
    });
    const plain = new Map<string, RequestListener>();
    const guards = new Map<string, Guard>();
    function addRoute(target: Router, { method, path, access, policies, guards: several, answer, way, guardOf, refuses, ended }: SuiteRoute): void {
      const own = guards.get(guardOf ?? '') ?? guard(...policies);
      guards.set(path, own);
      if (way?.startsWith('from plain')) {
        const [handle] = handlersOf(way, own, (request, response) => {
          const { status, headers, body } = answer({ auth: authIfKnown(request), ...asking(request), params: {}, body: undefined });
          response.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(JSON.stringify(body));
        });
        plain.set(path, (request, response) => {
          Promise.resolve(handle!(request as Request, response as Response, () => {})).catch(() => response.destroy());
        });
        return;
      }
      const handler = (request: Request, response: Response): void => {
        const {
          status,
          headers = {},
          body,
          stream,
          refusal,
          cookies = [],
        } = answer({
          auth: access === 'public' ? undefined : way ? authIfKnown(request) : several ? getAuth(request, 'optional') : authBy(request, property),
          params: request.params as Record<string, string>,
          body: request.body as unknown,
          ...asking(request),
          permit: (auth, policy) => guard.permit(auth, policy, request),
          properties: propertiesOf(request, property, secondApi?.property),
        });
        response.set(headers);
        for (const cookie of cookies) response.append('set-cookie', cookie);
        if (refusal) void guard.refuse(refusal, request, response);
        else if (stream) stream.pipe(response.status(status).set('content-type', 'text/event-stream'));
        else if (body === undefined) response.status(status).end();
        else response.status(status).json(body);
      };
      if (refuses) {
        const refusing = async (request: Request, response: Response): Promise<void> => {
          try {
            const decision = await guard.check(request, ...(policies as []));
            const refused = decision.outcome === 'deny' ? guard.refuse(decision, request, response) : undefined;
            if (refused && refuses === 'awaited') return await refused;
            if (refuses === 'not awaited, and answered later') await new Promise((resolve) => setTimeout(resolve, 20));
            handler(request, response);
          } finally {
            ended?.(response.headersSent);
          }
        };
        target.get(path, (request, response, next) => void refusing(request, response).catch(next));
        return;
      }
      if (way) {
        target.all(path, ...handlersOf(way, own, handler));
        return;
      }
      const stack = several ? several.map(guardFor) : access === 'public' ? [] : [access === 'optional' ? guard.optional(...policies) : own];
      target[method.toLowerCase() as 'get'](path, ...(stack as []), ...(asksForBodies ? [askForBody] : []), express.json(), handler);
    }

    for (const route of routes) addRoute(app, route);
    for (const { prefix, guard: own, routes: nested } of mounts) {
      const router = express.Router(routing);
      if (own) router.use(guardFor(own) as RequestHandler);
      for (const route of nested) addRoute(router, route);
      app.use(prefix, router);
    }
    if (receivers) {
      app.post('/backchannel-logout', guard.backchannelLogout(receivers.backchannelLogout));
      // as with a body parser before all routes
      app.post('/parsed/backchannel-logout', express.urlencoded({ extended: false }), express.json(), guard.backchannelLogout(receivers.backchannelLogout));
      app.post('/events', guard.sharedSignals(receivers.sharedSignals));
    }
    app.use((_error: unknown, _request: Request, response: Response, _next: NextFunction) => void response.status(500).end());
    const running = await listen(app, guard, (request, response) => (plain.get(request.url!) ?? app)(request, response), setup.tls);
    if (asksForBodies) running.server.on('checkContinue', app);
    return running;
  };
}

function askForBody(_request: Request, response: Response, next: NextFunction): void {
  response.writeContinue();
  next();
}

/** If the code does not wait for its guard, it may run before the guard has decided. */
function authIfKnown(request: Request): Auth | undefined {
  try {
    return getAuth(request);
  } catch {
    return undefined;
  }
}

function propertiesOf(request: Request, first = 'auth', second = ''): HandlerInput['properties'] {
  const properties = request as unknown as Record<string, Auth | undefined>;
  return { first: properties[first], second: properties[second] };
}

/** Reads the Auth in both ways that a handler has. They must agree. */
function authBy(request: Request, property = 'auth'): Auth | undefined {
  const auth = getAuth(request, 'optional');
  if ((request as unknown as Record<string, unknown>)[property] !== auth) throw new Error(`request.${property} and getAuth differ`);
  return auth;
}

export async function listen(app: Express, guard: ExpressGuard, listener: RequestListener = app, tls?: SuiteTls): Promise<RunningApp> {
  const server = (tls ? createTlsServer({ ...tls }, listener) : createServer(listener)).listen(0, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  return {
    origin: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    guard: guard as RunningApp['guard'],
    server,
    shutDown,
    close() {
      server.closeAllConnections();
      return shutDown();
    },
  };

  async function shutDown(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    await guard.close();
    await closed;
  }
}
