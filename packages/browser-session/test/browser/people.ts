import type * as tokenward from '@tokenward/browser-session/client';
import type { BrowserContext, Page } from 'playwright-core';
import type { RealApp } from './real-app.ts';

// What people do in the app of real-app.ts.

declare global {
  interface Window {
    session: tokenward.Session;
  }
}

/** Opens the app, and waits until it shows who is logged in. */
export async function openApp(context: BrowserContext, { origin }: RealApp, who = 'nobody'): Promise<Page> {
  const page = await context.newPage();
  await page.goto(origin);
  await shows(page, who);
  return page;
}

/** Waits until the page shows this user, or `nobody`. */
export async function shows(page: Page, who: string): Promise<void> {
  await page.locator('#who', { hasText: new RegExp(`^${who}$`) }).waitFor();
}

/** Begins a login as the app's page does, and goes on to the issuer's consent page. */
export async function toConsent(page: Page, name: string, returnTo = '/'): Promise<void> {
  await page.evaluate((path) => void window.session.login({ returnTo: path }), returnTo);
  await page.locator('input[name=login]').fill(name);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('button', { name: 'Allow' }).waitFor();
}

/** Logs in for the first time in this browser: with the user's name and with consent. */
export async function logIn(page: Page, name = 'alice', returnTo = '/'): Promise<void> {
  await toConsent(page, name, returnTo);
  await page.getByRole('button', { name: 'Allow' }).click();
  await shows(page, name);
}

/** Gives a name at the issuer's login page, which asks for no consent, and waits for the address that follows. */
export async function passLoginPage(page: Page, name: string, next: string): Promise<void> {
  await page.locator('input[name=login]').fill(name);
  await page.locator('button').click();
  await page.waitForURL(next);
}

/** Logs out as the app's page does, and at the issuer, too. */
export async function logOut(page: Page): Promise<void> {
  await page.evaluate(() => void window.session.logout());
  await page.getByRole('button', { name: 'Yes, sign me out' }).click();
  await shows(page, 'nobody');
}

/** Calls an address by the page's part, and returns status and text. */
export function call(page: Page, path: string): Promise<readonly [number, string]> {
  return page.evaluate(async (url) => {
    const response = await window.session.fetch(url);
    return [response.status, await response.text()] as const;
  }, path);
}
