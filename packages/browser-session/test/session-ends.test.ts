import { memorySessions } from '@tokenward/core';
import { describe, expect, test } from 'vitest';
import { cookiesOf, startWorld, type WorldOptions } from './world.ts';

const MODES = {
  'encrypted cookies': () => ({}),
  'a store in memory': () => ({ store: memorySessions() }),
} as const satisfies Record<string, () => WorldOptions['session']>;

describe.each(Object.entries(MODES))('with %s', (_mode, options) => {
  test('idle and absolute time-outs: a session that is not used for idleSeconds ends', async () => {
    const world = await startWorld({ session: { ...options(), idleSeconds: 400, maxSeconds: 1200 } });
    world.clock.advance(150);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    world.clock.advance(150);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    // a store gets to know of the use in the background, so the last one may not count yet
    world.clock.advance(401);
    expect(await world.callApi()).toEqual({ reason: 'session_ended', cause: 'it was not used for longer than idleSeconds' });
    expect(world.sessionEvents().at(-1)).toBe('end done idle');
    expect(cookiesOf(world).size).toBe(0);
  });

  test('idle and absolute time-outs: a session in use ends after maxSeconds', async () => {
    const world = await startWorld({ session: { ...options(), idleSeconds: 500, maxSeconds: 600 } });
    for (let seconds = 0; seconds < 600; seconds += 199) {
      expect(await world.callApi()).toMatchObject({ sub: 'alice' });
      world.clock.advance(199);
    }
    world.clock.advance(4);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    expect(world.sessionEvents().at(-1)).toBe('end done expired');
  });

  test('rule 128: a planted cookie never becomes logged in, and a new login has a new id', async () => {
    const world = await startWorld({ session: options() });
    const planted = cookiesOf(world).get('__Host-session');
    // at the issuer, too, somebody else logs in
    world.browser.cookies(world.provider.issuer).clear();
    await world.logIn('bob');
    expect(cookiesOf(world).get('__Host-session')).not.toBe(planted);
    expect(await world.callApi()).toMatchObject({ sub: 'bob' });
    const bob = cookiesOf(world);
    world.browser.cookies(world.app.origin).set('__Host-session', planted!);
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended' });
    world.browser.cookies(world.app.origin).set('__Host-session', bob.get('__Host-session')!);
    expect(await world.callApi()).toMatchObject({ sub: 'bob' });
  });

  test('session.revocations ends the sessions of a subject', async () => {
    const world = await startWorld({ session: options() });
    await world.app.session!.revocations.revoke({ subject: 'alice' });
    expect(await world.callApi()).toMatchObject({ reason: 'session_ended', cause: 'it was revoked' });
    expect(world.sessionEvents()).toEqual(['login done', 'end done revoked']);
  });
});
