import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { frameworks } from '../frameworks.ts';
import { startChromium } from './chromium.ts';
import { call, logIn, logOut, openApp, shows, toConsent } from './people.ts';
import { startRealApp, type RealApp } from './real-app.ts';

// a login takes many pages, and slow machines take long for each
vi.setConfig({ testTimeout: 60_000 });

let browser: Browser;
let app: RealApp;
let context: BrowserContext;

beforeAll(async () => {
  const express = frameworks.find(({ name }) => name === 'Express 5')!;
  [browser, app] = await Promise.all([startChromium([], { keepsPages: true }), startRealApp(express)]);
}, 60_000);
afterAll(async () => {
  await browser.close();
  await app.close();
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context.close());

/** Begins a login, and returns its `state`. */
async function beginLogin(page: Page): Promise<string> {
  const asked = page.waitForRequest((request) => new URL(request.url()).searchParams.has('state'));
  await page.goto(`${app.origin}/session/login`);
  return new URL((await asked).url()).searchParams.get('state')!;
}

/** Goes to the callback, with parameters that the page must not show. */
async function toCallback(page: Page, parameters: Readonly<Record<string, string>>): Promise<void> {
  await page.goto(`${app.origin}/session/callback?${new URLSearchParams(parameters).toString()}`);
}

const HTML = `"><img src="x" onerror="window.hacked=1"><script>window.hacked=1</script><a href="https://evil.example">Log in</a>`;
const OWN_ADDRESS = /^\/session\/login/;

test.each([
  ['an error', { error: HTML, error_description: HTML, error_uri: HTML }, 'The login server did not complete the login.'],
  ['the description of an error', { error: 'access_denied', error_description: HTML }, 'You did not agree, or you are not allowed to use this app.'],
  ['another issuer', { code: 'stolen', iss: `https://evil.example/${HTML}` }, 'The answer of the login server was not valid, so you were not logged in.'],
])('rule 137: %s with HTML in it shows a sentence, and nothing of it runs', async (_what, parameters, sentence) => {
  const page = await context.newPage();
  const state = await beginLogin(page);
  await toCallback(page, { state, iss: app.provider.issuer, ...parameters });
  await page.getByText(sentence).waitFor();
  expect(await page.evaluate(() => [document.images.length, document.scripts.length, 'hacked' in window])).toEqual([0, 0, false]);
  expect(await page.getByRole('link').evaluateAll((links) => links.map((link) => link.getAttribute('href')))).toEqual([expect.stringMatching(OWN_ADDRESS)]);
  expect(await page.content()).not.toContain('evil.example');
});

test('SameSite loops: a callback with HTML as its state shows a sentence after one try, and nothing of it runs', async () => {
  const page = await context.newPage();
  await toCallback(page, { state: `${HTML}.r`, code: 'x' });
  await page.getByText('Your browser did not send back the cookie of this login.').waitFor();
  expect(await page.evaluate(() => [document.images.length, document.scripts.length, 'hacked' in window])).toEqual([0, 0, false]);
});

test('consent denied: shows a sentence, and the login can begin again', async () => {
  const page = await openApp(context, app);
  await toConsent(page, 'alice', '/?tab=2');
  await page.getByRole('button', { name: 'Refuse' }).click();
  await page.getByText('You did not agree, or you are not allowed to use this app.').waitFor();
  await page.getByRole('link', { name: 'Log in again' }).click();
  await page.getByRole('button', { name: 'Allow' }).click();
  await shows(page, 'alice');
  expect(page.url()).toBe(`${app.origin}/?tab=2`);
});

test('stale callback: one from the history leads to the app while the session lives, and to a new login afterwards', async () => {
  const page = await openApp(context, app);
  const visited = page.waitForRequest(/\/session\/callback\?/);
  await logIn(page);
  const callback = (await visited).url();
  await page.goto(callback);
  await shows(page, 'alice');
  expect(page.url()).toBe(`${app.origin}/`);
  await logOut(page);
  await page.goto(callback);
  await page.locator('input[name=login]').waitFor();
});

test('after a logout, neither the back button nor the next user sees anything of the session', async () => {
  // an answer that the browser may keep for a while, since the API says nothing about that
  app.upstream.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'last-modified': 'Tue, 01 Jan 2019 00:00:00 GMT' }).end(`orders ${orders}`);
  };
  let orders = 'of alice';
  const page = await openApp(context, app);
  await logIn(page);
  await page.getByText('orders of alice').waitFor();
  await page.goto(`${app.origin}/?tab=2`);
  await page.getByText('orders of alice').waitFor();
  await logOut(page);
  orders = 'of bob';
  while ((await page.evaluate(() => window.navigation.currentEntry!.index)) > 0) {
    await page.goBack();
    if (!page.url().startsWith(`${app.origin}/?`)) continue;
    await shows(page, 'nobody');
    expect(await page.content()).not.toContain('alice');
    expect((await call(page, '/api/orders'))[0]).toBe(401);
  }
  await page.goto(app.origin);
  await logIn(page, 'bob');
  await page.getByText('orders of bob').waitFor();
  expect(await call(page, '/api/orders')).toEqual([200, 'orders of bob']);
  app.upstream.answer = undefined;
});
