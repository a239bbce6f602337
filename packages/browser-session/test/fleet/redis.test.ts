import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { seedEpoch, startRedis, type RedisServer } from '../../../redis/test/redis-server.ts';
import type { ApiAnswer } from '../app-server.ts';
import { API } from '../provider.ts';
import { cookiesOf, CSRF, SCOPE, SECRET, showCookies, startWorld, type World } from '../world.ts';
import { startAppProcess, type AppProcess } from './app-processes.ts';
import { watchLeases } from './watched-leases.ts';
import { openRedisStores } from './redis-stores.ts';

const AHEAD_SECONDS = 301;

// one for all fleets, since stores wait for seconds after a server has started
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
}, 60_000);
afterAll(() => redis.close());

// the tests of a fleet share it, since each process takes a second to start: the last one kills one of them
describe.each(['sessions', 'refreshes'] as const)('with the %s in Redis', (redisKeeps) => {
  const ends: (() => unknown)[] = [];
  let world: World;
  let first: AppProcess;
  let second: AppProcess;

  beforeAll(async () => {
    [world, first, second] = await startFleet(redisKeeps, (end) => void ends.push(end));
  }, 60_000);
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });

  /** Begins a session, and returns its cookies. */
  async function logInAgain(): Promise<Map<string, string>> {
    world.browser.cookies(world.provider.issuer).clear();
    showCookies(world, new Map());
    await world.logIn();
    return cookiesOf(world);
  }

  test('rule 130, refresh races: fifty parallel calls to each of two processes make one refresh', async () => {
    const [cookies, refreshes] = [await logInAgain(), world.refreshes()];
    const leases = await watchLeases(redis.port);
    onTestFinished(() => leases.close());
    let asked = 0;
    world.provider.intercept = async ({ url }) => {
      if (!url!.startsWith('/token') || ++asked > 1) return false;
      // The first refresh waits for the other process: it was refused the lease and tries again, or it refreshes, too
      await vi.waitUntil(() => leases.attempts >= 3 || asked > 1, { interval: 5, timeout: 15_000 });
      return false;
    };
    onTestFinished(() => {
      world.provider.intercept = undefined;
    });
    const answers = await Promise.all([first, second].flatMap(({ base }) => Array.from({ length: 50 }, () => call(cookies, base))));
    expect([asked, world.refreshes()]).toEqual([1, refreshes + 1]);
    expect(new Set(answers.map(({ jti }) => jti)).size).toBe(1);
    expect(answers[0]).toMatchObject({ sub: 'alice' });
  });

  test('logout in one process ends the session in the other, and so does a logout at the issuer', async () => {
    const copy = await logInAgain();
    expect((await world.page('POST', '/session/logout', first.base)).status).toBe(200);
    // Redis brings the revocation within milliseconds
    await expect.poll(() => call(copy, second.base), { interval: 10, timeout: 5000 }).toMatchObject({ reason: 'session_ended' });

    // the logout ended the grant at the issuer, too
    const cookies = await logInAgain();
    expect(await call(cookies, second.base)).toMatchObject({ sub: 'alice' });
    await world.logOutAtIssuer();
    await expect.poll(() => call(cookies, second.base), { interval: 10, timeout: 5000 }).toMatchObject({ reason: 'session_ended' });
  });

  test('a process that is killed after its refresh loses nothing: the others go on', async () => {
    const [cookies, refreshes] = [await logInAgain(), world.refreshes()];
    const held = first.held();
    // from the start, since the connection ends before kill() does
    const lost = expect(call(cookies, first.base, { 'x-hold': '1' })).rejects.toThrow();
    await held;
    await first.kill();
    await lost;
    expect(await call(cookies, second.base)).toMatchObject({ sub: 'alice' });
    expect(world.refreshes()).toBe(refreshes + 1);
  });
});

/** The app's own process, in which users log in, and two others, whose clocks are ahead, so that the access token is due there. */
async function startFleet(redisKeeps: 'sessions' | 'refreshes', atEnd: (end: () => unknown) => void): Promise<[World, AppProcess, AppProcess]> {
  await redis.ask('FLUSHALL');
  await seedEpoch(redis);
  const { url } = redis;
  const { store, revocations } = await openRedisStores(url, atEnd);
  const kept = { [redisKeeps === 'sessions' ? 'store' : 'refreshStore']: store };
  const world = await startWorld({ session: { revocations, ...kept }, isLoggedIn: false, atEnd });
  const { issuer, clientId, clientSecret } = world.provider;
  const options = { issuer, clientId, clientSecret, origin: world.app.origin, secrets: [SECRET], scope: SCOPE, resource: API };
  const start = (): Promise<AppProcess> => startAppProcess({ ...options, timeoutSeconds: 20, aheadSeconds: AHEAD_SECONDS, redisUrl: url, redisKeeps }, atEnd);
  const [first, second] = await Promise.all([start(), start()]);
  return [world, first, second];
}

async function call(cookies: ReadonlyMap<string, string>, base: string, more: Readonly<Record<string, string>> = {}): Promise<ApiAnswer> {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const response = await fetch(`${base}/api/me`, { headers: { ...CSRF, cookie, ...more } });
  return (await response.json()) as ApiAnswer;
}
