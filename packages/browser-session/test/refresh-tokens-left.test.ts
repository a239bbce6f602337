import type { IncomingMessage, ServerResponse } from 'node:http';
import { memoryRevocations, memorySessions } from '@tokenward/core';
import type { RevocationStore, SessionStore } from '@tokenward/core/store';
import type { JWK } from 'jose';
import { describe, expect, test, vi } from 'vitest';
import { signingKey } from './provider.ts';
import { answerTokens, holdAndWatch, idTokenOf, tokenResponse, watchRevocations } from './token-responses.ts';
import { cookiesOf, CSRF, showCookies, startWorld, type World, type WorldOptions } from './world.ts';

const MODES = {
  'encrypted cookies': () => ({}),
  'a store in memory': () => ({ store: memorySessions() }),
} as const satisfies Record<string, () => WorldOptions['session']>;

test('a refresh that a login of the same user has overtaken revokes nothing: the issuer may keep one grant for both', async () => {
  const world = await startWorld();
  world.clock.advance(301);
  const { revoked, arrived, release } = holdAndWatch(world, 1);
  const call = world.callApi();
  await arrived;
  const login = world.logIn();
  // the login waits for nothing, or for the refresh
  await Promise.race([login, new Promise((resolve) => setTimeout(resolve, 500))]);
  release();
  await Promise.all([login, call]);
  expect(revoked).toEqual([]);
  expect(await world.callApi()).toMatchObject({ sub: 'alice' });
});

describe.each(Object.entries(MODES))('a refresh that a login in another process has overtaken, with %s', (_mode, options) => {
  /** Returns what is revoked at the issuer if somebody logs in while another process waits for the answer to a refresh. */
  async function revokedBy(login: 'alice' | 'bob') {
    const world = await startWorld({ session: { ...options(), revocations: memoryRevocations() } });
    const other = await world.startAnother();
    const former = newestRefreshToken(world);
    world.clock.advance(301);
    const { revoked, arrived, release } = holdAndWatch(world, 1);
    const call = world.callApi(other.origin);
    await arrived;
    world.browser.cookies(world.provider.issuer).clear();
    await world.logIn(login);
    release();
    await call;
    return { revoked, former, newest: newestRefreshToken(world) };
  }

  test('revokes nothing if it is the same user: the issuer may keep one grant for both', async () => {
    expect((await revokedBy('alice')).revoked).toEqual([]);
  });

  test('revokes the new refresh token of another user', async () => {
    const { revoked, newest } = await revokedBy('bob');
    expect(revoked).toContain(newest);
  });
});

describe('a refresh that a login in another process has overtaken, if the revocation arrives later than the removal from the store', () => {
  /** Somebody logs in while another process refreshes, and that process learns of the login's revocation only by `deliver`. */
  async function overtakenBy(login: 'alice' | 'bob') {
    const { near, far, deliver } = lateRevocations();
    const world = await startWorld({ session: { store: memorySessions(), revocations: near } });
    const other = await world.startAnother({ revocations: far });
    world.clock.advance(301);
    const { revoked, arrived, release } = holdAndWatch(world, 1);
    const call = world.callApi(other.origin);
    await arrived;
    world.browser.cookies(world.provider.issuer).clear();
    await world.logIn(login);
    release();
    expect(await call).toMatchObject({ reason: 'session_ended' });
    return { revoked, deliver, newest: newestRefreshToken(world), close: async () => other.session!.close() };
  }

  test('revokes nothing if it is the same user: the issuer may keep one grant for both', async () => {
    const { revoked, deliver, close } = await overtakenBy('alice');
    deliver();
    // waits for what is under way
    await close();
    expect(revoked).toEqual([]);
  });

  test('revokes the new refresh token of another user', async () => {
    const { revoked, deliver, close, newest } = await overtakenBy('bob');
    deliver();
    await close();
    expect(revoked).toContain(newest);
  });

  test('revokes the new refresh token if no revocation arrives: a token that is left would be valid for weeks', async () => {
    const { revoked, close, newest } = await overtakenBy('alice');
    expect(revoked).toEqual([]);
    await close();
    expect(revoked).toEqual([newest]);
  });
});

describe.each(Object.entries(MODES))(
  'an answer that fails a check, to a refresh that a login of the same user in another process has overtaken, with %s',
  (_mode, options) => {
    /** The process that refreshes learns of the login's revocation only by `deliver`. */
    async function overtaken() {
      const { near, far, deliver } = lateRevocations();
      const world = await startWorld({ session: { ...options(), revocations: near } });
      const other = await world.startAnother({ revocations: far });
      world.clock.advance(301);
      const { revoked, arrived, release } = holdAndWatch(world, 1, answerTokens(200, tokenResponse({ expires_in: undefined })));
      const call = world.callApi(other.origin);
      await arrived;
      await world.logIn();
      release();
      expect(await call).toMatchObject({ reason: 'session_ended' });
      return { revoked, deliver, close: async () => other.session!.close() };
    }

    test('revokes nothing, if the revocation arrives late: the issuer may keep one grant for both', async () => {
      const { revoked, deliver, close } = await overtaken();
      deliver();
      await close();
      expect(revoked).toEqual([]);
    });

    test('revokes the new refresh token if no revocation arrives: a token that is left would be valid for weeks', async () => {
      const { revoked, close } = await overtaken();
      await close();
      expect(revoked).toEqual(['made-up']);
    });
  },
);

test('a session in a cookie that ends in another process by a refused refresh: the process that has refreshed it revokes its token', async () => {
  const { world, other, old } = await refreshedInOne();
  const revoked = watchRevocations(world);
  showCookies(world, old);
  expect(await world.callApi(other.origin)).toMatchObject({ reason: 'session_ended', cause: 'the issuer refused its refresh token' });
  await vi.waitFor(() => expect(revoked).toEqual([newestRefreshToken(world)]));
});

describe.each(Object.entries(MODES))('rule 199: a session that ends without a logout here, with %s', (mode, options) => {
  test.each([
    ['by an administrator', async ({ app }: World) => app.session!.revocations.revoke({ subject: 'alice' })],
    ['at the issuer', async (world: World) => world.logOutAtIssuer()],
  ])('%s: its newest refresh token is revoked once, however often its cookie is shown', async (how, end) => {
    for (const isRefreshed of [false, true]) {
      const world = await startWorld({ session: options() });
      if (isRefreshed) {
        world.clock.advance(301);
        await world.callApi();
      }
      const copy = cookiesOf(world);
      const revoked = watchRevocations(world);
      await end(world);
      const isRevoked = () => vi.waitFor(() => expect(revoked).toEqual([newestRefreshToken(world)]));
      // the store has told it
      if (mode === 'a store in memory' && how === 'at the issuer') await isRevoked();
      for (let shown = 0; shown < 3; shown++) {
        showCookies(world, copy);
        expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
        await isRevoked();
      }
      // a process also notices by itself that a session has ended that it has just refreshed
      await new Promise((resolve) => void setTimeout(resolve, 50));
      await isRevoked();
    }
  });

  test('by an administrator: a login in its place revokes nothing, since the issuer may keep one grant for both', async () => {
    const world = await startWorld({ session: options() });
    const copy = cookiesOf(world);
    const revoked = watchRevocations(world);
    await world.app.session!.revocations.revoke({ subject: 'alice' });
    await world.logIn();
    showCookies(world, copy);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    expect(revoked).toEqual([]);
  });
});

describe('logout in one process, refresh in another: the newest refresh token is revoked', () => {
  test('with a store, though the logout has read the session before the refresh', async () => {
    const { store, held, release } = holdFirstRead(memorySessions());
    const revocations = memoryRevocations();
    const world = await startWorld({ session: { store, revocations } });
    const other = await world.startAnother({ store: held, revocations });
    world.clock.advance(301);
    const logout = logOut(world, other.origin);
    await release.arrived;
    await world.callApi();
    const revoked = watchRevocations(world);
    release.now();
    expect((await logout).status).toBe(200);
    expect(revoked).toEqual([newestRefreshToken(world)]);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
  });

  test('with a store, though the refresh is answered after the logout', async () => {
    const session = { store: memorySessions(), revocations: memoryRevocations() };
    const world = await startWorld({ session });
    const other = await world.startAnother();
    world.clock.advance(301);
    const former = newestRefreshToken(world);
    const { revoked, arrived, release } = holdAndWatch(world);
    const call = world.callApi();
    await arrived;
    expect((await logOut(world, other.origin)).status).toBe(200);
    release();
    expect(await call).toMatchObject({ reason: 'session_ended' });
    expect(world.refreshes()).toBe(1);
    expect(revoked).toEqual([former, newestRefreshToken(world)]);
  });

  test('with encrypted cookies and a refreshStore, though the cookie is from before the refresh', async () => {
    const world = await startWorld({ session: { refreshStore: memorySessions(), revocations: memoryRevocations() } });
    const other = await world.startAnother();
    const old = cookiesOf(world);
    for (let refreshes = 0; refreshes < 2; refreshes++) {
      world.clock.advance(301);
      await world.callApi();
    }
    showCookies(world, old);
    const revoked = watchRevocations(world);
    expect((await logOut(world, other.origin)).status).toBe(200);
    expect(revoked).toContain(newestRefreshToken(world));
  });

  test('with encrypted cookies alone, by the process that has refreshed, as soon as it learns of the logout', async () => {
    const { world, other, old } = await refreshedInOne();
    const renewed = cookiesOf(world);
    showCookies(world, old);
    const revoked = watchRevocations(world);
    expect((await logOut(world, other.origin)).status).toBe(200);
    await vi.waitFor(() => expect(revoked).toContain(newestRefreshToken(world)), { timeout: 10_000 });
    showCookies(world, renewed);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
  });

  test('once, if the process that has refreshed is the one that logs out', async () => {
    const world = await startWorld({ session: { refreshStore: memorySessions() } });
    world.clock.advance(301);
    await world.callApi();
    const revoked = watchRevocations(world);
    await world.page('POST', '/session/logout');
    expect(revoked).toEqual([newestRefreshToken(world)]);
  });
});

describe('a login that replaces a session', () => {
  test('of the same user in another process revokes nothing, though this process has just refreshed the former: both may have one grant', async () => {
    const world = await startWorld({ session: { revocations: memoryRevocations() } });
    const other = await world.startAnother();
    world.clock.advance(301);
    await world.callApi();
    const revoked = watchRevocations(world);
    const started = await world.page('GET', '/session/login');
    const callback = await world.browser.logInAt(started.headers.get('location')!, world.app.origin);
    expect((await world.page('GET', `${callback.pathname}${callback.search}`, other.origin)).status).toBe(200);
    world.clock.advance(301);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    expect(revoked).toEqual([]);
  });

  test.each([
    ['a store', () => ({ store: memorySessions() })],
    ['encrypted cookies that come with the callback', () => ({ sameSite: 'lax' as const })],
  ])('of another user revokes the refresh token of the former, with %s', async (_mode, options) => {
    const world = await startWorld({ session: options() });
    world.clock.advance(301);
    await world.callApi();
    const former = newestRefreshToken(world);
    world.browser.cookies(world.provider.issuer).clear();
    const revoked = watchRevocations(world);
    await world.logIn('bob');
    expect(revoked).toEqual([former]);
    world.clock.advance(301);
    expect(await world.callApi()).toMatchObject({ sub: 'bob' });
  });

  test.each(Object.entries(MODES))('of the same user revokes nothing, since the issuer may keep one grant for both, with %s', async (_mode, options) => {
    const world = await startWorld({ session: options() });
    const former = newestRefreshToken(world);
    await world.logIn();
    expect(world.provider.requests).not.toContain('POST /token/revocation');
    expect(world.sessionEvents().at(-1)).toBe('end done replaced');
    // at this provider, that would have been the end of the new session
    const { provider } = world.provider;
    expect((await provider.RefreshToken.find(former))!.grantId).toBe((await provider.RefreshToken.find(newestRefreshToken(world)))!.grantId);
    world.clock.advance(301);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  });
});

describe.each(Object.entries(MODES))('a login whose answer fails a check, with %s', (_mode, options) => {
  test('leaves no refresh token', async () => {
    const world = await startWorld({ session: options(), isLoggedIn: false });
    const revoked = watchRevocations(world, withoutKeys);
    await expect(world.logIn()).rejects.toThrow('the login failed: 503');
    expect(revoked).toEqual([newestRefreshToken(world)]);
    expect(world.sessionEvents()).toEqual(['login failed issuer_unavailable']);
  });

  test('revokes nothing if a former session may have the same grant: that one goes on', async () => {
    const world = await startWorld({ session: options() });
    // another process, which has fetched no keys yet
    world.app.session = world.createSession();
    const revoked = watchRevocations(world, withoutKeys);
    await expect(world.logIn()).rejects.toThrow('the login failed: 503');
    expect(revoked).toEqual([]);
    world.clock.advance(301);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  });
});

describe('a login whose tokens fit into no cookie', () => {
  /** Only the access tokens of this user are too large. */
  const tooLargeFor = (user: string): WorldOptions['provider'] => ({
    configuration: { extraTokenClaims: (_context, token) => ((token as { accountId?: string }).accountId === user ? { groups: 'x'.repeat(12_000) } : {}) },
  });

  test('leaves no refresh token', async () => {
    const world = await startWorld({ provider: tooLargeFor('alice'), isLoggedIn: false });
    const revoked = watchRevocations(world);
    await expect(world.logIn()).rejects.toThrow('the login failed: 500');
    expect(revoked).toEqual([newestRefreshToken(world)]);
  });

  test('leaves no refresh token if the former session is of another user, and that session goes on', async () => {
    const world = await startWorld({ provider: tooLargeFor('bob') });
    world.browser.cookies(world.provider.issuer).clear();
    const revoked = watchRevocations(world);
    await expect(world.logIn('bob')).rejects.toThrow('the login failed: 500');
    expect(revoked).toEqual([newestRefreshToken(world)]);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  });
});

describe.each(Object.entries(MODES))('an answer to a refresh that fails a check, with %s', (_mode, options) => {
  const ENDS: Readonly<Record<string, (world: World, key: JWK) => Promise<object>>> = {
    'an ID token with a wrong signature': async (world: World) => tokenResponse({ id_token: await idTokenOf(world, await signingKey(), { sub: 'alice' }) }),
    'an ID token for somebody else': async (world: World, key: JWK) => tokenResponse({ id_token: await idTokenOf(world, key, { sub: 'mallory' }) }),
    'an ID token for another client': async (world: World, key: JWK) =>
      tokenResponse({ id_token: await idTokenOf(world, key, { sub: 'alice', aud: 'other' }) }),
    'no expires_in': async () => tokenResponse({ expires_in: undefined }),
    'another token type': async () => tokenResponse({ token_type: 'DPoP' }),
    'an access token that fits in no header': async () => tokenResponse({ access_token: 'a\nb' }),
  };

  test.each(Object.entries(ENDS))('%s: the session ends at once, and the new refresh token is revoked', async (_what, bodyFor) => {
    const key = await signingKey();
    const world = await startWorld({ session: options(), provider: { keys: [key] } });
    world.clock.advance(280);
    const revoked = watchRevocations(world, answerTokens(200, await bodyFor(world, key)));
    expect(await world.callApi()).toEqual({ reason: 'session_ended', cause: "the issuer's answer to a refresh failed a check" });
    expect(revoked).toEqual(['made-up']);
    expect(cookiesOf(world).size).toBe(0);
    expect(world.sessionEvents().slice(1)).toEqual([expect.stringMatching(/^refresh (failed|refused) invalid_response$/), 'end done invalid_response']);
  });

  test('without a new refresh token: the old one is revoked', async () => {
    const world = await startWorld({ session: options() });
    world.clock.advance(301);
    const revoked = watchRevocations(world, answerTokens(200, tokenResponse({ expires_in: undefined, refresh_token: undefined })));
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    expect(revoked).toEqual([newestRefreshToken(world)]);
  });

  test.each([
    ['a page', '<html>Back soon</html>'],
    ['JSON without an access token', {}],
    ['a list', []],
  ])('%s with the status 200 is no token response: the session goes on', async (_what, body) => {
    const world = await startWorld({ session: options() });
    world.clock.advance(280);
    const revoked = watchRevocations(world, answerTokens(200, body));
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    expect(revoked).toEqual([]);
    world.provider.intercept = undefined;
    world.clock.advance(21);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    expect(world.refreshes()).toBe(1);
  });

  test("the issuer's keys cannot be fetched: the session goes on, and still only for the same user", async () => {
    const key = await signingKey();
    const world = await startWorld({ session: options(), provider: { keys: [key] } });
    // another process, which has fetched no keys yet
    world.app.session = world.createSession();
    async function answerFor(sub: string): Promise<void> {
      const answer = answerTokens(200, tokenResponse({ id_token: await idTokenOf(world, key, { sub }) }));
      world.provider.intercept = (request, response) => withoutKeys(request, response) || answer(request, response);
    }
    world.clock.advance(301);
    await answerFor('alice');
    expect(await world.callApi()).toEqual({ jti: 'made-up', sub: 'alice' });
    world.clock.advance(271);
    await answerFor('mallory');
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    expect(world.sessionEvents().slice(1)).toEqual(['refresh done', 'refresh refused invalid_response', 'end done invalid_response']);
  });
});

test('a session that reaches its end while the issuer is asked ends, and its new refresh token is revoked', async () => {
  const world = await startWorld({ session: { maxSeconds: 302, idleSeconds: 302 } });
  world.clock.advance(301);
  const arrived = Promise.withResolvers<void>();
  const revoked = watchRevocations(world, (request) => {
    if (request.url === '/token') {
      world.clock.advance(2);
      arrived.resolve();
    }
    return false;
  });
  expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
  await arrived.promise;
  expect(revoked).toEqual([newestRefreshToken(world)]);
  expect(cookiesOf(world).size).toBe(0);
  expect(world.sessionEvents()).toEqual(['login done', 'end done expired']);
});

function withoutKeys(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.url !== '/jwks') return false;
  response.writeHead(503).end();
  return true;
}

/** Two processes with encrypted cookies alone, of which the first has refreshed the session. `old` are the cookies from before. */
async function refreshedInOne() {
  const world = await startWorld({ session: { revocations: memoryRevocations() } });
  const other = await world.startAnother();
  const old = cookiesOf(world);
  world.clock.advance(301);
  await world.callApi();
  return { world, other, old };
}

function newestRefreshToken({ issued }: World): string {
  return issued.findLast(({ kind }) => kind === 'refresh_token')!.token;
}

function logOut(world: World, base: string): Promise<Response> {
  const cookie = [...cookiesOf(world)].map(([name, value]) => `${name}=${value}`).join('; ');
  return fetch(`${base}/session/logout`, { method: 'POST', headers: { ...CSRF, cookie } });
}

/** The revocations of two processes. What `near` adds reaches `far` by `deliver`. */
function lateRevocations() {
  const [near, far] = [memoryRevocations(), memoryRevocations()];
  const held: Parameters<RevocationStore['add']>[0][] = [];
  const add: RevocationStore['add'] = (record) => {
    held.push(record);
    return near.add(record);
  };
  return { near: { ...near, add }, far, deliver: () => held.forEach((record) => void far.add(record)) };
}

/** The same store for two processes. The first `read` of the second one is answered late, with what was there when it came. */
function holdFirstRead(store: SessionStore) {
  const [arrived, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let isFirst = true;
  const held: SessionStore = {
    ...store,
    async read(key) {
      const found = await store.read(key);
      if (isFirst) {
        isFirst = false;
        arrived.resolve();
        await released.promise;
      }
      return found;
    },
  };
  return { store, held, release: { arrived: arrived.promise, now: released.resolve } };
}
