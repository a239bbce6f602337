import { deepStrictEqual, match, strictEqual } from 'node:assert/strict';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { enterCode, logInByKeyboard, overflow, pressOn, startChromium, toConsent } from './pages.ts';
import type { System } from './system.ts';
import type { Tally } from './tally.ts';

const PHONE = { viewport: { width: 375, height: 740 } };
const TIMEOUT_MS = 20_000;

/** Uses the app in a real browser. */
export async function checkInBrowser(system: System, tally: Tally): Promise<void> {
  const { mode, settings, tokens } = system;
  const { origin } = settings;
  const browser = await startChromium();

  const check = (name: string, run: (page: Page, context: BrowserContext) => Promise<void>) =>
    tally.check(`${mode}, in Chromium: ${name}`, () => withPage(browser, origin, run));

  try {
    await check('no token is in storage, readable cookies, the document, caches or answers', async (page, context) => {
      const answers: Promise<string>[] = [];
      context.on('response', (response) => {
        if (!response.url().startsWith(origin) || response.url().endsWith('/session/token')) return;
        answers.push(Promise.all([response.allHeaders(), response.text().catch(() => '')]).then((parts) => JSON.stringify(parts)));
      });
      await logInByKeyboard(page);
      await page.getByRole('button', { name: 'Place the order' }).click();
      await page.getByText('201', { exact: true }).waitFor();
      const state = await page.evaluate(async () =>
        JSON.stringify([
          Object.entries(localStorage),
          Object.entries(sessionStorage),
          document.cookie,
          document.documentElement.outerHTML,
          await caches.keys(),
          await indexedDB.databases(),
        ]),
      );
      strictEqual(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
      const seen = [state, ...(await Promise.all(answers)), ...(await context.cookies()).map(({ value }) => value)].join('\n');
      strictEqual(tokens.length > 0, true);
      deepStrictEqual(tokens.filter((token) => seen.includes(token)).length, 0, 'a token is visible');
    });
    // the rest does not depend on the mode
    if (mode === 'token-mediating') return;

    await check('the whole login with consent goes by keyboard alone at 375 px', async (page) => {
      await toConsent(page);
      strictEqual(await overflow(page), 0, 'the consent page is too wide');
      await pressOn(page, 'Allow what is ticked');
      await page.getByText('Logged in as alice').waitFor();
      await page.locator('#orders li').first().waitFor();
      strictEqual(await overflow(page), 0, 'the page is too wide');
    });

    await check('the session is in an httpOnly Secure __Host- cookie, and no login cookie is left', async (page, context) => {
      await logInByKeyboard(page);
      const cookies = (await context.cookies(origin)).filter(({ name }) => name.startsWith('__Host-'));
      deepStrictEqual(
        cookies.map(({ name, httpOnly, secure, sameSite, path }) => [name.replace(/\.\d$/, ''), httpOnly, secure, sameSite, path]),
        cookies.map(() => ['__Host-session', true, true, 'Strict', '/']),
      );
      strictEqual(cookies.length > 0, true);
    });

    await check('a reload keeps the session', async (page) => {
      await logInByKeyboard(page);
      await page.reload();
      await page.getByText('Logged in as alice').waitFor();
    });

    await check('refusing consent shows a sentence', async (page) => {
      await toConsent(page);
      await pressOn(page, 'Refuse all');
      await page.getByText('You did not agree').waitFor();
      strictEqual(await page.getByRole('link', { name: 'Log in again' }).count(), 1);
    });

    await check('the 403 of an admin action is explained', async (page) => {
      await logInByKeyboard(page);
      await page.getByRole('button', { name: 'Remove Sencha' }).first().click();
      await page.getByText('403', { exact: true }).waitFor();
      match((await page.locator('#wire-lesson').textContent())!, /role/);
    });

    await check('a payout asks for a second factor, and succeeds with it', async (page) => {
      await logInByKeyboard(page);
      await page.getByRole('button', { name: 'Pay out' }).click();
      await page.getByRole('button', { name: 'Confirm and come back' }).click();
      await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor();
      strictEqual(await overflow(page), 0, 'the page of the second factor is too wide');
      await enterCode(page);
      await page.getByText('Logged in as alice').waitFor();
      await page.getByRole('button', { name: 'Pay out' }).click();
      await page.getByText('The takings are paid out.').waitFor();
    });

    await check('a logout in one tab ends both, and the back button shows nothing of the session', async (page, context) => {
      await logInByKeyboard(page);
      const other = await context.newPage();
      other.setDefaultTimeout(TIMEOUT_MS);
      await other.goto(origin);
      await other.getByText('Logged in as alice').waitFor();
      await page.getByRole('button', { name: 'Log out' }).click();
      await page.getByRole('button', { name: 'Log out everywhere' }).click();
      await page.getByText('Nobody is logged in').first().waitFor();
      await other.getByText('Nobody is logged in').first().waitFor();
      strictEqual(await other.locator('#orders li').count(), 0, 'the other tab still shows orders');
      await page.goBack();
      await page.goBack().catch(() => null);
      await page.goto(origin);
      await page.goBack().catch(() => null);
      for (const open of context.pages()) {
        if (!open.url().startsWith(`${origin}/`)) continue;
        await open.getByText('Nobody is logged in').first().waitFor();
        strictEqual((await open.content()).includes('Logged in as'), false);
        strictEqual(await open.locator('#orders li').count(), 0);
      }
    });
  } finally {
    await browser.close();
  }
}

/** Opens the app in a browser profile of its own. */
async function withPage(browser: Browser, origin: string, run: (page: Page, context: BrowserContext) => Promise<void>): Promise<void> {
  const context = await browser.newContext(PHONE);
  context.setDefaultTimeout(TIMEOUT_MS);
  try {
    const page = await context.newPage();
    await page.goto(origin);
    await run(page, context);
  } finally {
    await context.close();
  }
}
