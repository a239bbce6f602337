import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { memoryRevocations, memorySessions } from '@tokenward/core';
import type { JWK } from 'jose';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { answerTokens, holdTokens, idTokenOf, tokenResponse } from './token-responses.ts';
import { signingKey } from './provider.ts';
import { cookiesOf, CSRF, showCookies, startWorld, type World, type WorldOptions } from './world.ts';

const MODES = {
  'encrypted cookies': () => ({}),
  'a store in memory': () => ({ store: memorySessions() }),
} as const satisfies Record<string, () => WorldOptions['session']>;

describe.each(Object.entries(MODES))('with %s', (_mode, options) => {
  test('rule 130, refresh races: fifty parallel calls with an ended token make one refresh', async () => {
    const world = await startWorld({ session: options() });
    const before = await world.callApi();
    world.clock.advance(301);
    const answers = await Promise.all(Array.from({ length: 50 }, () => world.page('GET', '/api/me')));
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as { readonly jti: string; readonly sub: string }[];
    expect(world.refreshes()).toBe(1);
    expect(new Set(bodies.map(({ jti }) => jti)).size).toBe(1);
    expect(bodies[0]).toMatchObject({ sub: 'alice' });
    expect(bodies[0]!.jti).not.toBe(before.jti);
    // the next token is refreshed as well: the new refresh token was kept
    world.clock.advance(301);
    expect((await world.callApi()).jti).not.toBe(bodies[0]!.jti);
    expect(world.refreshes()).toBe(2);
  });

  test('rule 130: a token is refreshed ahead of its end, and then used until the next time', async () => {
    const world = await startWorld({ session: options() });
    world.clock.advance(269);
    await world.callApi();
    expect(world.refreshes()).toBe(0);
    world.clock.advance(2);
    await world.callApi();
    await world.callApi();
    expect(world.refreshes()).toBe(1);
  });

  test('a token with a life below refreshAheadSeconds is used for half of it', async () => {
    const world = await startWorld({ session: options(), provider: { accessTokenSeconds: 20 } });
    await world.callApi();
    world.clock.advance(9);
    await world.callApi();
    expect(world.refreshes()).toBe(0);
    world.clock.advance(2);
    await world.callApi();
    await world.callApi();
    expect(world.refreshes()).toBe(1);
  });

  test('refresh races: a cut connection loses no rotated refresh token', async () => {
    const world = await startWorld({ session: options() });
    world.clock.advance(301);
    const before = cookiesOf(world);
    await cutWhileRefreshing(world);
    expect(world.refreshes()).toBe(1);
    // the browser never got the answer: its cookie is the one from before
    expect(cookiesOf(world)).toEqual(before);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    expect(world.refreshes()).toBe(1);
    world.clock.advance(301);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    expect(world.refreshes()).toBe(2);
  });

  test('rule 131: during an outage of the issuer, a session in use does not end as idle', async () => {
    const world = await startWorld({ session: { ...options(), idleSeconds: 400, refreshAheadSeconds: 0, timeoutSeconds: 0.5 } });
    world.provider.intercept = answerTokens(503, {});
    for (const seconds of [301, 200, 200]) {
      world.clock.advance(seconds);
      expect(await world.callApi()).toMatchObject({ reason: 'session_unavailable' });
    }
    world.provider.intercept = undefined;
    world.clock.advance(60);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  });

  test('rule 131: invalid_grant ends the session, for every copy of its cookie', async () => {
    const world = await startWorld({ session: options() });
    world.clock.advance(301);
    const copy = cookiesOf(world);
    world.provider.intercept = answerTokens(400, { error: 'invalid_grant' });
    const answer = await world.page('GET', '/api/me');
    expect(await answer.json()).toEqual({ reason: 'session_ended', cause: 'the issuer refused its refresh token' });
    expect(answer.headers.getSetCookie().join()).toContain('__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict');
    expect(cookiesOf(world).size).toBe(0);
    expect(world.sessionEvents()).toEqual(['login done', 'refresh refused refresh_refused', 'end done refresh_refused']);
    world.provider.intercept = undefined;
    showCookies(world, copy);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    expect(world.refreshes()).toBe(0);
  });

  test.each([
    ['an error of its server', answerTokens(500, { error: 'server_error' }), 'refresh failed issuer_unavailable'],
    ['no JSON', answerTokens(502, 'Bad gateway'), 'refresh failed issuer_unavailable'],
    ['another error of OAuth', answerTokens(401, { error: 'invalid_client' }), 'refresh refused issuer_refused'],
    ['no answer at all', () => true, 'refresh failed issuer_unavailable'],
  ])('rule 131: if the issuer answers with %s, the session goes on', async (_failure, intercept, event) => {
    const world = await startWorld({ session: { timeoutSeconds: 0.5, ...options() } });
    world.provider.intercept = (request, response) => request.url === '/token' && intercept(request, response);
    world.clock.advance(280);
    // the old token is still valid, and not tried again at each request
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    // a late answer would be read
    await vi.waitFor(() => expect(world.sessionEvents()).toEqual(['login done', event]), { timeout: 5000 });
    world.clock.advance(21);
    expect(await world.callApi()).toMatchObject({ reason: 'session_unavailable' });
    world.provider.intercept = undefined;
    // it is asked again when no late answer can come any more
    await expect.poll(() => (world.clock.advance(1), world.callApi()), { interval: 20, timeout: 5000 }).toMatchObject({ sub: 'alice' });
    expect(world.refreshes()).toBe(1);
  });

  test('rule 131: if nothing listens at the issuer, the session goes on', async () => {
    const world = await startWorld({ session: options() });
    const { issuer } = world.provider;
    await world.provider.close();
    world.clock.advance(280);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    world.clock.advance(21);
    expect(await world.callApi()).toMatchObject({ reason: 'session_unavailable' });
    expect(world.sessionEvents()).toEqual(['login done', 'refresh failed issuer_unavailable', 'refresh failed issuer_unavailable']);
    const again = createServer((_request, response) => response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}'));
    again.listen(Number(new URL(issuer).port), '127.0.0.1');
    onTestFinished(() => void again.close());
    await once(again, 'listening');
    world.clock.advance(2);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
  });

  test('rule 131: another subject in the ID token of a refresh ends the session', async () => {
    const key = await signingKey();
    const world = await startWorld({ session: options(), provider: { keys: [key] } });
    world.clock.advance(301);
    const idToken = await idTokenOf(world, key, { sub: 'mallory' });
    world.provider.intercept = answerTokens(200, tokenResponse({ id_token: idToken }));
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    expect(world.sessionEvents()).toContain('end done invalid_response');
    world.provider.intercept = undefined;
    expect((await (await world.page('GET', '/session/user')).json()) as object).toEqual({ user: null });
  });

  test('rule 131: the same subject in the ID token of a refresh is accepted', async () => {
    const key = await signingKey();
    const world = await startWorld({ session: options(), provider: { keys: [key] } });
    world.clock.advance(301);
    const idToken = await idTokenOf(world, key, { sub: 'alice' });
    world.provider.intercept = answerTokens(200, tokenResponse({ id_token: idToken }));
    expect(await world.callApi()).toEqual({ jti: 'made-up', sub: 'alice' });
  });

  test.each([
    ['10 minutes', 'its kid is used again', 310, 'k1'],
    ['10 minutes', 'tokens have no kid', 310, undefined],
    ['an hour', 'its kid is used again', 3900, 'k1'],
  ])('an issuer that has changed its key within %s ends no session: %s', async (_time, _kid, seconds, kid) => {
    const [old, next] = [await signingKey(), await signingKey()];
    const world = await startWorld({ session: { idleSeconds: 7200, ...options() }, provider: { keys: [{ ...old, kid: 'k1' }] } });
    world.clock.advance(seconds);
    const idToken = await idTokenOf(world, { ...next, kid } as JWK, { sub: 'alice' });
    const { d: _private, ...published } = next;
    const answer = answerTokens(200, tokenResponse({ id_token: idToken }));
    world.provider.intercept = (request, response) => {
      if (request.url !== '/jwks') return answer(request, response);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [{ ...published, kid }] }));
      return true;
    };
    expect(await world.callApi()).toEqual({ jti: 'made-up', sub: 'alice' });
    expect(world.sessionEvents()).toEqual(['login done', 'refresh done']);
  });

  test('a token that has ended, without a refresh token, ends the session', async () => {
    const world = await startWorld({ session: { scope: 'openid', ...options() }, provider: { configuration: { issueRefreshToken: async () => false } } });
    world.clock.advance(280);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    world.clock.advance(21);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    expect(world.sessionEvents()).toEqual(['login done', 'end done expired']);
  });

  test('a session without a refresh token takes no turn to refresh it', async () => {
    const inner = memorySessions();
    const lease = vi.fn(inner.lease);
    const shared = 'store' in options() ? { store: { ...inner, lease } } : { refreshStore: { ...inner, lease } };
    const world = await startWorld({ session: { scope: 'openid', ...shared }, provider: { configuration: { issueRefreshToken: async () => false } } });
    world.clock.advance(280);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    world.clock.advance(21);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    expect(lease).not.toHaveBeenCalled();
  });

  test('logout undone by a request in flight: a refresh under way brings no session back, and its new refresh token is revoked', async () => {
    const revocations = memoryRevocations();
    const world = await startWorld({ session: { revocations, ...options() } });
    world.clock.advance(301);
    const copy = cookiesOf(world);
    const tokens = holdTokens(world);
    const call = world.page('GET', '/api/me');
    await tokens.arrived;
    const ended = new Promise<void>((resolve) => revocations.onAdded(resolve));
    const logout = world.page('POST', '/session/logout');
    await ended;
    tokens.release();
    expect(await (await call).json()).toMatchObject({ reason: 'session_ended' });
    expect((await logout).status).toBe(200);
    expect(cookiesOf(world).size).toBe(0);
    expect(world.refreshes()).toBe(1);
    const newest = world.issued.findLast(({ kind }) => kind === 'refresh_token')!;
    expect(await world.provider.provider.RefreshToken.find(newest.token)).toBeUndefined();
    showCookies(world, copy);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
  });
});

test('a stateless refresh: its cookie reaches every one of the parallel answers', async () => {
  const world = await startWorld();
  world.clock.advance(301);
  const answers = await Promise.all(Array.from({ length: 50 }, () => world.page('GET', '/api/me')));
  const lines = new Set(answers.map((answer) => answer.headers.getSetCookie().join('\n')));
  expect(lines.size).toBe(1);
  expect([...lines][0]).toMatch(/^__Host-session=/);
  // a late request, from before the browser had the new cookie
  expect(world.refreshes()).toBe(1);
});

test('tokens that have grown too large for cookies are used by this process alone, and the event does not pass for a refresh that was kept', async () => {
  const world = await startWorld();
  world.clock.advance(301);
  const payload = Buffer.from(JSON.stringify({ jti: 'giant', sub: 'alice', groups: 'x'.repeat(12_000) })).toString('base64url');
  world.provider.intercept = answerTokens(200, tokenResponse({ access_token: `eyJhbGciOiJub25lIn0.${payload}.` }));
  expect(await world.callApi()).toEqual({ jti: 'giant', sub: 'alice' });
  expect(world.sessionEvents()).toEqual(['login done', 'refresh failed tokens_too_large']);
});

test('tokens that have grown too large for cookies are no outage of the store for another process', async () => {
  const world = await startWorld({ session: { refreshStore: memorySessions(), revocations: memoryRevocations() } });
  const other = await world.startAnother();
  world.clock.advance(301);
  const payload = Buffer.from(JSON.stringify({ jti: 'giant', sub: 'alice', groups: 'x'.repeat(12_000) })).toString('base64url');
  world.provider.intercept = answerTokens(200, tokenResponse({ access_token: `eyJhbGciOiJub25lIn0.${payload}.` }));
  await world.callApi();
  expect(await world.callApi(other.origin)).toEqual({ reason: 'session_unavailable', cause: 'the refreshed tokens are too large for cookies' });
  expect(world.sessionEvents()).toEqual(['login done', 'refresh failed tokens_too_large', 'refresh failed tokens_too_large']);
});

test('two tabs: a request with the cookie from before the refresh gets the new cookie for 30 s after another one has shown it', async () => {
  const world = await startWorld();
  const old = cookiesOf(world);
  world.clock.advance(301);
  const { jti } = await world.callApi();
  const renewed = cookiesOf(world);
  await world.callApi();
  world.clock.advance(29);
  showCookies(world, old);
  expect((await world.callApi()).jti).toBe(jti);
  expect(cookiesOf(world)).toEqual(renewed);
  // later it can only be a copy, and the issuer gets to see that
  world.clock.advance(2);
  showCookies(world, old);
  expect(await world.callApi()).toMatchObject({ reason: 'session_ended', cause: 'the issuer refused its refresh token' });
  expect(world.refreshes()).toBe(1);
});

test('the end of the new refresh token counts for a request with the old cookie, too', async () => {
  const world = await startWorld();
  const old = cookiesOf(world);
  world.clock.advance(301);
  world.provider.intercept = answerTokens(200, tokenResponse({ refresh_expires_in: 20 }));
  expect(await world.callApi()).toMatchObject({ jti: 'made-up' });
  world.clock.advance(19);
  showCookies(world, old);
  expect(await world.callApi()).toMatchObject({ jti: 'made-up' });
  world.clock.advance(2);
  showCookies(world, old);
  expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
  expect(world.sessionEvents().at(-1)).toBe('end done expired');
});

test('server restart: encrypted cookies keep people logged in, before and after a refresh', async () => {
  const world = await startWorld();
  const before = await world.callApi();
  world.app.session = world.createSession();
  expect(await world.callApi()).toEqual(before);
  world.clock.advance(301);
  await world.callApi();
  world.app.session = world.createSession();
  world.clock.advance(301);
  expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  expect(world.refreshes()).toBe(2);
});

test('rule 130: processes with encrypted cookies and a refreshStore make one refresh', async () => {
  const world = await startWorld({ session: { refreshStore: memorySessions(), revocations: memoryRevocations() } });
  const others = await Promise.all([world.startAnother(), world.startAnother()]);
  const old = cookiesOf(world);
  world.clock.advance(301);
  const bases = [world.app.origin, ...others.map(({ origin }) => origin)];
  const answers = await Promise.all(bases.flatMap((base) => Array.from({ length: 10 }, () => callWith(old, base))));
  expect(world.refreshes()).toBe(1);
  expect(new Set(answers.map(({ jti }) => jti)).size).toBe(1);
  // a process that was not asked yet knows it from the store
  const late = await world.startAnother();
  expect(await callWith(old, late.origin)).toEqual(answers[0]);
  expect(world.refreshes()).toBe(1);
});

/** Calls `/api` and disconnects when the refresh is done, before the answer is sent. */
async function cutWhileRefreshing(world: World): Promise<void> {
  const answered = Promise.withResolvers<void>();
  const call = request(new URL('/api/me', world.app.origin), { headers: { ...CSRF, cookie: headerOf(cookiesOf(world)) } });
  call.on('error', () => {});
  world.app.beforeAnswer = async (received) => {
    call.destroy();
    if (!received.socket.destroyed) await once(received.socket, 'close');
    answered.resolve();
  };
  call.end();
  await answered.promise;
  world.app.beforeAnswer = undefined;
}

async function callWith(cookies: ReadonlyMap<string, string>, base: string): Promise<{ readonly jti?: string }> {
  const response = await fetch(new URL('/api/me', base), { headers: { ...CSRF, cookie: headerOf(cookies) } });
  return (await response.json()) as { readonly jti?: string };
}

function headerOf(cookies: ReadonlyMap<string, string>): string {
  return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
}
