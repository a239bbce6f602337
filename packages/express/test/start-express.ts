import type { AddressInfo } from 'node:net';
import type expressModule from 'express';
import type { Express, NextFunction, Request, Response } from 'express';
import { createGuard, getAuth, type Auth, type ExpressGuard } from '@tokenward/express';
import type { AppSetup, RunningApp, StartApp } from '@tokenward/testing/adapter-suite';

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
          const answer = onDenied(decision);
          if (!(answer instanceof Promise)) return void response.status(answer.status).json(answer.body);
          return answer.then(({ status, body }) => void response.status(status).json(body));
        },
      }),
    });
    for (const { method, path, access, policies, answer } of routes) {
      const guards = access === 'public' ? [] : [access === 'optional' ? guard.optional(...policies) : guard(...policies)];
      app[method.toLowerCase() as 'get'](path, ...(guards as []), express.json(), (request: Request, response: Response) => {
        const { status, body } = answer({
          auth: access === 'public' ? undefined : authBy(request, property),
          params: request.params as Record<string, string>,
          body: request.body as unknown,
        });
        if (body === undefined) response.status(status).end();
        else response.status(status).json(body);
      });
    }
    if (receivers) {
      app.post('/backchannel-logout', guard.backchannelLogout(receivers.backchannelLogout));
      // as with a body parser that stands before everything
      app.post('/parsed/backchannel-logout', express.urlencoded({ extended: false }), express.json(), guard.backchannelLogout(receivers.backchannelLogout));
      app.post('/events', guard.sharedSignals(receivers.sharedSignals));
    }
    app.use((_error: unknown, _request: Request, response: Response, _next: NextFunction) => void response.status(500).end());
    return listen(app, guard);
  };
}

/** By both ways in which a handler may ask, which must agree. */
function authBy(request: Request, property = 'auth'): Auth | undefined {
  const auth = getAuth(request);
  if ((request as unknown as Record<string, unknown>)[property] !== auth) throw new Error(`request.${property} and getAuth differ`);
  return auth;
}

export async function listen(app: Express, guard: Pick<ExpressGuard, 'close'>): Promise<RunningApp> {
  const server = app.listen(0, '127.0.0.1');
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
