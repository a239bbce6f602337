import type { BrowserSessionOptions } from '@tokenward/browser-session';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { createBrowser } from './browser.ts';
import type { RunningProvider } from './provider.ts';
import { cookiesOf, startWorld, type World } from './world.ts';

const loginParameters: NonNullable<BrowserSessionOptions['loginParameters']> = {
  organization: ['org_1', 'org_2'],
  ui_locales: /[a-z]{2}|en-GB/,
  login_hint: (value) => value.endsWith('@example.com'),
  domain_hint: () => Promise.resolve(true) as unknown as boolean,
  kc_idp_hint() {
    throw new Error('no such provider');
  },
  display: () => true,
};

function start(session: Partial<BrowserSessionOptions> = {}, provider: Parameters<typeof startWorld>[0] = {}): Promise<World> {
  return startWorld({ session: { loginParameters, ...session }, ...provider, isLoggedIn: false });
}

async function asked({ browser, app }: World, query: string): Promise<URLSearchParams> {
  const response = await browser.visit(`${app.origin}/session/login?${query}`);
  expect(response.status, query).toBe(302);
  return new URL(response.headers.get('location')!).searchParams;
}

test('organisations: a login has the parameters that the option names, and no others', async () => {
  const world = await start({ authorizationParameters: { ui_locales: 'fr', brand: 'blue' } });
  const first = await asked(world, 'organization=org_1&ui_locales=de&login_hint=a%2Bb@example.com&display=caf%C3%A9%20%26x=1&colour=red');
  expect(Object.fromEntries(first)).toMatchObject({
    organization: 'org_1',
    ui_locales: 'de',
    login_hint: 'a+b@example.com',
    display: 'café &x=1',
    brand: 'blue',
  });
  expect([first.has('colour'), first.has('x')]).toEqual([false, false]);
  const second = await asked(world, 'organization=');
  expect([second.has('organization'), second.get('ui_locales')]).toEqual([false, 'fr']);
});

test('organisations: a pushed request has them, and the address of the browser has not', async () => {
  const world = await start({}, { provider: { pushedRequests: 'required', configuration: { extraParams: ['organization'] } } });
  const pushed = pushedParameters(world.provider);
  const query = await asked(world, 'organization=org_2');
  expect([...query.keys()].sort()).toEqual(['client_id', 'request_uri']);
  expect(pushed).toEqual([expect.objectContaining({ organization: 'org_2' })]);
});

describe('rule 200: a page chooses only what the option loginParameters accepts', () => {
  test.each([
    'organization=org_3',
    'organization=ORG_1',
    'organization=org_1&organization=org_1',
    'organization=org_1&organization=org_2',
    'organization=org_1%0d%0aset-cookie:%20a=b',
    'organization=org_1%00',
    'organization=org_1,org_2',
    'ui_locales=english',
    'ui_locales=de%0afr',
    'ui_locales=en-GB-x',
    'login_hint=mallory@evil.example',
    'login_hint=a@example.com&loginHint=b@example.com',
    'domain_hint=example.com',
    'kc_idp_hint=google',
    `display=${'a'.repeat(501)}`,
    'display=a%E2%80%AEb',
    'display=a%0ab',
    'display=%E2%80%A8',
  ])('%s is refused', async (query) => {
    const world = await place();
    const response = await world.browser.visit(`${world.app.origin}/session/login?${query}`);
    expect(response.status).toBe(400);
    const text = await response.text();
    for (const part of ['org_', 'evil', 'english', 'google']) expect(text).not.toContain(part);
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  test.each([
    '__proto__=x&constructor=y&toString=z&hasOwnProperty=1',
    'organization[]=org_1&organization[0]=org_1&Organization=org_1&ORGANIZATION=org_1&organization%00=org_1',
    'client_id=evil&redirect_uri=https://evil.example&response_type=token&scope=admin&nonce=1&code_challenge=1&code_challenge_method=plain&request=x&claims=x',
  ])('%s is ignored', async (query) => {
    const world = await place();
    const names = [...(await asked(world, 'returnTo=/')).keys()];
    const parameters = await asked(world, query);
    expect([...parameters.keys()]).toEqual(names);
    expect(Object.fromEntries(parameters)).toMatchObject({
      client_id: world.provider.clientId,
      redirect_uri: `${world.app.origin}/session/callback`,
      response_type: 'code',
      code_challenge_method: 'S256',
      scope: 'openid offline_access orders:read',
    });
  });

  test('what a polluted prototype has is no option', async () => {
    Object.assign(Object.prototype, { brand: ['evil'] });
    onTestFinished(() => void delete (Object.prototype as Record<string, unknown>)['brand']);
    const world = await start();
    expect((await asked(world, 'brand=evil')).has('brand')).toBe(false);
  });

  test('a list that is changed after the start changes nothing', async () => {
    const organization = ['org_1'];
    const world = await start({ loginParameters: { organization } });
    organization.push('org_9');
    expect((await world.browser.visit(`${world.app.origin}/session/login?organization=org_9`)).status).toBe(400);
  });

  test('without the option nothing of the request is passed on but what the route knows', async () => {
    const world = await start({ loginParameters: undefined });
    const parameters = await asked(world, 'organization=org_1&login_hint=mallory');
    expect([parameters.has('organization'), parameters.get('login_hint')]).toEqual([false, 'mallory']);
  });
});

test('organisations: a login that failed is tried again with the same values, if the cookie has room for them', async () => {
  const world = await place();
  for (const [query, again] of [
    ['organization=org_1&display=x&returnTo=/orders', '/session/login?returnTo=%2Forders&#38;organization=org_1&#38;display=x'],
    [`organization=org_1&display=${'%E4%BD%A0'.repeat(400)}&returnTo=/${'a'.repeat(1000)}`, `/session/login?returnTo=%2F${'a'.repeat(1000)}"`],
  ] as const) {
    const state = (await asked(world, query)).get('state')!;
    for (const [name, value] of cookiesOf(world)) expect(name.length + value.length).toBeLessThan(3800);
    const response = await world.browser.visit(`${world.app.origin}/session/callback?error=access_denied&state=${state}&iss=${world.provider.issuer}`);
    expect(await response.text()).toContain(again);
  }
});

test('rule 129, login CSRF: a link of another site to a login with a hint leads to a page that asks first', async () => {
  const { app } = await place();
  const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  const response = await createBrowser().visit(`${app.origin}/session/login?organization=org_2&login_hint=mallory@example.com`, { headers });
  expect([response.status, response.headers.get('location')]).toEqual([200, null]);
  expect(await response.text()).toContain('href="/session/login?login_hint=mallory%40example.com&#38;organization=org_2"');
});

// one for the tests that change nothing of it
let shared: Promise<World> | undefined;
const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

async function place(): Promise<World> {
  shared ??= startWorld({ session: { loginParameters }, isLoggedIn: false, atEnd: (end) => void ends.push(end) });
  const world = await shared;
  world.browser.cookies(world.app.origin).clear();
  return world;
}

function pushedParameters({ provider }: RunningProvider): object[] {
  const pushed: object[] = [];
  provider.on('pushed_authorization_request.success', ({ oidc }) => void pushed.push({ ...oidc.params }));
  return pushed;
}
