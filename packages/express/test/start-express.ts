import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type expressModule from 'express';
import type { Express, NextFunction, Request, Response } from 'express';
import { createGuard, getAuth, type Auth, type ExpressGuard, type Guard } from '@tokenward/express';
import { handlersOf, serverOf } from './odd-ways.js';
import type { AppSetup, HandlerAnswer, HandlerInput, RunningApp, StartApp } from '@tokenward/testing/adapter-suite';

/** Starts the suite's apps on one version of Express. */
export function startOn(express: typeof expressModule): StartApp {
  return async ({ options, routes, property, onDenied, receivers }: AppSetup) => {
    const app = express();
    app.disable('x-powered-by');
    app.set('env', 'test');
    const guard = createGuard({
      ...options,
      ...(property !== undefined && { property }),
      ...(onDenied && {
        onDenied(decision, _request, response) {
          // a server of Node's own has no more
          const send = ({ status, body }: HandlerAnswer): void => {
            if ('json' in response) response.status(status).json(body);
            else (response as ServerResponse).writeHead(status).end(JSON.stringify(body));
          };
          const answer = onDenied(decision);
          return answer instanceof Promise ? answer.then(send) : send(answer);
        },
      }),
    });
    const asking = (request: Request | IncomingMessage): Pick<HandlerInput, 'getAuth' | 'ofGuard'> => ({
      getAuth: (optional) => getAuth(request, optional),
      ofGuard: (optional) => guard.getAuth(request, optional),
    });
    let plain: RequestListener | undefined;
    const guards = new Map<string, Guard>();
    for (const { method, path, access, policies, answer, way, guardOf } of routes) {
      const own = guards.get(guardOf ?? '') ?? guard(...policies);
      guards.set(path, own);
      if (way?.startsWith('from plain')) {
        const [handle] = handlersOf(way, own, (request, response) => {
          const { status, body } = answer({ auth: whoever(request), ...asking(request), params: {}, body: undefined });
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        });
        plain = (request, response) => {
          if (request.url !== path) return app(request, response);
          return void Promise.resolve(handle!(request as Request, response as Response, () => {})).catch(() => response.destroy());
        };
        continue;
      }
      const handler = (request: Request, response: Response): void => {
        const { status, body } = answer({
          auth: access === 'public' ? undefined : way ? whoever(request) : authBy(request, property),
          ...asking(request),
          params: request.params as Record<string, string>,
          body: request.body as unknown,
        });
        if (body === undefined) response.status(status).end();
        else response.status(status).json(body);
      };
      if (way) {
        app.get(path, ...handlersOf(way, own, handler));
        continue;
      }
      const stack = access === 'public' ? [] : [access === 'optional' ? guard.optional(...policies) : own];
      app[method.toLowerCase() as 'get'](path, ...(stack as []), express.json(), handler);
    }
    if (receivers) {
      app.post('/backchannel-logout', guard.backchannelLogout(receivers.backchannelLogout));
      // as with a body parser that stands before everything
      app.post('/parsed/backchannel-logout', express.urlencoded({ extended: false }), express.json(), guard.backchannelLogout(receivers.backchannelLogout));
      app.post('/events', guard.sharedSignals(receivers.sharedSignals));
    }
    app.use((_error: unknown, _request: Request, response: Response, _next: NextFunction) => void response.status(500).end());
    return listen(app, guard, plain);
  };
}

/** Code that does not wait for the guard may run for whoever. */
function whoever(request: Request): Auth | undefined {
  try {
    return getAuth(request);
  } catch {
    return undefined;
  }
}

/** By both ways in which a handler may ask, which must agree. */
function authBy(request: Request, property = 'auth'): Auth | undefined {
  const auth = getAuth(request, 'optional');
  if ((request as unknown as Record<string, unknown>)[property] !== auth) throw new Error(`request.${property} and getAuth differ`);
  return auth;
}

export async function listen(app: Express, guard: Pick<ExpressGuard, 'close'>, plain?: RequestListener): Promise<RunningApp> {
  const server = serverOf(app, plain).listen(0, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await guard.close();
    },
  };
}
