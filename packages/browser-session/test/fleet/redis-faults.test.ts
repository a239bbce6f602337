import { memoryRevocations } from '@tokenward/core';
import { redisSessions } from '@tokenward/redis';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startRedis } from '../../../redis/test/redis-server.ts';
import { holdTokens } from '../token-responses.ts';
import { cookiesOf, showCookies, startWorld, type World } from '../world.ts';

test('Redis is down at a login, which says so and leaves no refresh token; people log in when Redis is back', async () => {
  const { world, redis, store } = await startApp({ isLoggedIn: false });
  await redis.kill();
  await expect(world.logIn()).rejects.toThrow('the login failed: 503');
  expect(world.app.session!.health().ready).toBe(false);
  expect(world.sessionEvents()).toEqual(['login failed store_unavailable']);
  expect(cookiesOf(world).size).toBe(0);
  expect(await world.provider.provider.RefreshToken.find(newestRefreshToken(world))).toBeUndefined();
  await redis.start();
  await store.warm();
  // the provider revokes the whole grant
  world.browser.cookies(world.provider.issuer).clear();
  await world.logIn();
  expect(await world.callApi()).toMatchObject({ sub: 'alice' });
});

test('Redis is restarted without its data: sessions have ended, and people log in again', async () => {
  const { world, redis, store } = await startApp();
  await redis.kill();
  await redis.wipe();
  await redis.start();
  await store.warm();
  expect(await world.callApi()).toMatchObject({ reason: 'session_ended', cause: expect.stringContaining('the store no longer has it') });
  expect(cookiesOf(world).size).toBe(0);
  await world.logIn();
  expect(await world.callApi()).toMatchObject({ sub: 'alice' });
});

test('Redis has become a replica: calls get 503 and no refresh is lost, and they work when it is a primary again', async () => {
  const { world, redis } = await startApp();
  world.clock.advance(301);
  await redis.ask('REPLICAOF', '127.0.0.1', '1');
  expect(await world.callApi()).toMatchObject({ reason: 'session_unavailable' });
  await redis.ask('REPLICAOF', 'NO', 'ONE');
  await expect.poll(() => world.callApi(), { interval: 50, timeout: 10_000 }).toMatchObject({ sub: 'alice' });
  expect(world.refreshes()).toBe(1);
});

test('Redis has no memory left: valid tokens are used, nothing is refreshed that could not be kept, and a logout works', async () => {
  const { world, redis } = await startApp({ redisOptions: ['--maxmemory-policy', 'noeviction'] });
  world.clock.advance(280);
  await redis.ask('CONFIG', 'SET', 'maxmemory', '1');
  expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  world.clock.advance(21);
  expect(await world.callApi()).toMatchObject({ reason: 'session_unavailable' });
  expect(world.refreshes()).toBe(0);
  await redis.ask('CONFIG', 'SET', 'maxmemory', '0');
  world.clock.advance(6);
  expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  await redis.ask('CONFIG', 'SET', 'maxmemory', '1');
  expect((await world.page('POST', '/session/logout')).status).toBe(200);
  expect(world.sessionEvents().at(-1)).toBe('logout done');
  expect(await world.provider.provider.RefreshToken.find(newestRefreshToken(world))).toBeUndefined();
});

test('refresh races: Redis has no memory left as a refresh is answered: it is saved when there is some, and its refresh token is not lost', async () => {
  const { world, redis } = await startApp({ redisOptions: ['--maxmemory-policy', 'noeviction'] });
  world.clock.advance(301);
  const tokens = holdTokens(world);
  const call = world.callApi();
  await tokens.arrived;
  await redis.ask('CONFIG', 'SET', 'maxmemory', '1');
  tokens.release();
  expect(await call).toMatchObject({ reason: 'session_unavailable' });
  await redis.ask('CONFIG', 'SET', 'maxmemory', '0');
  const other = await world.startAnother();
  await expect.poll(() => world.callApi(other.origin), { interval: 100, timeout: 10_000 }).toMatchObject({ sub: 'alice' });
  expect(world.refreshes()).toBe(1);
});

test('Redis stands still for less than the timeout: a refresh is only slow', async () => {
  const { world, redis } = await startApp();
  world.clock.advance(301);
  await redis.ask('CLIENT', 'PAUSE', '300', 'ALL');
  expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  expect(world.refreshes()).toBe(1);
});

test('refresh races: Redis fails over to a copy that lost the last refresh: the process that has refreshed writes it back, and a lost logout stays one', async () => {
  const { world, redis, store } = await startApp();
  const replaced: unknown[] = [];
  world.app.session = world.createSession({
    store: {
      ...store,
      async replace(session, replaces) {
        const answer = await store.replace(session, replaces);
        replaced.push(answer);
        return answer;
      },
    },
  });
  const other = await world.startAnother();
  async function restoreCopy(): Promise<void> {
    await redis.kill();
    await redis.start();
    await store.warm();
  }
  await redis.ask('SAVE');
  world.clock.advance(301);
  const { jti } = await world.callApi();
  await restoreCopy();
  expect(await world.callApi()).toMatchObject({ jti });
  await vi.waitFor(() => expect(replaced).toEqual(['replaced', 'replaced']));
  expect(await world.callApi(other.origin)).toMatchObject({ jti, sub: 'alice' });
  expect(world.refreshes()).toBe(1);

  const copy = cookiesOf(world);
  expect((await world.page('POST', '/session/logout')).status).toBe(200);
  await restoreCopy();
  for (const base of [world.app.origin, other.origin]) {
    showCookies(world, copy);
    expect(await world.callApi(base)).toMatchObject({ reason: 'session_ended' });
  }
  expect(await world.provider.provider.RefreshToken.find(newestRefreshToken(world))).toBeUndefined();
});

async function startApp({ redisOptions = [], isLoggedIn = true }: { readonly redisOptions?: readonly string[]; readonly isLoggedIn?: boolean } = {}) {
  const redis = await startRedis(...redisOptions);
  onTestFinished(() => redis.close());
  const store = redisSessions({ url: redis.url });
  onTestFinished(() => store.close());
  await store.warm();
  const world = await startWorld({ session: { store, revocations: memoryRevocations() }, isLoggedIn });
  return { world, redis, store };
}

function newestRefreshToken({ issued }: World): string {
  return issued.findLast(({ kind }) => kind === 'refresh_token')!.token;
}
