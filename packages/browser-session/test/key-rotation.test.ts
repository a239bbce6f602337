import type { BrowserSessionOptions } from '@tokenward/browser-session';
import { memoryRevocations, memorySessions } from '@tokenward/core';
import { describe, expect, test } from 'vitest';
import { cookiesOf, SECRET as OLD, startWorld, type World } from './world.ts';

const NEW = 'the secret that follows it, with more than 32 characters';

/** What the processes of a fleet share. */
const FLEETS = {
  'encrypted cookies': () => ({ refreshStore: memorySessions(), revocations: memoryRevocations() }),
  'a store': () => ({ store: memorySessions(), revocations: memoryRevocations() }),
} as const satisfies Record<string, () => Partial<BrowserSessionOptions>>;

describe.each(Object.entries(FLEETS))('with %s', (mode, options) => {
  test('rule 133, key ring rotated: the old secret still opens, and a new login is sealed with the new one', async () => {
    const world = await startWorld({ session: options() });
    restart(world, [NEW, OLD]);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    world.clock.advance(301);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    restart(world, [NEW, OLD]);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
    await world.logIn();
    restart(world, [NEW]);
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  });

  test('rule 133, key ring rotated: a secret that is removed ends its sessions, with a reason, and people can log in again', async () => {
    const world = await startWorld({ session: options() });
    restart(world, [NEW]);
    expect(await world.callApi()).toEqual({ reason: 'session_ended', cause: 'its cookie was sealed with a secret that is gone, or was changed' });
    expect(world.sessionEvents()).toEqual(['login done', 'end done unreadable']);
    expect(cookiesOf(world).size).toBe(0);
    await world.logIn();
    expect(await world.callApi()).toMatchObject({ sub: 'alice' });
  });

  test('rule 133, key ring rotated: while the processes change one after the other, nobody is logged out, not even in the middle of a login or a refresh', async () => {
    const world = await startWorld({ session: options(), provider: { accessTokenSeconds: 40 } });
    const other = await world.startAnother();
    const bases = [world.app.origin, other.origin] as const;
    // as the guide says: at the end of the list in all processes first, then to the front
    for (const [first, second] of [
      [[OLD, NEW], [OLD]],
      [
        [OLD, NEW],
        [OLD, NEW],
      ],
      [
        [NEW, OLD],
        [OLD, NEW],
      ],
      [
        [NEW, OLD],
        [NEW, OLD],
      ],
    ] as const) {
      restart(world, first);
      other.session = world.createSession({ secrets: second });
      for (const [from, to] of [bases, bases.toReversed() as [string, string]]) {
        // each change of the cookie is read by the other process
        await stays(world, from, to);
        world.clock.advance(41);
        await stays(world, from, to);
        await logIn(world, from, to);
        await stays(world, from, to);
      }
    }
    const ends = world.sessionEvents().filter((event) => event.startsWith('end') && !event.endsWith('replaced'));
    expect(ends, mode).toEqual([]);
  });
});

/** Ends the app's process, and starts a new one with other secrets. */
function restart(world: World, secrets: readonly string[]): void {
  world.app.session = world.createSession({ secrets });
}

async function stays(world: World, ...bases: readonly string[]): Promise<void> {
  for (const base of bases) expect(await world.callApi(base), world.sessionEvents().join()).toMatchObject({ sub: 'alice' });
}

/** A login that begins in one process and ends in the other. */
async function logIn(world: World, from: string, to: string): Promise<void> {
  const started = await world.page('GET', '/session/login', from);
  const callback = await world.browser.logInAt(started.headers.get('location')!, world.app.origin);
  expect((await world.page('GET', `${callback.pathname}${callback.search}`, to)).status).toBe(200);
}
