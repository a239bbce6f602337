import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startChromium } from './chromium.ts';
import { passLoginPage } from './people.ts';
import { HOSTS, startSites, type Sites } from './hostile-sites.ts';
import { learnFrom, learnFromWindows } from './oracles.ts';
import { PAGES, TELLING } from './told-pages.ts';

let browser: Browser;
let sites: Sites;
/** Alice is logged in here, and visits the attacker's pages. */
let victim: BrowserContext;
/** A page of the app in her browser. */
let own: Page;
/** The attacker has a login of his own, and another one that stopped before its callback. */
let mallory: { readonly session: string; readonly attempt: readonly [name: string, value: string]; readonly callback: string };

beforeAll(async () => {
  [browser, sites] = await Promise.all([startChromium(HOSTS), startSites()]);
  const attacker = await newContext();
  victim = await newContext();
  await Promise.all([logIn(victim, 'alice'), logIn(attacker, 'mallory')]);
  own = await victim.newPage();
  await own.goto(sites.app);
  const stolen = sites.stealCallback();
  const page = await openLogin(attacker);
  const callback = await stolen;
  const cookies = await cookiesOf(attacker);
  mallory = { callback, session: cookies['__Host-session']!, attempt: Object.entries(cookies).find(([name]) => name.startsWith('__Host-login-'))! };
  await page.close();
  await attacker.close();
}, 60_000);
afterAll(async () => {
  await browser.close();
  await sites.close();
});

// the sites show the certificate of another host
const newContext = (): Promise<BrowserContext> => browser.newContext({ ignoreHTTPSErrors: true });

/** Begins a login on a page of the app, as its user would. */
async function openLogin(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(sites.app);
  await page.evaluate(() => location.assign('/session/login'));
  return page;
}

async function logIn(context: BrowserContext, name: string): Promise<void> {
  const page = await openLogin(context);
  await passLoginPage(page, name, `${sites.app}/`);
  await page.close();
}

/** Asks who is logged in, as the app's own page does. */
function subjectIn(page: Page): Promise<string | null> {
  return page.evaluate(async () => {
    const response = await fetch('/session/user', { headers: { 'x-tokenward-csrf': '1' } });
    const { user } = (await response.json()) as { user: { subject: string } | null };
    return user && user.subject;
  });
}

async function cookiesOf(context: BrowserContext): Promise<Record<string, string>> {
  return Object.fromEntries((await context.cookies(sites.app)).map(({ name, value }) => [name, value]));
}

async function openEvil(site: 'sibling' | 'stranger', context = victim): Promise<Page> {
  const page = await context.newPage();
  await page.goto(sites[site]);
  return page;
}

/** Runs an attack, and returns how the app answered. It waits for as many answers as the attack sends requests. */
async function answersTo(count: number, attack: () => Promise<unknown>): Promise<readonly string[]> {
  sites.answered.length = 0;
  await attack();
  await expect.poll(() => sites.answered.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(count);
  return sites.answered.toSorted();
}

const accepted = (answers: readonly string[]): readonly string[] => answers.filter((answer) => !/ 4\d\d$/.test(answer));

const ROUTES = ['user', 'token', 'logout', 'logout/continue', 'login', 'callback', 'callback?code=stolen&state=guessed', 'backchannel-logout'];
const CAME_FROM_OTHER_SITE = 'text=You came here from another site';

describe.each(['sibling', 'stranger'] as const)('a site that is a %s', (site) => {
  let before: Record<string, string>;
  let requestsBefore: number;
  let evil: Page;

  beforeEach(async () => {
    before = await cookiesOf(victim);
    requestsBefore = sites.provider.requests.length;
    sites.upstream.seen.length = 0;
    evil = await openEvil(site);
  });
  afterEach(() => evil.close());

  /** No attack has logged in, logged out, called the API, or planted or taken a cookie. */
  async function expectNothing(): Promise<void> {
    expect(await cookiesOf(victim)).toEqual(before);
    expect(sites.provider.requests.length).toBe(requestsBefore);
    expect(sites.upstream.seen).toEqual([]);
    expect(await subjectIn(own)).toBe('alice');
  }

  test('rule 129: forms of every encoding cannot log in, log out, get the token or call the API', async () => {
    const paths = ['/session/logout', '/session/token', '/api/orders', '/session/user', '/session/login', '/session/callback', '/session/backchannel-logout'];
    const encodings = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'];
    const forms = paths.flatMap((path, index) => encodings.slice(0, index < 3 ? 3 : 1).map((type) => ({ action: sites.app + path, type })));
    const answers = await answersTo(forms.length, () =>
      evil.evaluate((all) => {
        for (const [index, { action, type }] of all.entries()) {
          const frame = document.createElement('iframe');
          frame.name = `frame-${index}`;
          document.body.append(frame);
          const form = document.createElement('form');
          Object.assign(form, { method: 'post', action, enctype: type, target: frame.name });
          form.innerHTML = '<input name="x-tokenward-csrf" value="1"><input name="_method" value="GET"><input name="logout_token" value="a.b.c">';
          document.body.append(form);
          form.submit();
        }
      }, forms),
    );
    expect(accepted(answers)).toEqual([]);
    // nor a form that takes the whole window
    await evil.evaluate((app) => {
      document.body.innerHTML = `<form method="post" action="${app}/session/logout"></form>`;
      document.forms[0]!.submit();
    }, sites.app);
    await evil.waitForURL(`${sites.app}/session/logout`);
    await expectNothing();
  });

  test('rule 189: a popup starts no login, and the site that opened it loses it', async () => {
    for (const route of ['login?prompt=none&login_hint=mallory', 'callback?state=guessed.r']) {
      const opening = evil.waitForEvent('popup');
      await evil.evaluate((url) => void Object.assign(window, { popup: window.open(url, 'named-by-the-attacker') }), `${sites.app}/session/${route}`);
      const popup = await opening;
      await popup.waitForSelector('a');
      await evil.waitForFunction(() => (window as unknown as { popup: Window }).popup.closed);
      expect(await popup.evaluate(() => [window.opener, window.name])).toEqual([null, '']);
      await popup.close();
    }
    await expectNothing();
  });

  test("rule 124: the callback of an attacker's login does not log the victim in as the attacker", async () => {
    await evil.evaluate((url) => location.assign(url), mallory.callback);
    await evil.waitForSelector(CAME_FROM_OTHER_SITE);
    await expectNothing();
  });

  // the browser sends the cookies with a sibling's requests, and not with a stranger's
  if (site === 'stranger') return;

  test('rule 129: images, scripts, styles, prefetches and beacons cannot log in, log out, call the API or tell who is logged in', async () => {
    const answers = await answersTo(ROUTES.length * 4 + 2, () =>
      evil.evaluate(
        ([app, routes]) => {
          const elements = [
            ['img', 'src', ''],
            ['script', 'src', ''],
            ['link', 'href', 'stylesheet'],
            ['link', 'href', 'prefetch'],
          ] as const;
          for (const route of routes) {
            for (const [tag, attribute, rel] of elements) {
              const element = document.createElement(tag);
              if (rel !== '') element.setAttribute('rel', rel);
              element.setAttribute(attribute, `${app}/session/${route}${route.includes('?') ? '&' : '?'}${tag}${rel}`);
              document.head.append(element);
            }
          }
          navigator.sendBeacon(`${app}/session/logout`, 'x');
          navigator.sendBeacon(`${app}/api/orders`, 'x');
        },
        [sites.app, ROUTES] as const,
      ),
    );
    // the elements can tell a refusal from a success, and so could the attacker
    expect(new Set(accepted(answers))).toEqual(new Set(['GET /session/logout/continue 303']));
    await expectNothing();
  });

  test('rule 189: events, frames, caches, resource timing, reports, windows and WebSockets do not tell who is logged in', { timeout: 60_000 }, async () => {
    const nobody = await newContext();
    const [nobodysOwn, evilOfNobody] = await Promise.all([nobody.newPage(), openEvil(site, nobody)]);
    await nobodysOwn.goto(sites.app);
    sites.upstream.answer = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'text/javascript', 'cache-control': 'max-age=600' }).end('/* kept */');
    const paths = [...ROUTES.map((route) => `/session/${route}`), '/api/orders', ...PAGES];
    // the app's own pages fill the cache, which the browser shares with siblings
    for (const page of [own, nobodysOwn]) {
      // eslint-disable-next-line no-await-in-loop
      await page.evaluate(
        (all) => Promise.all(all.map(async (path) => (await fetch(path, { headers: { 'x-tokenward-csrf': '1' } })).text())),
        ['/api/orders', '/guarded', '/optional'],
      );
    }
    const [told, untold] = await Promise.all([evil, evilOfNobody].map((page) => learnFrom(page, sites.app, [...paths, TELLING])));
    const windows = ['/session/user', '/session/login', ...PAGES, TELLING];
    const [toldByWindows, untoldByWindows] = await Promise.all([evil, evilOfNobody].map((page) => learnFromWindows(page, sites.app, windows)));
    await nobody.close();
    for (const [alices, nobodys] of [
      [told!, untold!],
      [toldByWindows!, untoldByWindows!],
    ] as const) {
      const { [TELLING]: gaveAway, ...rest } = alices;
      const { [TELLING]: other, ...others } = nobodys;
      expect(rest).toEqual(others);
      // the attacks work
      expect(gaveAway).not.toEqual(other);
    }
    sites.upstream.answer = undefined;
    await expectNothing();
  });

  test('rule 136: no fetch reads the user or the token, with the custom header and without', async () => {
    const read = await evil.evaluate(
      async ([app, paths]) => {
        const texts: string[] = [];
        const attempts = paths.flatMap((path) =>
          ['GET', 'POST'].flatMap((method) =>
            [
              { mode: 'cors', headers: {} },
              { mode: 'cors', headers: { 'x-tokenward-csrf': '1' } },
              { mode: 'no-cors', headers: { 'x-tokenward-csrf': '1' } },
            ].map((init) => ({ path, init: { ...init, method, credentials: 'include' } as RequestInit })),
          ),
        );
        await Promise.all(
          attempts.map(async ({ path, init }) => {
            try {
              const response = await fetch(app + path, init);
              if (response.type !== 'opaque') texts.push(`${init.method} ${path} ${response.status}`);
            } catch {
              // the browser hides the answer
            }
          }),
        );
        return texts;
      },
      [sites.app, [...ROUTES.map((route) => `/session/${route}`), '/api/orders']] as const,
    );
    expect(read).toEqual([]);
    await expectNothing();
  });

  test('rule 129: links and frames start no login, and the frames show nothing', async () => {
    await answersTo(3, () =>
      evil.evaluate((app) => {
        document.body.innerHTML = `<iframe src="${app}/session/login"></iframe><object data="${app}/session/login"></object><embed src="${app}/session/login">`;
      }, sites.app),
    );
    await expect.poll(() => evil.frames()[1]!.url()).toMatch(/^chrome-error:/);
    const answers = await answersTo(1, () => evil.evaluate((app) => location.assign(`${app}/session/login?returnTo=//evil.test`), sites.app));
    expect(answers).toEqual(['GET /session/login 200']);
    await evil.waitForSelector(CAME_FROM_OTHER_SITE);
    expect(await evil.getAttribute('a', 'href')).toBe('/session/login');
    await expectNothing();
  });
});

test('rule 128: a sibling can plant neither the cookie of a session nor that of a login, in any spelling of its name', async () => {
  const spellings = (name: string): string[] => [
    name,
    name.toLowerCase(),
    name.toUpperCase(),
    `=${name}`,
    ` ${name}`,
    `\t${name}`,
    `"${name}"`,
    `${name} `,
    `x; ${name}`,
    name.replace('__Host-', ''),
    name.replace('__Host-', '__Secure-'),
    name.replace('__', '%5F_'),
    `\u2000${name}`,
    `\u00a0${name}`,
    `\u0085${name}`,
    `\ufeff${name}`,
    `$Version=1; ${name}`,
  ];
  const lines = [['__Host-session', mallory.session] as const, mallory.attempt].flatMap(([name, value]) =>
    spellings(name).flatMap((spelled) =>
      ['Path=/', 'Path=/session', 'Path=/; Secure; HttpOnly'].map((attributes) => `${spelled}=${value}; Domain=example.test; ${attributes}`),
    ),
  );
  const context = await newContext();
  // Node writes a header's characters as bytes
  sites.evilCookies = lines.map((line) => Buffer.from(line).toString('latin1')).filter((line) => /^[\t\x20-\x7e\x80-\xff]*$/.test(line));
  const evil = await openEvil('sibling', context);
  sites.evilCookies = [];
  await evil.evaluate((all) => {
    for (const line of all) document.cookie = line;
  }, lines);
  // those that the browser takes reach the app, and the app reads them
  const planted = await context.cookies(sites.app);
  expect(planted.length).toBeGreaterThan(10);
  expect(planted.reduce((length, { name, value }) => length + name.length + value.length + 3, 0)).toBeLessThan(60_000);
  const page = await context.newPage();
  await page.goto(sites.app);
  expect(await subjectIn(page)).toBeNull();
  // whoever is not logged in yet is not logged in as the attacker either
  await evil.evaluate((url) => location.assign(url), mallory.callback);
  await evil.waitForSelector(CAME_FROM_OTHER_SITE);
  expect(await subjectIn(page)).toBeNull();
  await context.close();
});
