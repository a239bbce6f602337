import type { BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { frameworks } from '../frameworks.ts';
import { useChromium } from './chromium.ts';
import { call, logIn, logOut, openApp, shows } from './people.ts';
import { startRealApp, type RealApp } from './real-app.ts';
import { readableIn, tracesOf } from './traces.ts';

// The app's own page in Chromium, over oidc-provider. What one framework shows for all is in one-framework.test.ts.
const FRAMEWORKS = new Set(['Express 5', 'Fastify 5', 'Koa 3', 'NestJS 12 on Express']);

// a login takes many pages, and slow machines take long for each
vi.setConfig({ testTimeout: 60_000 });

const browser = useChromium();

describe.each(frameworks.filter(({ name }) => FRAMEWORKS.has(name)))('$name', (framework) => {
  let app: RealApp;
  let context: BrowserContext;

  beforeAll(async () => {
    app = await startRealApp(framework);
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    context = await browser.newContext();
  });
  afterEach(() => context.close());

  test('login with consent, calls, a refresh and logout, and no token within reach of the browser', async () => {
    const page = await openApp(context, app);
    expect((await call(page, '/me'))[0]).toBe(401);
    expect((await call(page, '/api/orders'))[0]).toBe(401);

    await logIn(page, 'alice', '/?tab=2#orders');
    expect(page.url()).toBe(`${app.origin}/?tab=2#orders`);
    const cookies = (await context.cookies(app.origin)).filter(({ name }) => name !== 'theme');
    expect(cookies.map(({ name, httpOnly, secure, sameSite, path, domain }) => [name.replace(/\.\d$/, ''), httpOnly, secure, sameSite, path, domain])).toEqual(
      cookies.map(() => ['__Host-session', true, true, 'Strict', '/', 'localhost']),
    );
    expect(cookies.length).toBeGreaterThan(0);
    expect(await call(page, '/me')).toEqual([200, '{"subject":"alice"}']);
    expect(await call(page, '/api/orders/1?x=%2F')).toEqual([200, '{"method":"GET","url":"/orders/1?x=%2F","body":""}']);
    expect(await page.evaluate(async () => (await fetch('/api/orders')).status)).toBe(403);

    const before = app.upstream.seen.at(-1)!.headers.authorization;
    app.clock.advance(290);
    expect((await call(page, '/api/orders'))[0]).toBe(200);
    expect((await call(page, '/me'))[0]).toBe(200);
    expect(app.refreshes()).toBe(1);
    expect(app.upstream.seen.at(-1)!.headers.authorization).not.toBe(before);
    await page.reload();
    await shows(page, 'alice');
    const readable = await readableIn(page);

    await logOut(page);
    expect(await call(page, '/me')).toEqual([401, expect.any(String)]);
    expect((await context.cookies(app.origin)).filter(({ name }) => name !== 'theme')).toEqual([]);
    const refreshTokens = app.issued.filter(({ kind }) => kind === 'refresh_token');
    expect(refreshTokens).toHaveLength(2);
    expect(await app.provider.provider.RefreshToken.find(refreshTokens[1]!.token)).toBeUndefined();

    // the logout takes one token to the issuer through the browser: the ID token, which says what session to end there
    const secret = app.issued.filter(({ kind }) => kind !== 'id_token');
    expect(secret).toHaveLength(4);
    const sent = app.sent().join('\n');
    expect(secret.flatMap(tracesOf).filter((trace) => sent.includes(trace))).toEqual([]);
    expect(app.issued.flatMap(tracesOf).filter((trace) => readable.includes(trace))).toEqual([]);
  });
});
