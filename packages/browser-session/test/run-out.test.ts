import { memoryRevocations, memorySessions } from '@tokenward/core';
import type { SessionStore } from '@tokenward/core/store';
import { describe, expect, test, vi } from 'vitest';
import { watchRevocations } from './token-responses.ts';
import { cookiesOf, showCookies, startWorld, type World, type WorldOptions } from './world.ts';

const LIMITS = { idleSeconds: 400, maxSeconds: 1200 } as const;
const MODES = {
  'encrypted cookies': () => LIMITS,
  'a store in memory': () => ({ ...LIMITS, store: countedSessions() }),
} as const satisfies Record<string, () => WorldOptions['session']>;

describe.each(Object.entries(MODES))('rule 199: a session that has run out, with %s', (mode, options) => {
  test.each([
    ['its idle time', 401],
    ['its absolute time', 201],
  ])('by %s: its refresh token is revoked once, by a call for which no answer waits, however often the cookie is shown', async (_end, seconds) => {
    const world = await startWorld({ session: options() });
    // it is in use until shortly before its absolute end
    if (seconds === 201) for (let used = 0; used < 1000; used += 200) await advance(world, 200, mode === 'a store in memory');
    const copy = cookiesOf(world);
    const released = Promise.withResolvers<void>();
    const revoked: string[] = [];
    world.provider.intercept = async (request) => {
      if (request.url !== '/token/revocation') return false;
      revoked.push(request.url);
      await released.promise;
      return false;
    };
    world.clock.advance(seconds);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    expect(cookiesOf(world).size).toBe(0);
    for (let shown = 0; shown < 200; shown++) {
      showCookies(world, copy);
      expect(await (await world.page('GET', '/session/user')).json()).toEqual({ user: null });
    }
    released.resolve();
    await vi.waitFor(async () => expect(await world.provider.provider.RefreshToken.find(newestRefreshToken(world))).toBeUndefined());
    expect(revoked).toHaveLength(1);
  });

  test.each([
    ['GET', '/session/user', {}],
    ['POST', '/session/token', { mode: 'token-mediating' }],
    ['POST', '/session/logout', {}],
    ['GET', '/', {}],
  ] as const)('%s %s finds it', async (method, path, more) => {
    const world = await startWorld({ session: { ...options(), ...more } });
    const revoked = watchRevocations(world);
    world.clock.advance(401);
    if (path === '/') await world.app.session!.get({ headers: { cookie: cookieHeaderOf(world) } });
    else await world.page(method, path);
    await vi.waitFor(() => expect(revoked).toEqual([newestRefreshToken(world)]));
  });

  test('a login that begins in its place revokes nothing, since the issuer may keep one grant for both', async () => {
    const world = await startWorld({ session: options() });
    const copy = cookiesOf(world);
    world.clock.advance(401);
    await world.logIn();
    const cookies = cookiesOf(world);
    showCookies(world, copy);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    showCookies(world, cookies);
    world.clock.advance(301);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    expect(world.provider.requests).not.toContain('POST /token/revocation');
  });

  test('an issuer that does not answer is told by an event alone', async () => {
    const world = await startWorld({ session: options() });
    const copy = cookiesOf(world);
    world.provider.intercept = (request, response) => {
      if (request.url !== '/token/revocation') return false;
      response.writeHead(503).end();
      return true;
    };
    world.clock.advance(401);
    expect(await world.callApi()).toEqual({ reason: 'session_ended', cause: 'it was not used for longer than idleSeconds' });
    await vi.waitFor(() => expect(world.sessionEvents()).toEqual(['login done', 'end done idle', 'end failed issuer_unavailable']));
    showCookies(world, copy);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    expect(world.provider.requests.filter((request) => request === 'POST /token/revocation')).toHaveLength(1);
  });

  test('after a logout, a copy of the cookie that runs out causes no call', async () => {
    const world = await startWorld({ session: options() });
    const copy = cookiesOf(world);
    await world.page('POST', '/session/logout');
    const revoked = watchRevocations(world);
    world.clock.advance(401);
    showCookies(world, copy);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    expect(revoked).toEqual([]);
  });
});

describe('rule 199: an older copy of an encrypted cookie', () => {
  test('does not end a session that is in use', async () => {
    const world = await startWorld({ session: LIMITS });
    const old = cookiesOf(world);
    for (let used = 0; used < 500; used += 250) await advance(world, 250);
    const newest = cookiesOf(world);
    showCookies(world, old);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    showCookies(world, newest);
    await advance(world, 250);
    expect(world.provider.requests).not.toContain('POST /token/revocation');
  });

  test('of a session that another login has replaced does not end the new one', async () => {
    const world = await startWorld({ session: { ...LIMITS, revocations: memoryRevocations() } });
    const old = cookiesOf(world);
    await world.logIn();
    for (let used = 0; used < 500; used += 250) await advance(world, 250);
    const newest = cookiesOf(world);
    // another process, which remembers nothing else
    const other = await world.startAnother();
    showCookies(world, old);
    expect(await world.callApi(other.origin)).toMatchObject({ reason: 'session_ended' });
    showCookies(world, newest);
    await advance(world, 250);
    expect(world.provider.requests).not.toContain('POST /token/revocation');
  });
});

/** How often a store of {@link countedSessions} has written a session. */
let written = 0;

function countedSessions(): SessionStore {
  const store = memorySessions();
  return {
    ...store,
    async replace(session, replaces) {
      const answer = await store.replace(session, replaces);
      written++;
      return answer;
    },
  };
}

/** Uses the session after some time. With a store, waits until the store knows of the use, which it gets to know in the background. */
async function advance(world: World, seconds: number, hasStore = false): Promise<void> {
  const before = written;
  world.clock.advance(seconds);
  expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  if (hasStore) await vi.waitFor(() => expect(written).toBeGreaterThan(before));
}

function cookieHeaderOf(world: World): string {
  return [...cookiesOf(world)].map(([name, value]) => `${name}=${value}`).join('; ');
}

function newestRefreshToken({ issued }: World): string {
  return issued.findLast(({ kind }) => kind === 'refresh_token')!.token;
}
