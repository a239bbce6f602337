import { redisRevocations, redisSessions } from '@tokenward/redis';
import { expect, onTestFinished, test } from 'vitest';
import { startRedis } from '../../../redis/test/redis-server.ts';
import type { ApiAnswer } from '../app-server.ts';
import { API } from '../provider.ts';
import { cookiesOf, CSRF, SCOPE, SECRET, startWorld, type World } from '../world.ts';
import { startAppProcess, type AppProcess } from './app-processes.ts';

const KEPT = ['sessions', 'refreshes'] as const;
const AHEAD_SECONDS = 301;

test.each(KEPT)('rule 130, refresh races: fifty parallel calls to each of two processes make one refresh, with the %s in Redis', async (redisKeeps) => {
  const { world, processes } = await startFleet(redisKeeps);
  const before = cookiesOf(world);
  const answers = await Promise.all(processes.flatMap(({ base }) => Array.from({ length: 50 }, () => call(before, base))));
  expect(world.refreshes()).toBe(1);
  expect(new Set(answers.map(({ jti }) => jti)).size).toBe(1);
  expect(answers[0]).toMatchObject({ sub: 'alice' });
});

test.each(KEPT)('a process that is killed after its refresh loses nothing: the others go on, with the %s in Redis', async (redisKeeps) => {
  const { world, processes } = await startFleet(redisKeeps);
  const [first, second] = processes as [AppProcess, AppProcess];
  const before = cookiesOf(world);
  const held = first.held();
  // from the start, since the connection ends before kill() does
  const lost = expect(call(before, first.base, { 'x-hold': '1' })).rejects.toThrow();
  await held;
  await first.kill();
  await lost;
  expect(await call(before, second.base)).toMatchObject({ sub: 'alice' });
  expect(world.refreshes()).toBe(1);
});

test.each(KEPT)('logout in one process ends the session in the other, and so does a logout at the issuer, with the %s in Redis', async (redisKeeps) => {
  const { world, processes } = await startFleet(redisKeeps);
  const [first, second] = processes as [AppProcess, AppProcess];
  const copy = cookiesOf(world);
  expect((await world.page('POST', '/session/logout', first.base)).status).toBe(200);
  // Redis brings the revocation within milliseconds
  await expect.poll(() => call(copy, second.base), { interval: 10, timeout: 5000 }).toMatchObject({ reason: 'session_ended' });

  // the logout ended the grant at the issuer, too
  world.browser.cookies(world.provider.issuer).clear();
  await world.logIn();
  const cookies = cookiesOf(world);
  expect(await call(cookies, second.base)).toMatchObject({ sub: 'alice' });
  await world.logOutAtIssuer();
  await expect.poll(() => call(cookies, second.base), { interval: 10, timeout: 5000 }).toMatchObject({ reason: 'session_ended' });
});

/** The app's own process, in which users log in, and two others, whose clocks are ahead, so that the access token is due there. */
async function startFleet(redisKeeps: (typeof KEPT)[number]): Promise<{ readonly world: World; readonly processes: readonly AppProcess[] }> {
  const redis = await startRedis();
  onTestFinished(() => redis.close());
  const { url } = redis;
  const store = redisSessions({ url });
  const revocations = redisRevocations({ url });
  onTestFinished(async () => {
    await store.close();
    await revocations.close();
  });
  await Promise.all([store.warm(), revocations.warm()]);
  const world = await startWorld({ session: { revocations, [redisKeeps === 'sessions' ? 'store' : 'refreshStore']: store } });
  const { issuer, clientId, clientSecret } = world.provider;
  const options = { issuer, clientId, clientSecret, origin: world.app.origin, secrets: [SECRET], scope: SCOPE, resource: API };
  const start = (): Promise<AppProcess> => startAppProcess({ ...options, aheadSeconds: AHEAD_SECONDS, redisUrl: url, redisKeeps });
  return { world, processes: await Promise.all([start(), start()]) };
}

async function call(cookies: ReadonlyMap<string, string>, base: string, more: Readonly<Record<string, string>> = {}): Promise<ApiAnswer> {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const response = await fetch(`${base}/api/me`, { headers: { ...CSRF, cookie, ...more } });
  return (await response.json()) as ApiAnswer;
}
