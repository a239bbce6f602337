import { logInAs } from '@tokenward/testing/browser-session';
import { expect, test } from 'vitest';
import { startGuardedApp } from '../log-in-as.ts';
import { useChromium } from './chromium.ts';

const browser = useChromium();

test('tests need a login page: not with logInAs(), which logs in a browser: its pages call the app, and its scripts see no cookie', async () => {
  const { origin, session, issuer } = await startGuardedApp();
  const login = await logInAs(session, issuer, { subject: 'alice', scopes: ['orders:read'] });
  const context = await browser.newContext();
  await context.addCookies(login.cookies);
  const page = await context.newPage();
  await page.goto(origin);
  const call = (headers: Record<string, string>) =>
    page.evaluate(async (sent) => {
      const response = await fetch('/orders', { headers: sent });
      return [response.status, (await response.json()) as unknown];
    }, headers);
  expect(await call({ 'x-tokenward-csrf': '1' })).toEqual([200, { subject: 'alice', scopes: ['orders:read'], roles: [] }]);
  expect(await call({})).toEqual([403, expect.objectContaining({ reason: 'cross_site_request' })]);
  expect(await page.evaluate(() => document.cookie)).toBe('');
  // as a browser keeps it after a real login: for this host alone
  const [kept] = await context.cookies();
  expect(kept).toMatchObject({ name: '__Host-session', domain: '127.0.0.1', path: '/', secure: true, httpOnly: true, sameSite: 'Strict' });
  await context.close();
});
