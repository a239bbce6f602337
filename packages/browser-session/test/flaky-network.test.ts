import { setTimeout } from 'node:timers/promises';
import { memoryRevocations, memorySessions } from '@tokenward/core';
import { SESSION_CREDENTIALS, SessionStoreError, START_TEST_SESSION, type SessionStore } from '@tokenward/core/store';
import { expect, test, vi } from 'vitest';
import { signingKey } from './provider.ts';
import { answerTokens, holdAndWatch, holdTokens, idTokenOf, tokenResponse } from './token-responses.ts';
import { cookiesOf, CSRF, showCookies, startWorld } from './world.ts';

test('refresh races: a store whose error is of no kind that is known loses no rotated refresh token', async () => {
  const inner = memorySessions();
  let failures = 0;
  const store: SessionStore = {
    ...inner,
    replace(session, replaces) {
      if (failures-- > 0) throw new TypeError('the driver lost its socket');
      return inner.replace(session, replaces);
    },
  };
  const world = await startWorld({ session: { store, revocations: memoryRevocations() } });
  const other = await world.startAnother();
  world.clock.advance(301);
  failures = 1;
  const { jti } = await world.callApi();
  expect(await world.callApi(other.origin)).toMatchObject({ jti, sub: 'alice' });
  expect(world.refreshes()).toBe(1);
});

test('refresh races: a store that failed over to an older copy gets the rotated refresh token of the next refresh', async () => {
  const store = memorySessions();
  const old = memorySessions();
  let current = store;
  const failover: SessionStore = {
    ...store,
    create: async (session) => {
      await store.create(session);
      await old.create(session);
    },
    read: (key) => current.read(key),
    replace: (session, replaces) => current.replace(session, replaces),
    remove: (key) => current.remove(key),
  };
  const world = await startWorld({ session: { store: failover, revocations: memoryRevocations() } });
  const other = await world.startAnother();
  world.clock.advance(301);
  await world.callApi();
  current = old;
  world.clock.advance(301);
  const { jti } = await world.callApi();
  expect(world.refreshes()).toBe(2);
  expect(await world.callApi(other.origin)).toMatchObject({ jti, sub: 'alice' });
  expect(world.refreshes()).toBe(2);
});

test('two tabs: a refreshStore that fails once as a refresh is shared ends no session in another process', async () => {
  const { store, failNext } = unsharing();
  const world = await startWorld({ session: { refreshStore: store, revocations: memoryRevocations() } });
  const other = await world.startAnother();
  const old = cookiesOf(world);
  world.clock.advance(301);
  failNext(1);
  const { jti } = await world.callApi();
  showCookies(world, old);
  expect(await world.callApi(other.origin)).toMatchObject({ jti, sub: 'alice' });
  expect(world.refreshes()).toBe(1);
});

test('two tabs: while a refresh cannot be shared, another process waits with the old cookie, and ends no session', async () => {
  const { store, failNext } = unsharing();
  const world = await startWorld({ session: { refreshStore: store, revocations: memoryRevocations() } });
  const other = await world.startAnother({ timeoutSeconds: 0.5 });
  const old = cookiesOf(world);
  world.clock.advance(301);
  failNext(Infinity);
  const { jti } = await world.callApi();
  const renewed = cookiesOf(world);
  showCookies(world, old);
  expect(await world.callApi(other.origin)).toMatchObject({ reason: 'session_unavailable' });
  // the store works, and so does the issuer: neither may be named
  await vi.waitFor(() => expect(world.sessionEvents()).toContain('refresh failed lease_taken'));
  expect(await world.callApi(other.origin)).toEqual({ reason: 'session_unavailable', cause: 'a refresh failed a moment ago, and is not tried again yet' });
  showCookies(world, renewed);
  expect(await world.callApi(other.origin)).toMatchObject({ jti, sub: 'alice' });
  expect(world.refreshes()).toBe(1);
});

/** Two processes. One has refreshed a session and could not write the result, since the store was away. */
async function refreshedWithoutStore() {
  const inner = memorySessions();
  const saved = Promise.withResolvers<void>();
  let isDown = false;
  const store: SessionStore = {
    ...inner,
    replace(session, replaces) {
      if (isDown) throw new SessionStoreError('the store cannot be reached');
      if (session.version === 2) saved.resolve();
      return inner.replace(session, replaces);
    },
  };
  const world = await startWorld({ session: { store, revocations: memoryRevocations() } });
  const other = await world.startAnother();
  world.clock.advance(301);
  isDown = true;
  expect(await world.callApi()).toMatchObject({ reason: 'session_unavailable' });
  return { world, other, saved: saved.promise, comeBack: () => void (isDown = false) };
}

test('refresh races: a process saves its refresh as soon as the store is back, though nobody calls it', async () => {
  const { world, other, comeBack, saved } = await refreshedWithoutStore();
  comeBack();
  await saved;
  expect(await world.callApi(other.origin)).toMatchObject({ sub: 'alice' });
  expect(world.refreshes()).toBe(1);
});

test('refresh races: a late refusal ends no session that another process refreshed after the lease was over', async () => {
  const inner = memorySessions();
  const store: SessionStore = { ...inner, lease: (key) => inner.lease(key, 0.05) };
  const world = await startWorld({ session: { store, revocations: memoryRevocations() } });
  const other = await world.startAnother();
  world.clock.advance(301);
  const arrived = Promise.withResolvers<void>();
  const late = Promise.withResolvers<void>();
  let isFirst = true;
  world.provider.intercept = async (request, response) => {
    if (request.url !== '/token' || !isFirst) return false;
    isFirst = false;
    arrived.resolve();
    await late.promise;
    return answerTokens(400, { error: 'invalid_grant' })(request, response);
  };
  const frozen = world.callApi();
  await arrived.promise;
  const { jti } = await world.callApi(other.origin);
  late.resolve();
  expect(await frozen).toMatchObject({ jti, sub: 'alice' });
  expect(await world.callApi(other.origin)).toMatchObject({ jti, sub: 'alice' });
});

test.each([429, 503])('rule 130: if the issuer answers %s with Retry-After, no session asks it again in that time', async (status) => {
  const world = await startWorld({ session: { mode: 'token-mediating' } });
  const alice = cookiesOf(world);
  for (const { origin } of [world.app, { origin: world.provider.issuer }]) world.browser.cookies(origin).clear();
  await world.logIn('bob');
  world.clock.advance(280);
  let asked = 0;
  world.provider.intercept = (request, response) => {
    const isAnswered = answerTokens(status, { error: 'slow_down' }, { 'retry-after': '30' })(request, response);
    if (isAnswered) asked++;
    return isAnswered;
  };
  expect(await world.callApi()).toMatchObject({ sub: 'bob' });
  showCookies(world, alice);
  expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  world.clock.advance(21);
  const answer = await world.page('POST', '/session/token');
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '9']);
  expect(asked).toBe(1);
  world.provider.intercept = undefined;
  world.clock.advance(9);
  expect((await world.page('POST', '/session/token')).status).toBe(200);
  expect(world.sessionEvents().slice(2)).toEqual(['refresh failed issuer_unavailable', 'refresh done']);
});

test('refresh races: close() waits for a refresh under way, whose result would be lost with the process', async () => {
  const world = await startWorld({ session: { store: memorySessions(), revocations: memoryRevocations() } });
  const other = await world.startAnother();
  world.clock.advance(301);
  const tokens = holdTokens(world);
  const call = world.page('GET', '/api/me');
  await tokens.arrived;
  let isClosed = false;
  const closed = world.app.session!.close().then(() => (isClosed = true));
  await setTimeout(50);
  expect(isClosed).toBe(false);
  tokens.release();
  await closed;
  expect(await world.callApi(other.origin)).toMatchObject({ sub: 'alice' });
  expect(world.refreshes()).toBe(1);
  expect((await call).status).toBe(200);
});

test('refresh races: close() waits until a refresh that the store could not take is saved', async () => {
  const { world, other, comeBack } = await refreshedWithoutStore();
  let isClosed = false;
  const closed = world.app.session!.close().then(() => (isClosed = true));
  await setTimeout(50);
  expect(isClosed).toBe(false);
  comeBack();
  await closed;
  expect(await world.callApi(other.origin)).toMatchObject({ sub: 'alice' });
  expect(world.refreshes()).toBe(1);
});

test('two tabs: close() waits until a refresh that could not be shared is shared', async () => {
  const { store, failNext } = unsharing();
  const create = vi.spyOn(store, 'create');
  const world = await startWorld({ session: { refreshStore: store, revocations: memoryRevocations() } });
  world.clock.advance(301);
  failNext(2);
  expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  await world.app.session!.close();
  expect(create).toHaveBeenCalledTimes(3);
});

test('rule 130: of many sessions that are due at once, fifty are refreshed at a time, and none loses its token', async () => {
  const world = await startWorld({ isLoggedIn: false });
  const session = world.app.session!;
  const nowSeconds = Math.floor(world.clock.now() / 1000);
  const logins = Array.from({ length: 120 }, (_value, at) =>
    session[START_TEST_SESSION]({
      subject: `user-${at}`,
      accessToken: 'ended',
      accessTokenEndsAt: nowSeconds - 1,
      scopes: [],
      issuedAt: nowSeconds,
      refreshToken: `refresh-${at}`,
      idToken: undefined,
      issuerSessionId: undefined,
    }),
  );
  let [open, most] = [0, 0];
  const isFull = Promise.withResolvers<void>();
  world.provider.intercept = async (request, response) => {
    if (request.url !== '/token') return false;
    most = Math.max(most, ++open);
    if (open === 50) isFull.resolve();
    await isFull.promise;
    open--;
    return answerTokens(200, tokenResponse())(request, response);
  };
  const found = (await Promise.all(logins)).map(async (lines) => {
    const cookie = lines.map((line) => line.split(';', 1)[0]!).join('; ');
    return session[SESSION_CREDENTIALS]({ method: 'GET', target: '/', headers: { ...CSRF, cookie } });
  });
  expect((await Promise.all(found)).filter((credentials) => credentials?.token !== undefined)).toHaveLength(120);
  expect(most).toBe(50);
});

test('refresh races: an answer that comes after timeoutSeconds loses no rotated refresh token', async () => {
  const world = await startWorld({ session: { store: memorySessions() } });
  world.app.session = world.createSession({ timeoutSeconds: 1.5 });
  world.clock.advance(280);
  const tokens = holdTokens(world);
  expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  world.clock.advance(21);
  expect(await world.callApi()).toEqual({ reason: 'session_unavailable', cause: 'the refresh has not been answered yet' });
  tokens.release();
  await vi.waitFor(() => expect(world.sessionEvents()).toEqual(['login done', 'refresh done']), { timeout: 10_000 });
  expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  world.clock.advance(301);
  expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  expect(world.refreshes()).toBe(2);
});

test('refresh races: a logout that does not wait for a late answer leaves no refresh token, as soon as that comes', async () => {
  const world = await startWorld();
  world.app.session = world.createSession({ timeoutSeconds: 1.5 });
  world.clock.advance(280);
  const former = world.issued.findLast(({ kind }) => kind === 'refresh_token')!.token;
  const { revoked, arrived, release } = holdAndWatch(world);
  await world.callApi();
  await arrived;
  expect((await world.page('POST', '/session/logout')).status).toBe(200);
  expect(revoked).toEqual([former]);
  release();
  await vi.waitFor(() => expect(revoked).toHaveLength(2), { timeout: 10_000 });
  expect(revoked[1]).toBe(world.issued.findLast(({ kind }) => kind === 'refresh_token')!.token);
});

test('logout: a store whose error is of no kind that is known leaves the browser without its cookie', async () => {
  const inner = memorySessions();
  let isBroken = false;
  const store: SessionStore = {
    ...inner,
    create(session) {
      if (isBroken) throw new TypeError('the driver lost its socket');
      return inner.create(session);
    },
  };
  const key = await signingKey();
  const world = await startWorld({ session: { store }, provider: { keys: [key] } });
  world.clock.advance(301);
  // too long for a URL, so the form of the logout is kept in the store
  const idToken = await idTokenOf(world, key, { sub: 'alice', groups: 'x'.repeat(2500) });
  world.provider.intercept = answerTokens(200, tokenResponse({ id_token: idToken }));
  await world.callApi();
  world.provider.intercept = undefined;
  isBroken = true;
  const answer = await world.page('POST', '/session/logout');
  expect(answer.status).toBe(200);
  expect(new URL(((await answer.json()) as { readonly location: string }).location).origin).toBe(world.provider.issuer);
  expect(cookiesOf(world).size).toBe(0);
});

/** A store that cannot be written to for the next few times. */
function unsharing(): { readonly store: SessionStore; failNext(times: number): void } {
  const inner = memorySessions();
  let failures = 0;
  return {
    store: {
      ...inner,
      create(session) {
        if (failures-- > 0) throw new SessionStoreError('the store cannot be reached');
        return inner.create(session);
      },
    },
    failNext(times) {
      failures = times;
    },
  };
}
