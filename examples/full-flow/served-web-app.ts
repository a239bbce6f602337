import { once } from 'node:events';
import type { Server } from 'node:http';
import { observe } from '@tokenward/express';
import { createApp } from '../web-app/app.ts';
import type { AuthorizationServer } from './authorization-server/server.ts';
import { closeServer, type OpenPort } from './listen.ts';
import { withOperatorPanel } from './operator-panel/panel.ts';
import type { Answer } from './operator-panel/refusals.ts';
import type { Screen } from './screen.ts';

export interface ServedWebAppSettings {
  readonly authorizationServer: AuthorizationServer;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly audience: string;
  readonly sessionSecret: string;
}

/** Starts examples/web-app in this process, with the operator's panel. Each answer of its API is printed, beside the reason that the operator reads. */
export async function serveWebApp({ server, origin }: OpenPort, settings: ServedWebAppSettings, screen: Screen): Promise<{ stop(): Promise<void> }> {
  const { authorizationServer, clientId, clientSecret, audience, sessionSecret } = settings;
  const mode = 'bff';
  const { issuer } = authorizationServer;
  const { app, warm, close } = createApp({
    issuer,
    clientId,
    clientSecret,
    audience,
    origin,
    port: Number(new URL(origin).port),
    secrets: [sessionSecret],
    mode,
    redisUrl: undefined,
  });
  server.on('request', withOperatorPanel({ app, mode, authorizationServer, onAnswer: (answer) => printAnswer(answer, screen) }));
  await listening(server);
  for (const problem of await warm()) screen.note(problem);
  printEvents(screen);
  return {
    async stop() {
      await close();
      await closeServer(server);
    },
  };
}

async function listening(server: Server): Promise<void> {
  if (!server.listening) await once(server, 'listening');
}

function printAnswer({ method, path, status, body, refusal }: Answer, screen: Screen): void {
  screen.request(`${method} ${path}`, []);
  screen.response(
    status,
    `${status}`,
    refusal ? [`the client reads:   ${body}`, `the operator reads: ${refusal.reason}`, `                    ${refusal.summary}`] : [],
  );
}

/** Prints what happens besides answers. A guard for access tokens and one for logout tokens fetch the same keys, so a repetition is left out. */
function printEvents(screen: Screen): void {
  let last = '';
  const print = (text: string): void => {
    if (text !== last) screen.note(text);
    last = text;
  };
  observe('tokenward:session', ({ action, outcome, reason }) => print(`session: ${action} ${outcome}${reason === undefined ? '' : ` (${reason})`}`));
  observe('tokenward:keys-refreshed', ({ keyIds }) => print(`keys fetched: ${keyIds.join(', ')}`));
  observe('tokenward:keys-failed', ({ message, usable }) => print(`keys not fetched: ${message}${usable ? '; the cached ones stay in use' : ''}`));
}
