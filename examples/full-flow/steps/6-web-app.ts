import { setTimeout as sleep } from 'node:timers/promises';
import { createBrowser, type Browser, type Page, type Place } from '../agent/browser.ts';
import { ALICE, credentialsOf, SECOND_FACTOR } from '../cast.ts';
import { expectEqual, expectThat } from '../expect.ts';
import type { Stage } from '../stage.ts';

/** How long the access tokens of the web app live during the story. The app refreshes such short ones after half of that. */
export const TOKEN_SECONDS = 6;

/** A browser in which Alice is logged in to the web app. */
export interface Visit {
  readonly browser: Browser;
  readonly origin: string;
}

/** What the page's script sends with each call. A page of another site cannot send it. */
const CUSTOM_HEADER = { 'x-tokenward-csrf': '1' };

interface User {
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly expiresAt: number;
}

export function logIn(stage: Stage): Promise<Visit> {
  const { story, screen, wire, webApp } = stage;
  return story.step(
    'Alice logs in to a web app that has a server',
    'Its server is a confidential client: it keeps the code verifier, the secret and the tokens. The browser gets an encrypted cookie that no script can read.',
    async () => {
      const browser = createBrowser(wire.send);
      const loginPage = pageOf(await browser.open(`${webApp.url}/session/login?returnTo=/`));
      expectEqual('the page', loginPage.title, 'Log in');
      screen.note('(she enters her password, not shown again)');
      const consentPage = pageOf(await wire.quietly(() => browser.submit(loginPage, credentialsOf(ALICE))));
      expectEqual('the page after the password', consentPage.title, 'Allow access?');
      const landing = pageOf(await browser.submit(consentPage, { scope: ['orders:read', 'orders:write', 'payout'], decision: 'allow' }));
      expectEqual('the page after consent', [landing.title, landing.status], ['You are logged in', 200]);
      const visit = { browser, origin: webApp.url };
      const user = await userOf(visit);
      expectEqual('the user', user?.subject, ALICE.username);
      screen.passed('the callback set a cookie and led back to the app; no token reached the browser');
      return visit;
    },
  );
}

export function call({ story, screen }: Stage, { browser, origin }: Visit): Promise<void> {
  return story.step(
    'The page calls the API with the cookie and a custom header: 200',
    'The guard takes the access token of the session. From there on it is as with a Bearer token: the same checks, the same policies.',
    async () => {
      const response = await browser.call(`${origin}/api/orders`, { headers: CUSTOM_HEADER });
      expectEqual('the status', response.status, 200);
      expectThat('the answer is a list of orders', Array.isArray(await response.json()));
      screen.passed('200');
    },
  );
}

export function callWithoutHeader({ story, screen }: Stage, { browser, origin }: Visit): Promise<void> {
  return story.step(
    'The same call without the header: 403',
    'Browsers may send cookies with requests that another site causes. They let no other site add a header, so a call without it may be forged.',
    async () => {
      const response = await browser.call(`${origin}/api/orders`);
      expectEqual('the status', response.status, 403);
      expectEqual('the challenge', response.headers.get('www-authenticate'), null);
      expectEqual('the reason in the body', ((await response.json()) as { reason?: unknown }).reason, 'cross_site_request');
      screen.passed('403; the body names the reason and the header');
    },
  );
}

export function refresh({ story, screen }: Stage, visit: Visit): Promise<void> {
  return story.step(
    'The access token is refreshed by itself',
    'Near its end, the server gets a new one with the next call. The browser notices nothing but a new cookie.',
    async () => {
      const before = (await userOf(visit))!;
      const milliseconds = (before.expiresAt - TOKEN_SECONDS / 2) * 1000 + 500 - Date.now();
      screen.note(`waiting until the token is about to end, ${(milliseconds / 1000).toFixed(1)} s from now ...`);
      await sleep(Math.max(0, milliseconds));
      const response = await visit.browser.call(`${visit.origin}/api/orders`, { headers: CUSTOM_HEADER });
      expectEqual('the status', response.status, 200);
      const after = (await userOf(visit))!;
      expectThat('the new access token ends later', after.expiresAt > before.expiresAt);
      screen.passed(`200, and the new access token ends ${after.expiresAt - before.expiresAt} s later`);
    },
  );
}

export function stepUp({ story, screen, wire }: Stage, { browser, origin }: Visit): Promise<void> {
  return story.step(
    'A payout needs a second factor: 401, then 200',
    'The token is valid, but the login was too weak for this route. The challenge says what is needed (RFC 9470), and the page sends the browser to log in again with that.',
    async () => {
      const payOut = () =>
        browser.call(`${origin}/api/payout`, { method: 'PUT', headers: { ...CUSTOM_HEADER, 'content-type': 'application/json' }, body: '{"amount":12.5}' });
      const refusal = await payOut();
      expectEqual('the status', refusal.status, 401);
      expectThat('the challenge asks for a stronger login', /error="insufficient_user_authentication"/.test(refusal.headers.get('www-authenticate') ?? ''));
      const parameters = new URLSearchParams({ returnTo: '/', acr_values: SECOND_FACTOR, max_age: '300' });
      const page = pageOf(await wire.quietly(() => browser.open(`${origin}/session/login?${parameters.toString()}`)));
      expectEqual('the page', page.title, 'Confirm that it is you');
      const code = /\b\d{6}\b/.exec(page.text)![0];
      screen.note('(the browser goes to the authorization server, which asks for a code; not shown)');
      const landing = pageOf(await wire.quietly(() => browser.submit(page, { code })));
      expectEqual('the page after the code', landing.title, 'You are logged in');
      expectEqual('the status after the step-up', (await payOut()).status, 200);
      screen.passed('401 with a password alone, 200 with the second factor');
    },
  );
}

export function logout({ story, screen, wire }: Stage, { browser, origin }: Visit): Promise<void> {
  return story.step(
    'Alice logs out in the app: the session ends there and at the authorization server',
    'The server ends the session, revokes the refresh token, and tells the page where to go on: to the logout of the authorization server.',
    async () => {
      const copy = browser.copy();
      const response = await browser.call(`${origin}/session/logout`, { method: 'POST', headers: CUSTOM_HEADER });
      expectEqual('the status', response.status, 200);
      const { location } = (await response.json()) as { location: string };
      expectEqual('the status of a call with a copy of the old cookie', (await callOrders({ browser: copy, origin })).status, 401);
      const page = pageOf(await wire.quietly(() => browser.open(location)));
      expectEqual('the page of the authorization server', page.title, 'Log out?');
      const back = pageOf(await wire.quietly(() => browser.submit(page, { logout: 'yes' })));
      expectEqual('where the browser ends', back.url.href, `${origin}/`);
      const loginPage = pageOf(await wire.quietly(() => browser.open(`${origin}/session/login`)));
      expectEqual('the page for the next login', loginPage.title, 'Log in');
      screen.passed('401 even with a copy of the old cookie, and the next login asks for the password');
    },
  );
}

export function logoutElsewhere({ story, screen, wire, webApp, authorizationServer }: Stage): Promise<void> {
  return story.step(
    'Alice logs out at the authorization server: the session of the app ends too',
    'The authorization server posts a logout token to the web app. The session is in the cookie alone, with no store, and ends nevertheless: the app remembers what has ended.',
    async () => {
      const visit = { browser: createBrowser(wire.send), origin: webApp.url };
      screen.note('(Alice logs in once more, not shown)');
      await wire.quietly(async () => {
        const consentPage = pageOf(await visit.browser.submit(pageOf(await visit.browser.open(`${visit.origin}/session/login`)), credentialsOf(ALICE)));
        await visit.browser.submit(consentPage, { scope: ['orders:read'], decision: 'allow' });
      });
      expectEqual('the status before', (await callOrders(visit)).status, 200);
      const page = pageOf(await wire.quietly(() => visit.browser.open(`${authorizationServer.issuer}/session/end`)));
      await wire.quietly(() => visit.browser.submit(page, { logout: 'yes' }));
      expectEqual('the status after', (await callOrders(visit)).status, 401);
      expectEqual('the user', await userOf(visit), null);
      screen.passed('200 before, 401 after; nobody is logged in');
    },
  );
}

function callOrders({ browser, origin }: Visit): Promise<Response> {
  return browser.call(`${origin}/api/orders`, { headers: CUSTOM_HEADER });
}

async function userOf({ browser, origin }: Visit): Promise<User | null> {
  const response = await browser.call(`${origin}/session/user`, { headers: CUSTOM_HEADER });
  return ((await response.json()) as { user: User | null }).user;
}

function pageOf(place: Place): Page {
  expectEqual('where the browser is', place.kind, 'page');
  return place as Page;
}
