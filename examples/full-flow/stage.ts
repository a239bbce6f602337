import type { App, Tokens, TokenRequest } from './agent/app.ts';
import { createBrowser, type Browser } from './agent/browser.ts';
import { logIn } from './agent/log-in.ts';
import type { ClientEntry } from './cast.ts';
import { watchGuard, type Operator } from './operator.ts';
import type { Screen } from './screen.ts';
import { createStory, type Story } from './story.ts';
import { createWire, type Wire } from './wire.ts';
import type { World } from './world.ts';

/** What each step of the story can use. */
export interface Stage extends World {
  readonly story: Story;
  readonly screen: Screen;
  readonly wire: Wire;
  readonly operator: Operator;
  /** Calls the API and prints the request and the answer. */
  callApi(route: `${'GET' | 'POST'} /${string}`, accessToken?: string): Promise<Response>;
  /** Creates a browser without a session. It stops where a public client's redirect address begins, because the script acts as that app. */
  newBrowser(): Browser;
  /** Logs in and gets tokens without printing, by default in a new browser. */
  logIn(issuer: string, client: ClientEntry, tokenRequest: TokenRequest, browser?: Browser): Promise<{ readonly app: App; readonly tokens: Tokens }>;
}

export function setStage(world: World, screen: Screen): Stage {
  const wire = createWire(screen, world.names);
  const { redirectUri } = world.webApp;
  const newBrowser = () => createBrowser(wire.send, redirectUri);
  return {
    ...world,
    story: createStory(screen),
    screen,
    wire,
    operator: watchGuard(world.authorizationServer.issuer),
    callApi: (route, accessToken) => wire.send(...apiRequest(world.api.url, route, accessToken)),
    newBrowser,
    logIn: (issuer, client, tokenRequest, browser = newBrowser()) =>
      wire.quietly(() => logIn(browser, { issuer, clientId: client.id, redirectUri, send: wire.send }, tokenRequest)),
  };
}

function apiRequest(api: string, route: string, accessToken: string | undefined): [string, RequestInit] {
  const [method = 'GET', path] = route.split(' ');
  const headers = {
    ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
    ...(method === 'POST' && { 'content-type': 'application/json' }),
  };
  return [`${api}${path}`, { method, headers, ...(method === 'POST' && { body: JSON.stringify({ item: 'a scone' }) }) }];
}
