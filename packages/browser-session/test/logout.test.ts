import { memoryRevocations, memorySessions } from '@tokenward/core';
import { SessionStoreError, type SessionStore } from '@tokenward/core/store';
import { describe, expect, test } from 'vitest';
import { cookiesOf, showCookies, startWorld, type World, type WorldOptions } from './world.ts';

const MODES = {
  'encrypted cookies': () => ({}),
  'a store in memory': () => ({ store: memorySessions() }),
} as const satisfies Record<string, () => WorldOptions['session']>;

interface LogoutAnswer {
  readonly location: string | null;
}

describe.each(Object.entries(MODES))('with %s', (_mode, options) => {
  test('logs out here and at the issuer: the answer leads there, and a copied cookie is dead', async () => {
    const world = await startWorld({ session: options() });
    const copy = cookiesOf(world);
    const answer = await world.page('POST', '/session/logout');
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const location = new URL(((await answer.json()) as LogoutAnswer).location!);
    expect(location.origin + location.pathname).toBe(`${world.provider.issuer}/session/end`);
    const idToken = world.issued.find(({ kind }) => kind === 'id_token')!.token;
    expect(Object.fromEntries(location.searchParams)).toEqual({
      id_token_hint: idToken,
      client_id: world.provider.clientId,
      post_logout_redirect_uri: `${world.app.origin}/`,
    });
    expect(answer.headers.getSetCookie()).toEqual(['__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict']);
    expect(world.sessionEvents()).toEqual(['login done', 'logout done']);
    // the issuer takes the request
    expect((await fetch(location, { redirect: 'manual' })).status).toBe(200);

    const refreshToken = world.issued.find(({ kind }) => kind === 'refresh_token')!.token;
    expect(await world.provider.provider.RefreshToken.find(refreshToken)).toBeUndefined();
    showCookies(world, copy);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    showCookies(world, copy);
    expect(await (await world.page('GET', '/session/user')).json()).toEqual({ user: null });
  });

  test('is idempotent: a second logout, and one without a session, answer 200 with null', async () => {
    const world = await startWorld({ session: options() });
    const copy = cookiesOf(world);
    await world.page('POST', '/session/logout');
    const nobody = await world.page('POST', '/session/logout');
    expect([nobody.status, await nobody.json()]).toEqual([200, { location: null }]);
    showCookies(world, copy);
    const again = await world.page('POST', '/session/logout');
    expect([again.status, await again.json()]).toEqual([200, { location: null }]);
    expect(again.headers.getSetCookie().length).toBeGreaterThan(0);
    expect(world.sessionEvents().filter((event) => event === 'logout done')).toHaveLength(1);
  });

  test('succeeds here with the issuer down, and tells of it by an event', async () => {
    const world = await startWorld({ session: { ...options(), timeoutSeconds: 1 } });
    const copy = cookiesOf(world);
    await world.provider.close();
    const answer = await world.page('POST', '/session/logout');
    expect(answer.status).toBe(200);
    expect(world.sessionEvents()).toEqual(['login done', 'logout failed issuer_unavailable']);
    showCookies(world, copy);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
  });

  test('the newest refresh token is revoked, though the cookie is from before the refresh', async () => {
    const world = await startWorld({ session: options() });
    const old = cookiesOf(world);
    world.clock.advance(301);
    await world.callApi();
    showCookies(world, old);
    await world.page('POST', '/session/logout');
    const newest = world.issued.findLast(({ kind }) => kind === 'refresh_token')!.token;
    expect(await world.provider.provider.RefreshToken.find(newest)).toBeUndefined();
    expect(world.sessionEvents()).toEqual(['login done', 'refresh done', 'logout done']);
  });

  test('the logout URL is too long with a giant ID token: a page of the app posts it, once', async () => {
    const world = await startWorld({ session: options(), provider: giantIdTokens() });
    const answer = await world.page('POST', '/session/logout');
    const { location } = (await answer.json()) as LogoutAnswer;
    expect(location).toBe(`${world.app.origin}/session/logout/continue`);
    const cookies = [...cookiesOf(world).keys()];
    expect(cookies).toContain('__Host-logout');
    expect(cookies).not.toContain('__Host-session');
    // rule 189: a page of a sibling domain can have the cookie sent, but neither use the form up nor learn of it
    const ahead = await world.browser.visit(location!, { headers: { 'sec-fetch-site': 'none', 'sec-purpose': 'prefetch' } });
    expect([ahead.status, ahead.headers.getSetCookie()]).toEqual([403, []]);
    const foreign = await world.browser.visit(location!, { headers: { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' } });
    expect([foreign.status, foreign.headers.get('location'), foreign.headers.getSetCookie()]).toEqual([303, '/', []]);
    const page = await world.browser.visit(location!, { headers: { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' } });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'sha256-[\w+/]{43}='; base-uri 'none'; frame-ancestors 'none'$/,
    );
    const html = await page.text();
    const idToken = world.issued.find(({ kind }) => kind === 'id_token')!.token;
    expect(html).toContain(`<form method="post" action="${world.provider.issuer}/session/end">`);
    expect(html).toContain(`<input type="hidden" name="id_token_hint" value="${idToken}">`);
    expect(cookiesOf(world).size).toBe(0);
    // the back button
    const again = await world.browser.visit(location!);
    expect([again.status, again.headers.get('location')]).toEqual([303, '/']);
  });
});

test('a giant ID token makes no cookie large if the app has a store', async () => {
  const world = await startWorld({ session: { store: memorySessions() }, provider: giantIdTokens() });
  const answer = await world.page('POST', '/session/logout');
  expect(answer.headers.getSetCookie().join().length).toBeLessThan(1000);
});

test('the continue page works for no copied cookie a minute later, and for no cookie of another kind', async () => {
  const world = await startWorld({ provider: giantIdTokens() });
  const session = cookiesOf(world).get('__Host-session')!;
  await world.page('POST', '/session/logout');
  const copy = cookiesOf(world);
  showCookies(world, new Map([['__Host-logout', session]]));
  expect((await world.browser.visit(`${world.app.origin}/session/logout/continue`)).status).toBe(303);
  world.clock.advance(61);
  showCookies(world, copy);
  expect((await world.browser.visit(`${world.app.origin}/session/logout/continue`)).status).toBe(303);
});

describe('with a store that cannot be reached', () => {
  test('the browser loses its cookie, and this process and its revocations end the session', async () => {
    const { store, cut } = breakable(memorySessions());
    const revocations = memoryRevocations();
    const world = await startWorld({ session: { store, revocations } });
    const copy = cookiesOf(world);
    cut(true);
    const answer = await world.page('POST', '/session/logout');
    expect(answer.status).toBe(200);
    expect(cookiesOf(world).size).toBe(0);
    expect(world.sessionEvents()).toEqual(['login done', 'logout failed store_unavailable']);
    cut(false);
    showCookies(world, copy);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
  });

  test('the continue page says that it is not available, and so does an event', async () => {
    const { store, cut } = breakable(memorySessions());
    const world = await startWorld({ session: { store }, provider: giantIdTokens() });
    await world.page('POST', '/session/logout');
    cut(true);
    expect((await world.browser.visit(`${world.app.origin}/session/logout/continue`)).status).toBe(503);
    expect(world.sessionEvents()).toEqual(['login done', 'logout done', 'logout failed store_unavailable']);
  });

  test('a refresh that cannot be saved is saved later, and its refresh token is not lost', async () => {
    const { store, cut } = breakable(memorySessions(), ['replace']);
    const world = await startWorld({ session: { store } });
    world.clock.advance(301);
    cut(true);
    expect(await world.callApi()).toMatchObject({ reason: 'session_unavailable' });
    expect(world.refreshes()).toBe(1);
    expect(world.sessionEvents()).toEqual(['login done', 'refresh failed store_unavailable']);
    cut(false);
    world.clock.advance(20);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    expect(world.refreshes()).toBe(1);
    world.clock.advance(301);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    expect(world.refreshes()).toBe(2);
  });
});

/** A claim of 3,000 characters makes the ID token too long for a URL. */
function giantIdTokens(): World['provider'] extends never ? never : WorldOptions['provider'] {
  return {
    configuration: {
      conformIdTokenClaims: false,
      claims: { openid: ['sub', 'sid', 'groups'] },
      findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, groups: 'x'.repeat(3000) }) }),
    },
  };
}

/** A real store whose connection can be cut. */
function breakable(real: SessionStore, methods: readonly (keyof SessionStore)[] = ['read', 'replace', 'remove', 'create', 'lease', 'removeLabelled']) {
  let isCut = false;
  const store = Object.fromEntries(
    Object.entries(real).map(([name, method]) => [
      name,
      async (...parameters: unknown[]) => {
        if (isCut && methods.includes(name as keyof SessionStore)) throw new SessionStoreError('the connection is cut');
        return (method as (...all: unknown[]) => unknown).apply(real, parameters);
      },
    ]),
  ) as unknown as SessionStore;
  return { store: { ...store, health: () => real.health() }, cut: (cut: boolean) => void (isCut = cut) };
}
