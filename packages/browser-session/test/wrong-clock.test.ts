import { createResourceGuard, memorySessions } from '@tokenward/core';
import { decodeJwt } from 'jose';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { logoutToken, sendLogoutToken } from './logout-tokens.ts';
import { API, signingKey } from './provider.ts';
import { watchRevocations } from './token-responses.ts';
import { cookiesOf, CSRF, showCookies, startWorld, type World } from './world.ts';

const WRONG_SECONDS = 300;
const MODES = { 'encrypted cookies': () => ({}), 'a store in memory': () => ({ store: memorySessions() }) };

/** The warnings of sessions that the process prints during a test. */
function warningsOfSessions(): { told(): Promise<readonly string[]> } {
  const texts: string[] = [];
  const listener = (warning: Error): void => {
    if ((warning as NodeJS.ErrnoException).code === 'TOKENWARD_SESSION') texts.push(warning.message);
  };
  process.on('warning', listener);
  onTestFinished(() => void process.off('warning', listener));
  return {
    async told() {
      const arrived = new Promise((resolve) => {
        process.once('warning', resolve);
      });
      process.emitWarning('the last one');
      await arrived;
      return texts;
    },
  };
}

describe.each(Object.entries(MODES))('a clock that is wrong by 5 minutes, with %s', (_mode, options) => {
  test('ahead of the issuer: the login succeeds, refreshes come as often as before, and one sentence says by how much', async () => {
    const warnings = warningsOfSessions();
    const world = await startWorld({ session: options(), isLoggedIn: false });
    world.clock.skewWall(WRONG_SECONDS);
    await world.logIn();
    await world.logIn();
    expect(await warnings.told()).toEqual([
      `tokenward: the clock of this server is about 5 minutes ahead of that of ${world.provider.issuer}, so the issuer's tokens seem to have ended too early. Let both follow NTP`,
    ]);
    await usesEachTokenToItsEnd(world);
  });

  test('behind the issuer: the login is refused, and the sentence for operators says by how much', async () => {
    const warnings = warningsOfSessions();
    const world = await startWorld({ session: options(), isLoggedIn: false });
    world.clock.skewWall(-WRONG_SECONDS);
    await expect(world.logIn()).rejects.toThrow('was not valid, so you were not logged in');
    expect(world.sessionEvents()).toEqual(['login failed invalid_response']);
    expect(await warnings.told()).toEqual([
      `tokenward: a login at ${world.provider.issuer} failed: the ID token was issued in the future (iat): the clock of this server is about 5 minutes behind that of the issuer. Let both follow NTP`,
    ]);
    expect(cookiesOf(world).size).toBe(0);
    world.clock.skewWall(WRONG_SECONDS);
    // the tokens of the refused login were revoked, and with them the grant
    world.browser.cookies(world.provider.issuer).clear();
    await world.logIn();
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  });

  test.each([WRONG_SECONDS, -WRONG_SECONDS])('that jumps by %i s in the middle of a session ends none, neither at once nor at a refresh', async (seconds) => {
    const world = await startWorld({ session: options(), provider: { accessTokenSeconds: 60 } });
    const issuer = issuerClock();
    for (const jump of [seconds, -seconds]) {
      world.clock.skewWall(jump);
      expect(await world.callApi()).toMatchObject({ sub: 'alice' });
      // a clock that was set back makes a token live longer by as much
      for (const wait of [61, 300, 61]) {
        world.clock.advance(wait);
        issuer.advance(wait);
        expect(await world.callApi()).toMatchObject({ sub: 'alice' });
      }
    }
    expect(world.refreshes()).toBeGreaterThanOrEqual(4);
    expect(world.sessionEvents().filter((event) => event.startsWith('end'))).toEqual([]);
  });

  test.each([WRONG_SECONDS, -WRONG_SECONDS])('that jumps by %i s: logout tokens end the sessions from before them, and no later one', async (seconds) => {
    const key = await signingKey();
    const world = await startWorld({ session: options(), provider: { keys: [key] } });
    const first = cookiesOf(world);
    const { iat } = decodeJwt<{ readonly iat: number }>(world.issued.find(({ kind }) => kind === 'id_token')!.token);
    const late = await logoutToken(world, key, { sub: 'alice', iat });
    // the provider does not know of this logout, so its login goes on with the same grant
    watchRevocations(world);
    const issuer = issuerClock();
    issuer.advance(2);
    // another browser, so that the login replaces no session
    showCookies(world, new Map());
    await world.logIn();
    const second = cookiesOf(world);
    world.clock.skewWall(seconds);
    expect((await sendLogoutToken(world, late)).status).toBe(200);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    showCookies(world, first);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    showCookies(world, second);
    await world.logOutAtIssuer();
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    // also when the clock is right again
    world.clock.skewWall(-seconds);
    showCookies(world, second);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
  });

  test('that is right, while the clock of the issuer is 5 minutes ahead: its logout counts, and people can log in when it is right again', async () => {
    const world = await startWorld({ session: options() });
    const issuer = issuerClock();
    issuer.advance(WRONG_SECONDS);
    await world.logOutAtIssuer();
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    issuer.advance(-WRONG_SECONDS);
    world.browser.cookies(world.provider.issuer).clear();
    await world.logIn();
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  });

  test('idle and absolute time-outs count by the clock of this server, however wrong', async () => {
    const world = await startWorld({ session: { ...options(), idleSeconds: 1000, maxSeconds: 1000 }, isLoggedIn: false });
    world.clock.skewWall(WRONG_SECONDS);
    await world.logIn();
    world.clock.advance(999);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    world.clock.advance(1);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
  });
});

test('a clock that is right is not mentioned, and neither is one that is off by less than clockSkewSeconds', async () => {
  const warnings = warningsOfSessions();
  const world = await startWorld();
  for (const seconds of [20, -40]) {
    world.clock.skewWall(seconds);
    await world.logIn();
  }
  expect(await warnings.told()).toEqual([]);
});

test('a guard whose clock is 5 minutes ahead refuses the token of a session that has just begun, with the reason expired', async () => {
  const world = await startWorld({ isLoggedIn: false, provider: { accessTokenSeconds: 240 } });
  world.clock.skewWall(WRONG_SECONDS);
  await world.logIn();
  const { issuer } = world.provider;
  const guard = createResourceGuard({ issuer, audience: API, session: world.app.session!, clock: world.clock });
  onTestFinished(() => guard.close());
  const cookie = [...cookiesOf(world)].map(([name, value]) => `${name}=${value}`).join('; ');
  const decision = await guard.check({ method: 'GET', target: '/orders', headers: { ...CSRF, cookie } });
  expect(decision).toMatchObject({ outcome: 'deny', status: 401, reason: 'expired' });
});

/** Lets time pass for the provider, which runs in this process and has the machine's clock. */
function issuerClock(): { advance(seconds: number): void } {
  const now = Date.now;
  let aheadMs = 0;
  const later = vi.spyOn(Date, 'now').mockImplementation(() => now() + aheadMs);
  onTestFinished(() => later.mockRestore());
  return { advance: (seconds) => void (aheadMs += seconds * 1000) };
}

async function usesEachTokenToItsEnd(world: World): Promise<void> {
  const first = await world.callApi();
  world.clock.advance(260);
  expect(await world.callApi()).toEqual(first);
  world.clock.advance(20);
  expect((await world.callApi()).jti).not.toBe(first.jti);
  expect(world.refreshes()).toBe(1);
}
