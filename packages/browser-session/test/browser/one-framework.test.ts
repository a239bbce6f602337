import { memorySessions } from '@tokenward/core';
import type { BrowserSessionOptions } from '@tokenward/browser-session';
import type { BrowserContext, Page } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { frameworks } from '../frameworks.ts';
import { useChromium } from './chromium.ts';
import { call, logIn, logOut, openApp, shows } from './people.ts';
import { startRealApp, type RealApp } from './real-app.ts';
import { readableIn, tracesOf } from './traces.ts';

// What does not depend on the framework, in both modes.
const EXPRESS = frameworks.find(({ name }) => name === 'Express 5')!;
const FIVE_MINUTES_MS = 300_000;

// a login takes many pages, and slow machines take long for each
vi.setConfig({ testTimeout: 60_000 });

const browser = useChromium();

const MODES = {
  'bff, with a store': () => ({ mode: 'bff', store: memorySessions() }),
  'token-mediating, with encrypted cookies': () => ({ mode: 'token-mediating' }),
} as const satisfies Record<string, () => Partial<BrowserSessionOptions>>;

describe.each(Object.entries(MODES))('%s', (_name, options) => {
  const { mode } = options();
  let app: RealApp;
  let context: BrowserContext;

  beforeEach(async () => {
    [app, context] = await Promise.all([startRealApp(EXPRESS, options()), browser.newContext()]);
  });
  afterEach(async () => {
    await context.close();
    await app.close();
  });

  /** Lets the access token end for the server, and for pages whose clock was installed. */
  async function endToken(...pages: readonly Page[]): Promise<void> {
    app.clock.advance(FIVE_MINUTES_MS / 1000 - 10);
    for (const page of pages) await page.clock.fastForward(2 * FIVE_MINUTES_MS);
  }

  test('rule 136: no refresh token leaves the server, and no token is where scripts can read it, not even with a service worker that keeps all answers', async () => {
    const page = await openApp(context, app);
    await page.evaluate(async () => {
      await navigator.serviceWorker.register('/worker.js');
      if (!navigator.serviceWorker.controller) await new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve));
    });
    await logIn(page);
    expect((await call(page, '/me'))[0]).toBe(200);
    await page.reload();
    await shows(page, 'alice');
    expect(await call(page, '/api/orders')).toEqual([200, expect.stringContaining('/orders')]);
    const readable = await readableIn(page);
    expect(readable).toContain(`${app.origin}/session/user`);
    expect(app.issued.flatMap(tracesOf).filter((trace) => readable.includes(trace))).toEqual([]);
    const cookies = await context.cookies(app.origin);
    expect(
      cookies.filter(({ name, httpOnly, secure, sameSite }) => name.startsWith('__Host-session') && httpOnly && secure && sameSite === 'Strict').length,
    ).toBeGreaterThan(0);

    const answers = app.sent().join('\n') + JSON.stringify(cookies);
    const kinds = new Set(app.issued.filter((one) => tracesOf(one).some((trace) => answers.includes(trace))).map(({ kind }) => kind));
    expect([...kinds]).toEqual(mode === 'bff' ? [] : ['access_token']);
  });

  test('rule 130, refresh races: fifty parallel calls in two tabs with an ended token make one refresh', async () => {
    const one = await openApp(context, app);
    await one.clock.install();
    await logIn(one);
    const other = await context.newPage();
    await other.clock.install();
    await other.goto(app.origin);
    await shows(other, 'alice');
    await endToken(one, other);
    const statuses = await Promise.all(
      [one, other].map((page) =>
        page.evaluate(() => Promise.all(Array.from({ length: 25 }, async (_, at) => (await window.session.fetch(at % 2 ? '/me' : '/api/orders')).status))),
      ),
    );
    expect(statuses.flat()).toEqual(Array.from({ length: 50 }, () => 200));
    expect(app.refreshes()).toBe(1);
    expect(await call(one, '/me')).toEqual([200, '{"subject":"alice"}']);
  });

  if (mode === 'token-mediating')
    test('silent renew: a page that stays open goes on without a frame, a navigation, or a request of the browser to the issuer', async () => {
      const page = await openApp(context, app);
      await page.clock.install();
      await logIn(page);
      const before = app.provider.requests.length;
      const moved: string[] = [];
      page.on('framenavigated', (frame) => void moved.push(frame.url()));
      page.on('frameattached', (frame) => void moved.push(frame.url()));
      for (let times = 0; times < 2; times++) {
        await endToken(page);
        expect((await call(page, '/me'))[0]).toBe(200);
      }
      expect(moved).toEqual([]);
      // the server may look up metadata and keys again
      expect(app.provider.requests.slice(before).filter((request) => !/^GET \/(?:\.well-known\/openid-configuration|jwks)$/.test(request))).toEqual([
        'POST /token',
        'POST /token',
      ]);
    });

  test('two tabs: a logout in one ends both', async () => {
    const one = await openApp(context, app);
    await logIn(one);
    const other = await openApp(context, app, 'alice');
    await logOut(one);
    await shows(other, 'nobody');
    expect(await other.textContent('#ended')).toBe('logout;');
    expect((await call(other, '/me'))[0]).toBe(401);
  });

  if (mode === 'token-mediating')
    test.each([FIVE_MINUTES_MS, -FIVE_MINUTES_MS])('a clock of the page that is wrong by %i ms changes nothing', async (offset) => {
      const page = await context.newPage();
      await page.clock.install({ time: Date.now() + offset });
      await page.goto(app.origin);
      await logIn(page);
      const asked: string[] = [];
      page.on('request', (request) => void asked.push(new URL(request.url()).pathname));
      for (const path of ['/me', '/me']) expect((await call(page, path))[0]).toBe(200);
      expect(asked).toEqual(['/me', '/me']);
      await endToken(page);
      expect((await call(page, '/me'))[0]).toBe(200);
      expect(app.refreshes()).toBe(1);
    });
});
