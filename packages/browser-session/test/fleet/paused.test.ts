import { expect, onTestFinished, test } from 'vitest';
import { startRedis } from '../../../redis/test/redis-server.ts';
import type { ApiAnswer } from '../app-server.ts';
import { API } from '../provider.ts';
import { cookiesOf, CSRF, SCOPE, SECRET, showCookies, startWorld } from '../world.ts';
import { startAppProcess } from './app-processes.ts';
import { openRedisStores } from './redis-stores.ts';

test('refresh races: a process stands still during its refresh, and another one takes over with the used refresh token: the session ends for both, and no token is left', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.close());
  const { url } = redis;
  const { store, revocations } = await openRedisStores(url, onTestFinished);
  const world = await startWorld({ session: { revocations, store } });
  const { issuer, clientId, clientSecret } = world.provider;
  const options = { issuer, clientId, clientSecret, origin: world.app.origin, secrets: [SECRET], scope: SCOPE, resource: API };
  const stopped = await startAppProcess({ ...options, aheadSeconds: 301, redisUrl: url, redisKeeps: 'sessions' });
  const copy = cookiesOf(world);
  const cookie = [...copy].map(([name, value]) => `${name}=${value}`).join('; ');
  async function callStopped(): Promise<ApiAnswer> {
    return (await (await fetch(`${stopped.base}/api/me`, { headers: { ...CSRF, cookie } })).json()) as ApiAnswer;
  }

  // the issuer's answer waits in its socket
  world.provider.intercept = (request) => {
    if (request.url !== '/token') return false;
    world.provider.intercept = undefined;
    stopped.signal('SIGSTOP');
    return false;
  };
  const waiting = callStopped();
  await expect.poll(() => world.refreshes(), { interval: 10, timeout: 30_000 }).toBe(1);
  const leases = (await redis.ask('KEYS', '*:lease:*')) as string[];
  expect(leases).toHaveLength(1);
  // as its end would
  await redis.ask('DEL', ...leases);
  world.clock.advance(301);
  expect(await world.callApi()).toEqual({ reason: 'session_ended', cause: 'the issuer refused its refresh token' });
  expect(world.sessionEvents()).toEqual(['login done', 'refresh refused refresh_refused', 'end done refresh_refused']);
  stopped.signal('SIGCONT');
  expect(await waiting).toMatchObject({ reason: 'session_ended' });
  expect(await callStopped()).toMatchObject({ reason: 'session_ended' });
  showCookies(world, copy);
  expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
  const newest = world.issued.findLast(({ kind }) => kind === 'refresh_token')!.token;
  expect(await world.provider.provider.RefreshToken.find(newest)).toBeUndefined();
}, 60_000);
