import { expect, test } from 'vitest';
import { API } from '../provider.ts';
import { cookiesOf, CSRF, SCOPE, SECRET, showCookies, startWorld, type World } from '../world.ts';
import { startAppProcess, type AppProcess } from './app-processes.ts';

test('a process that is killed between the answer of the issuer and its own answer: the session ends with a clear reason if the issuer rotates strictly', async () => {
  const world = await startWorld();
  await killWhileRefreshing(world);
  const next = await startProcess(world);
  expect(await world.callApi(next.base)).toEqual({ reason: 'session_ended', cause: 'the issuer refused its refresh token' });
  expect(cookiesOf(world).size).toBe(0);
});

test('a process that is killed between the answer of the issuer and its own answer: the session goes on if the issuer still takes the old refresh token', async () => {
  const world = await startWorld({ provider: { configuration: { rotateRefreshToken: false } } });
  await killWhileRefreshing(world);
  const next = await startProcess(world);
  expect(await world.callApi(next.base)).toMatchObject({ sub: 'alice' });
  expect(world.refreshes()).toBe(2);
});

test('server restart: a process that is killed while nothing is under way ends no session in an encrypted cookie', async () => {
  const world = await startWorld();
  const first = await startProcess(world);
  expect(await world.callApi(first.base)).toMatchObject({ sub: 'alice' });
  await first.kill();
  const second = await startProcess(world);
  expect(await world.callApi(second.base)).toMatchObject({ sub: 'alice' });
});

test('server restart, key ring rotated: a process that is killed in the middle of a login loses nothing, and a new one with a new secret ends the login', async () => {
  const world = await startWorld({ isLoggedIn: false });
  const first = await startProcess(world);
  const started = await world.page('GET', '/session/login?returnTo=/orders', first.base);
  await first.kill();
  const callback = await world.browser.logInAt(started.headers.get('location')!, world.app.origin);
  const second = await startProcess(world, ['the secret that follows it, with more than 32 characters', SECRET]);
  const landing = await world.page('GET', `${callback.pathname}${callback.search}`, second.base);
  expect([landing.status, (await landing.text()).includes('url=/orders')]).toEqual([200, true]);
  expect(await world.callApi(second.base)).toMatchObject({ sub: 'alice' });
});

/** The issuer has answered the refresh, and the browser gets no answer any more. */
async function killWhileRefreshing(world: World): Promise<void> {
  const before = cookiesOf(world);
  const first = await startProcess(world);
  const held = first.held();
  const cookie = [...before].map(([name, value]) => `${name}=${value}`).join('; ');
  // from the start, since the connection ends before kill() does
  const lost = expect(fetch(`${first.base}/api/me`, { headers: { ...CSRF, cookie, 'x-hold': '1' } })).rejects.toThrow();
  await held;
  expect(world.refreshes()).toBe(1);
  await first.kill();
  await lost;
  showCookies(world, before);
}

function startProcess({ provider, app }: World, secrets: readonly string[] = [SECRET]): Promise<AppProcess> {
  const { issuer, clientId, clientSecret } = provider;
  return startAppProcess({ issuer, clientId, clientSecret, origin: app.origin, secrets, scope: SCOPE, resource: API, aheadSeconds: 301 });
}
