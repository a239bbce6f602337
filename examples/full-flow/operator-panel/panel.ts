import express, { type Express, type Request, type Response, type Router } from 'express';
import type { AuthorizationServer } from '../authorization-server/server.ts';
import { ORDERS_WEB, PEOPLE } from '../cast.ts';
import { createRefusals, type Answer } from './refusals.ts';

export interface OperatorPanelOptions {
  readonly app: Express;
  readonly mode: 'bff' | 'token-mediating';
  readonly authorizationServer: AuthorizationServer;
  readonly onAnswer: (answer: Answer) => void;
}

/** Only the panel's own script sends it: another site cannot. */
const PANEL_HEADER = 'x-demo-operator';

/**
 * Puts a panel into the page of the web app. It shows why a request was refused, and changes the authorization server. It is for the demo: in a product, no
 * browser may see the one or do the other.
 */
export function withOperatorPanel({ app, mode, authorizationServer, onAnswer }: OperatorPanelOptions): Express {
  const refusals = createRefusals(onAnswer);
  const outer = express();
  outer.disable('x-powered-by');
  outer.get('/config.json', (_request, response) => void response.json({ mode, operatorPanel: '/operator/panel.js' }));
  outer.get('/operator/refusals/:id', (request, response) => {
    const refusal = refusals.find(request.params.id);
    response.status(refusal ? 200 : 404).json(refusal ?? {});
  });
  outer.use('/operator', actions(authorizationServer));
  outer.use('/operator', express.static(`${import.meta.dirname}/page`));
  outer.use('/api', refusals.watch);
  outer.use(app);
  return outer;
}

function actions(authorizationServer: AuthorizationServer): Router {
  const router = express.Router();
  const answer = (response: Response, message = ''): void => {
    const { isRunning, signingKeyId } = authorizationServer;
    response.set('cache-control', 'no-store').json({ isRunning, signingKeyId, message });
  };

  const act = (path: string, run: (request: Request) => Promise<string>): void => {
    router.post(path, (request, response, next) => {
      if (request.get(PANEL_HEADER) !== '1') return void response.status(403).json({ message: `The header ${PANEL_HEADER}: 1 is missing.` });
      run(request).then((message) => answer(response, message), next);
    });
  };

  router.get('/state', (_request, response) => answer(response));
  act('/rotate-keys', async () => {
    await authorizationServer.rotateKeys();
    return 'The authorization server signs with a new key. The old one stays published, so tokens signed with it remain valid.';
  });
  act('/stop', async () => {
    await authorizationServer.stop();
    return 'The authorization server is stopped. Calls succeed until the access token ends, then they get 503. Nobody is logged out.';
  });
  act('/start', async () => {
    await authorizationServer.start();
    return 'The authorization server is running again. The next call refreshes the access token if it is due.';
  });
  act('/end-sessions', async ({ query }) => {
    const person = PEOPLE.find(({ username }) => username === query['user']);
    if (!person) return 'Nobody is logged in, so there is no session to end.';
    const { taken, refused } = await authorizationServer.endSessions(ORDERS_WEB.id, person.username);
    if (refused > 0)
      return 'The app refused the logout token. If the keys were rotated just now: it looks for an unknown key once in 30 seconds, so try again after that.';
    return taken > 0 ? `The app took a logout token for ${person.username}. The next call gets 401.` : 'The session has ended already.';
  });
  return router;
}
