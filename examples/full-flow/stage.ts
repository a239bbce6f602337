import type { App, Tokens, Wish } from './agent/app.ts';
import { createBrowser, type Browser } from './agent/browser.ts';
import { logIn } from './agent/log-in.ts';
import type { ClientEntry } from './cast.ts';
import { watchGuard, type Operator } from './operator.ts';
import type { Screen } from './screen.ts';
import { createStory, type Story } from './story.ts';
import { createWire, type Wire } from './wire.ts';
import type { World } from './world.ts';

/** What every step of the story has at hand. */
export interface Stage extends World {
  readonly story: Story;
  readonly screen: Screen;
  readonly wire: Wire;
  readonly operator: Operator;
  /** Calls the API and prints it. */
  callApi(route: `${'GET' | 'POST'} /${string}`, accessToken?: string): Promise<Response>;
  /** A browser in which nobody is logged in. */
  newBrowser(): Browser;
  /** The whole way to a token, unseen, by default in a browser of its own. */
  logIn(issuer: string, client: ClientEntry, wish: Wish, browser?: Browser): Promise<{ readonly app: App; readonly tokens: Tokens }>;
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
    logIn: (issuer, client, wish, browser = newBrowser()) =>
      wire.unseen(() => logIn(browser, { issuer, clientId: client.id, redirectUri, send: wire.send }, wish)),
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
