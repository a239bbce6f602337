import { memoryRevocations, memorySessions, RevocationStoreError } from '@tokenward/core';
import { SessionStoreError, type RevocationStore } from '@tokenward/core/store';
import { decodeJwt } from 'jose';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { logoutToken, sendLogoutToken as send } from './logout-tokens.ts';
import { signingKey, startProvider } from './provider.ts';
import { watchRevocations } from './token-responses.ts';
import { cookiesOf, showCookies, startWorld, type WorldOptions } from './world.ts';

const MODES = {
  'encrypted cookies': () => ({}),
  'a store in memory': () => ({ store: memorySessions() }),
} as const satisfies Record<string, () => WorldOptions['session']>;

describe.each(Object.entries(MODES))('with %s', (_mode, options) => {
  test('rule 118: a logout at the issuer ends the session here, without a cookie and without the custom header', async () => {
    const world = await startWorld({ session: options() });
    await world.logOutAtIssuer();
    expect(world.sessionEvents()).toEqual(['login done', 'end done backchannel_logout']);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    expect(cookiesOf(world).size).toBe(0);
  });

  test('rule 113: a new login after a logout token works', async () => {
    const key = await signingKey();
    const world = await startWorld({ session: options(), provider: { keys: [key] } });
    const old = cookiesOf(world);
    // The provider does not know of this logout, so its login goes on. To revoke a refresh token would end its grant
    watchRevocations(world);
    expect((await send(world, await logoutToken(world, key, { sub: 'alice' }))).status).toBe(200);
    // the provider runs in this process: its next ID token is of a later second than the logout
    const now = Date.now;
    const later = vi.spyOn(Date, 'now').mockImplementation(() => now() + 2000);
    onTestFinished(() => later.mockRestore());
    await world.logIn();
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    showCookies(world, old);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
  });

  test('rule 119: a logout token with sub alone that arrives late ends the sessions from before it, and no later one', async () => {
    const key = await signingKey();
    const world = await startWorld({ session: options(), provider: { keys: [key] } });
    const old = cookiesOf(world);
    const { iat } = decodeJwt<{ readonly iat: number }>(world.issued.find(({ kind }) => kind === 'id_token')!.token);
    const late = await logoutToken(world, key, { sub: 'alice', iat });
    const now = Date.now;
    const later = vi.spyOn(Date, 'now').mockImplementation(() => now() + 2000);
    onTestFinished(() => later.mockRestore());
    // another browser, so that the login replaces no session
    showCookies(world, new Map());
    await world.logIn();
    const latest = cookiesOf(world);
    expect((await send(world, late)).status).toBe(200);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    showCookies(world, old);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    // a `sid` names one session, whenever it began
    showCookies(world, latest);
    const { sid } = decodeJwt<{ readonly sid: string }>(world.issued.findLast(({ kind }) => kind === 'id_token')!.token);
    expect((await send(world, await logoutToken(world, key, { sid, sub: 'alice' }))).status).toBe(200);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
  });

  test('rule 119: sid ends one session, and sub alone all of the subject', async () => {
    const key = await signingKey();
    const world = await startWorld({ session: options(), provider: { keys: [key] } });
    const first = cookiesOf(world);
    const sid = decodeJwt<{ readonly sid: string }>(world.issued.find(({ kind }) => kind === 'id_token')!.token).sid;
    // another browser
    world.browser.cookies(world.app.origin).clear();
    world.browser.cookies(world.provider.issuer).clear();
    await world.logIn();
    const second = cookiesOf(world);
    expect((await send(world, await logoutToken(world, key, { sid }))).status).toBe(200);
    showCookies(world, first);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    showCookies(world, second);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    expect((await send(world, await logoutToken(world, key, { sub: 'alice' }))).status).toBe(200);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
  });

  test('rules 116 and 117: refuses logout tokens that are forged, foreign, repeated, or another kind of token', async () => {
    const key = await signingKey();
    const world = await startWorld({ session: options(), provider: { keys: [key] } });
    const idToken = world.issued.find(({ kind }) => kind === 'id_token')!.token;
    const accessToken = world.issued.find(({ kind }) => kind === 'access_token')!.token;
    const forged = await logoutToken(world, { ...(await signingKey()), kid: key.kid! }, { sub: 'alice' });
    const wrong = [
      idToken,
      accessToken,
      forged,
      await logoutToken(world, key, { sub: 'alice', aud: 'another-client' }),
      await logoutToken(world, key, { sub: 'alice', nonce: 'x' }),
      await logoutToken(world, key, { sub: 'alice', events: {} }),
      await logoutToken(world, key, { sub: 'alice', exp: Math.floor(world.clock.now() / 1000) - 601 }),
      await logoutToken(world, key, { sub: 'alice', iat: Math.floor(world.clock.now() / 1000) + 700 }),
      await logoutToken(world, key, {}),
      'no token',
      '',
    ];
    for (const token of wrong) expect((await send(world, token)).status).toBe(400);
    expect((await world.browser.visit(`${world.app.origin}/session/backchannel-logout`)).status).toBe(405);
    const tooLong = await send(world, 'x'.repeat(70_000));
    expect([tooLong.status, tooLong.headers.get('cache-control')]).toEqual([400, 'no-store']);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    expect(new Set(world.sessionEvents().slice(1))).toEqual(new Set(['end refused invalid_logout_token']));

    const once = await logoutToken(world, key, { sub: 'somebody else' });
    expect((await send(world, once)).status).toBe(200);
    expect((await send(world, once)).status).toBe(400);
  });

  test('rule 119: an equal sid of another issuer is untouched', async () => {
    const key = await signingKey();
    const world = await startWorld({ session: options(), provider: { keys: [key] } });
    const other = await startProvider({ appOrigin: world.app.origin, keys: [key] });
    const { sid } = decodeJwt<{ readonly sid: string }>(world.issued.find(({ kind }) => kind === 'id_token')!.token);
    expect((await send(world, await logoutToken(world, key, { sid, sub: 'alice', iss: other.issuer }))).status).toBe(400);
    await other.close();
    // the session of the other issuer's client, over the same stores
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  });
});

test('back-channel logout ends encrypted cookies in another process too, through shared revocations and without a session store', async () => {
  const world = await startWorld({ session: { revocations: memoryRevocations() } });
  const other = await world.startAnother();
  expect(await world.callApi(other.origin)).toMatchObject({ sub: 'alice' });
  await world.logOutAtIssuer();
  expect(await world.callApi(other.origin)).toMatchObject({ reason: 'session_ended', cause: 'the issuer has ended the session (back-channel logout)' });
});

test('back-channel logout ends stored sessions in another process that shares only the store', async () => {
  const world = await startWorld({ session: { store: memorySessions() } });
  const other = await world.startAnother();
  expect(await world.callApi(other.origin)).toMatchObject({ sub: 'alice' });
  await world.logOutAtIssuer();
  expect(await world.callApi(other.origin)).toMatchObject({ reason: 'session_ended' });
});

test('a store that is down is a failure: the issuer may send the same logout token again', async () => {
  const key = await signingKey();
  const store = memorySessions();
  let isDown = true;
  const removeLabelled: typeof store.removeLabelled = async (label) => {
    if (isDown) throw new SessionStoreError('the connection is cut');
    return store.removeLabelled(label);
  };
  const world = await startWorld({ session: { store: { ...store, removeLabelled } }, provider: { keys: [key] } });
  const token = await logoutToken(world, key, { sub: 'alice' });
  const failed = await send(world, token);
  // an issuer that gets 400 would not send it again
  expect([failed.status, failed.headers.get('retry-after')]).toEqual([503, '5']);
  expect(world.sessionEvents()).toEqual(['login done', 'end failed store_unavailable']);
  // here it has ended all the same
  expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
  isDown = false;
  expect((await send(world, token)).status).toBe(200);
});

test('revocations that cannot be kept are no outage of the issuer', async () => {
  const key = await signingKey();
  const revocations = memoryRevocations();
  const add: typeof revocations.add = async () => {
    throw new RevocationStoreError('the connection is cut');
  };
  const world = await startWorld({ session: { revocations: { ...revocations, add } }, provider: { keys: [key] } });
  expect((await send(world, await logoutToken(world, key, { sub: 'alice' }))).status).toBe(503);
  expect(world.sessionEvents()).toEqual(['login done', 'end failed store_unavailable']);
});

test('rule 118: sessions in the store end though the revocations cannot be kept: the issuer may never send the logout token again', async () => {
  const key = await signingKey();
  const add: RevocationStore['add'] = async () => {
    throw new RevocationStoreError('the connection is cut');
  };
  const world = await startWorld({ session: { store: memorySessions(), revocations: { ...memoryRevocations(), add } }, provider: { keys: [key] } });
  const other = await world.startAnother({ revocations: memoryRevocations() });
  expect(await world.callApi(other.origin)).toMatchObject({ sub: 'alice' });
  expect((await send(world, await logoutToken(world, key, { sub: 'alice' }))).status).toBe(503);
  expect(await world.callApi(other.origin)).toMatchObject({ reason: 'session_ended' });
});

test('an issuer whose keys cannot be fetched is an outage of the issuer', async () => {
  const key = await signingKey();
  const world = await startWorld({ provider: { keys: [key] }, isLoggedIn: false });
  const token = await logoutToken(world, key, { sub: 'alice' });
  world.provider.intercept = (_request, response) => {
    response.writeHead(500).end();
    return true;
  };
  expect((await send(world, token)).status).toBe(503);
  expect(world.sessionEvents()).toEqual(['end failed issuer_unavailable']);
});

test('rule 118: after two rotations of the keys of the issuer within seconds, a logout token is answered 503 until the keys may be fetched again', async () => {
  const [own, second, third] = [await signingKey(), await signingKey(), await signingKey()];
  const world = await startWorld({ provider: { keys: [own] } });
  let published = own;
  let fetches = 0;
  world.provider.intercept = ({ url }, response) => {
    if (!url!.startsWith('/jwks')) return false;
    fetches++;
    const { d: _private, ...key } = published;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [key] }));
    return true;
  };
  for (const key of [own, second]) {
    published = key;
    expect((await send(world, await logoutToken(world, key, { sub: 'bob' }))).status).toBe(200);
  }
  published = third;
  const token = await logoutToken(world, third, { sub: 'alice' });
  for (let attempt = 0; attempt < 10; attempt++) {
    const answer = await send(world, token);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '30']);
  }
  expect(fetches).toBe(2);
  expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  world.clock.advance(30);
  expect((await send(world, token)).status).toBe(200);
  expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
});
