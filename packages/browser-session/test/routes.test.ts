import { describe, expect, test } from 'vitest';
import { CSRF, startWorld, type World } from './world.ts';

const CROSS_SITE = {
  type: 'about:blank',
  title: 'Forbidden',
  status: 403,
  error: 'cross_site_request',
  reason: 'cross_site_request',
  detail: 'A request with the session cookie needs the header x-tokenward-csrf: 1, and must come from the app itself',
};

const ROUTES = [
  ['GET', 'user'],
  ['POST', 'token'],
  ['POST', 'logout'],
] as const;

describe.each(ROUTES)('rule 129: %s /session/%s', (method, route) => {
  test.each([
    ['without the custom header', {}],
    ['with another value of the header', { 'x-tokenward-csrf': '0' }],
    ['with the header twice', { 'x-tokenward-csrf': '1, 1' }],
    ['with the Origin of another site', { ...CSRF, origin: 'https://evil.example' }],
    ['with the Origin null', { ...CSRF, origin: 'null' }],
    ['with another port in Origin', { ...CSRF, origin: 'http://127.0.0.1:1' }],
    ['with Sec-Fetch-Site cross-site', { ...CSRF, 'sec-fetch-site': 'cross-site' }],
    ['with Sec-Fetch-Site same-site', { ...CSRF, 'sec-fetch-site': 'same-site' }],
    ['with Sec-Fetch-Site none', { ...CSRF, 'sec-fetch-site': 'none' }],
    ['with an unknown Sec-Fetch-Site', { ...CSRF, 'sec-fetch-site': '' }],
  ])('refuses a request %s, and the session goes on', async (_what, headers) => {
    const world = await startWorld({ session: { mode: 'token-mediating' } });
    const answer = await handle(world, method, `/session/${route}`, headers);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(await answer.json()).toEqual(CROSS_SITE);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  });

  test('accepts a request of the app itself, from browsers old and new', async () => {
    const world = await startWorld({ session: { mode: 'token-mediating' } });
    expect((await handle(world, method, `/session/${route}`, { ...CSRF, origin: world.app.origin, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });
});

test.each([
  ['GET', 'logout', 'POST'],
  ['GET', 'token', 'POST'],
  ['POST', 'user', 'GET'],
  ['HEAD', 'login', 'GET'],
  ['GET', 'backchannel-logout', 'POST'],
  ['DELETE', 'logout', 'POST'],
])('rule 129: %s /session/%s changes nothing', async (method, route, allow) => {
  const world = await startWorld({ session: { mode: 'token-mediating' } });
  const answer = await handle(world, method, `/session/${route}`, CSRF);
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
  expect(answer.headers.getSetCookie()).toEqual([]);
  expect(await world.callApi()).toMatchObject({ sub: 'alice' });
});

describe('who is logged in: GET /session/user', () => {
  test('asking who is logged in is no 401: the answer is 200 with null', async () => {
    const world = await startWorld({ isLoggedIn: false });
    const answer = await world.page('GET', '/session/user');
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([200, 'application/json', 'no-store']);
    expect(await answer.text()).toBe('{"user":null}');
  });

  test('answers with the subject, the scopes and the end of the access token, and nothing else', async () => {
    const world = await startWorld();
    const answer = await world.page('GET', '/session/user');
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(await answer.json()).toEqual({
      user: { subject: 'alice', scopes: ['orders:read'], expiresAt: Math.floor(world.clock.now() / 1000) + 300 },
    });
  });

  test('refreshes nothing', async () => {
    const world = await startWorld();
    world.clock.advance(301);
    expect(await (await world.page('GET', '/session/user')).json()).toMatchObject({ user: { subject: 'alice' } });
    expect(world.refreshes()).toBe(0);
  });

  test('deletes the cookie of a session that has ended', async () => {
    const world = await startWorld({ session: { idleSeconds: 600 } });
    world.clock.advance(601);
    const answer = await world.page('GET', '/session/user');
    expect(await answer.json()).toEqual({ user: null });
    expect(answer.headers.getSetCookie()).toEqual(['__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict']);
    expect(world.sessionEvents()).toEqual(['login done', 'end done idle']);
  });
});

describe('the token for the page: POST /session/token', () => {
  test('rule 136: is not there in mode bff, with the header and without', async () => {
    const world = await startWorld();
    for (const [method, headers] of [
      ['POST', CSRF],
      ['POST', {}],
      ['GET', CSRF],
    ] as const) {
      const answer = await handle(world, method, '/session/token', headers);
      expect([answer.status, await answer.json()]).toEqual([404, { type: 'about:blank', title: 'Not Found', status: 404, detail: 'There is nothing here' }]);
    }
  });

  test('rule 136: gives the access token alone, and never the refresh token', async () => {
    const world = await startWorld({ session: { mode: 'token-mediating' } });
    const answer = await world.page('POST', '/session/token');
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const body = (await answer.json()) as Record<string, unknown>;
    expect(body).toEqual({
      accessToken: world.issued.find(({ kind }) => kind === 'access_token')!.token,
      expiresAt: Math.floor(world.clock.now() / 1000) + 300,
      scopes: ['orders:read'],
    });
    const refreshTokens = world.issued.filter(({ kind }) => kind === 'refresh_token');
    expect(refreshTokens).toHaveLength(1);
    expect(JSON.stringify(body)).not.toContain(refreshTokens[0]!.token);
  });

  test('gives a fresh token near the end of the old one, and its cookie', async () => {
    const world = await startWorld({ session: { mode: 'token-mediating' } });
    world.clock.advance(271);
    const answer = await world.page('POST', '/session/token');
    expect(await answer.json()).toMatchObject({ expiresAt: Math.floor(world.clock.now() / 1000) + 300 });
    expect(answer.headers.getSetCookie().join()).toMatch(/^__Host-session=/);
  });

  test('answers 401 without a session, and 503 if the token cannot be refreshed', async () => {
    const world = await startWorld({ session: { mode: 'token-mediating' } });
    world.clock.advance(301);
    world.provider.intercept = (_request, response) => {
      response.writeHead(500).end();
      return true;
    };
    const unavailable = await world.page('POST', '/session/token');
    expect([unavailable.status, unavailable.headers.get('retry-after'), unavailable.headers.getSetCookie()]).toEqual([503, '1', []]);
    expect(await unavailable.json()).toMatchObject({ error: 'temporarily_unavailable' });
    world.browser.cookies(world.app.origin).clear();
    const nobody = await world.page('POST', '/session/token');
    expect([nobody.status, nobody.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(await nobody.json()).toEqual({ type: 'about:blank', title: 'Unauthorized', status: 401, detail: 'Nobody is logged in' });
  });
});

describe('other addresses', () => {
  test.each(['/session', '/session/', '/session/unknown', '/session/user/', '/session//user', '/session/%75ser', '/other', '/session/../session2/user'])(
    'answers %s with 404',
    async (path) => {
      const world = await startWorld({ isLoggedIn: false });
      expect((await handle(world, 'GET', path, CSRF)).status).toBe(404);
    },
  );

  test('tells which URLs are for the session', async () => {
    const { app } = await startWorld({ isLoggedIn: false });
    const { session } = app;
    const ours = ['/session/user', '/session/user?x=1', '/session/unknown', 'https://other.example/session/login', new URL('https://a.example/session/x#y')];
    const others = ['/session', '/sessions/user', '/', '', 'session/user', '//evil.example/session/user', '/api?next=/session/user', '/api#/session/user'];
    expect(ours.map((url) => session!.isSessionRoute(url))).toEqual(ours.map(() => true));
    expect(others.map((url) => session!.isSessionRoute(url))).toEqual(others.map(() => false));
  });
});

describe('session.get', () => {
  test('returns the user to render a page, without the custom header, and never a token', async () => {
    const world = await startWorld();
    const cookie = cookieOf(world);
    const user = await world.app.session!.get({ headers: { cookie } });
    expect(user).toEqual({ subject: 'alice', scopes: ['orders:read'], expiresAt: Math.floor(world.clock.now() / 1000) + 300 });
    expect(await world.app.session!.get(new Request(world.app.origin, { headers: { cookie } }))).toEqual(user);
    expect(await world.app.session!.get({ headers: {} })).toBeUndefined();
    expect(await world.app.session!.get({ headers: { cookie: ['a=b', cookie] } })).toEqual(user);
    // names in any case, as platforms pass them on that are not Node
    expect(await world.app.session!.get({ headers: { Cookie: cookie } })).toEqual(user);
    expect(await world.app.session!.get({ headers: { Cookie: cookie, 'Sec-Fetch-Site': 'cross-site' } })).toBeUndefined();
    expect(await world.app.session!.get({ headers: { cookie, 'SEC-FETCH-SITE': 'cross-site' } })).toBeUndefined();
  });

  test('counts as a use of a session in an encrypted cookie, though it cannot write the cookie', async () => {
    const world = await startWorld({ session: { idleSeconds: 400 } });
    for (let visits = 0; visits < 4; visits++) {
      world.clock.advance(300);
      expect(await world.app.session!.get({ headers: { cookie: cookieOf(world) } })).toMatchObject({ subject: 'alice' });
    }
    world.clock.advance(300);
    const another = await world.startAnother();
    expect(await (await world.page('GET', '/session/user')).json()).toMatchObject({ user: { subject: 'alice' } });
    // its answer has written the use
    expect(await (await world.page('GET', '/session/user', another.origin)).json()).toMatchObject({ user: { subject: 'alice' } });
  });

  test('a polluted prototype gives no request a session', async () => {
    const world = await startWorld();
    const cookie = cookieOf(world);
    const prototype = Object.prototype as { cookie?: string };
    prototype.cookie = cookie;
    try {
      expect(await world.app.session!.get({ headers: {} })).toBeUndefined();
    } finally {
      delete prototype.cookie;
    }
  });

  test('rejects what is no request', async () => {
    const { app } = await startWorld({ isLoggedIn: false });
    await expect(app.session!.get({ headers: undefined as never })).rejects.toThrow('headers');
  });
});

function cookieOf({ browser, app }: World): string {
  return [...browser.cookies(app.origin)].map(([name, value]) => `${name}=${value}`).join('; ');
}

/** Passes a request with the browser's cookies straight to the session: some header fields cannot be set with `fetch`. */
function handle(world: World, method: string, path: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  const cookie = cookieOf(world);
  const request = new Request(new URL(path, world.app.origin), { method });
  const fields = new Headers({ cookie, ...headers });
  return world.app.session!.handle(Object.defineProperty(request, 'headers', { value: fields }));
}
