import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { memoryRevocations, memorySessions, observe } from '@tokenward/core';
import { SessionStoreError, type RevocationStore, type SessionStore } from '@tokenward/core/store';
import { createTestClock, type TestClock } from '@tokenward/testing';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { headerAfter } from '../../test/cookie-jar.js';
import { ISSUER, randomText, sessionState } from '../../test/session-state.js';
import { cookiesOf } from '../cookies/cookie-header.js';
import { createSealer } from '../cookies/seal.js';
import type { SessionConfig } from '../config.js';
import type { SessionState } from '../session-state.js';
import type { FoundSession, Sessions } from '../sessions.js';
import { createSessions } from './create-sessions.js';

const SECRET = 'a secret of at least 32 characters';
const NAME = '__Host-session';

interface App {
  readonly sessions: Sessions;
  readonly clock: TestClock;
  readonly revocations: RevocationStore;
  readonly store: SessionStore | undefined;
  /** A state that begins now. */
  state(overrides?: Partial<SessionState>): SessionState;
  /** Another process of the same fleet. */
  another(overrides?: Partial<SessionConfig>): Sessions;
}

function appWith(mode: 'sealed' | 'stored', overrides: Partial<SessionConfig> = {}): App {
  const clock = createTestClock('2027-01-15T08:00:00Z');
  const revocations = memoryRevocations();
  const store = mode === 'stored' ? memorySessions({ clock }) : undefined;
  const another = (more: Partial<SessionConfig> = {}): Sessions =>
    createSessions({
      issuer: ISSUER,
      clientId: 'web-app',
      secrets: [SECRET],
      cookieName: NAME,
      sameSite: 'Strict',
      idleSeconds: 3600,
      maxSeconds: 43_200,
      clockSkewSeconds: 30,
      clock,
      revocations,
      store,
      ...overrides,
      ...more,
    } as SessionConfig);
  return { sessions: another(), clock, revocations, store, another, state: (wanted) => sessionState(wanted, clock.now() / 1000) };
}

/** Returns 'session', 'none', 'unavailable', or the reason of an end. */
async function kindOf(found: FoundSession | Promise<FoundSession>): Promise<string> {
  const result = await found;
  return result.kind === 'ended' ? result.reason : result.kind;
}

/** What is written in the background is there soon. */
async function soon(holds: () => Promise<unknown>): Promise<void> {
  await vi.waitFor(holds, { interval: 5, timeout: 10_000 });
}

async function started({ sessions }: App, state: SessionState): Promise<string> {
  return headerAfter(await sessions.start(state));
}

describe.each(['sealed', 'stored'] as const)('%s sessions', (mode) => {
  test('a session is found by its cookie, and nothing must be written for it', async () => {
    const app = appWith(mode);
    const state = app.state();
    const header = await started(app, state);
    expect(await app.sessions.find(`theme=dark; ${header}`)).toEqual({ kind: 'session', state, setCookies: [] });
  });

  test('a known cookie is found without a promise', async () => {
    const app = appWith(mode);
    const header = await started(app, app.state());
    await app.sessions.find(header);
    expect(app.sessions.find(header)).toMatchObject({ kind: 'session' });
    expect(app.sessions.find(`theme=dark; ${header}`)).toMatchObject({ kind: 'session' });
  });

  test('no cookie is no session, at once', () => {
    const app = appWith(mode);
    for (const header of [undefined, '', 'theme=dark', `${NAME}=`, `${NAME}=x`, `${NAME}2=1.x`]) expect(app.sessions.find(header)).toEqual({ kind: 'none' });
  });

  test('rule 122: the cookie lives as long as the session, has the attributes of __Host-, and is deleted with the same ones', async () => {
    const app = appWith(mode);
    const state = app.state({ endsAt: app.clock.now() / 1000 + 1000.5 });
    const lines = await app.sessions.start(state);
    expect(lines[0]).toMatch(/^__Host-session=[\w.-]+; Path=\/; Max-Age=1000; Secure; HttpOnly; SameSite=Strict$/);
    const header = headerAfter(lines);
    expect(headerAfter((await app.sessions.end(state, 'logout', header)).setCookies, header)).toBe('');
  });

  test('rule 128: a new session takes the place of a planted cookie, which does not become logged in', async () => {
    const app = appWith(mode);
    const planted = await started(app, app.state({ subject: 'attacker' }));
    const victim = app.state({ subject: 'victim' });
    const header = headerAfter(await app.sessions.start(victim), planted);
    expect(await app.sessions.find(header)).toMatchObject({ state: { subject: 'victim' } });
    expect(await app.sessions.find(planted)).toMatchObject({ state: { subject: 'attacker' } });
  });

  test('rule 128: a replaced session ends for every copy of its cookie, also if only its id is known', async () => {
    const app = appWith(mode);
    const state = app.state();
    const header = await started(app, state);
    await app.sessions.endReplaced({ id: state.id }, 'replaced');
    expect(await kindOf(app.sessions.find(header))).toBe(mode === 'sealed' ? 'replaced' : 'expired');
    expect(await kindOf(app.another().find(header))).toBe(mode === 'sealed' ? 'replaced' : 'expired');
  });

  test('rule 171: a user who logs in and out in a loop fills no revocations, and ends the session of nobody else', async () => {
    const revocations = memoryRevocations({ maxEntries: 1000 });
    const app = appWith(mode, { revocations });
    const victim = await started(app, app.state({ subject: 'victim' }));
    const [mine, copy] = [app.state(), app.state()];
    const [open, copied] = [await started(app, mine), await started(app, copy)];
    await app.sessions.end(copy, 'logout', undefined);
    for (let round = 0; round < 3000; round++) {
      app.clock.advance(1);
      if (round % 2 === 0) await app.sessions.end(app.state(), 'logout', undefined);
      // the login came without the session's cookie
      else await app.sessions.endReplaced(app.state(), 'replaced');
    }
    // 100 sessions, all earlier ones, and the mark that a login ended them
    expect(revocations.health().entries).toBe(102);
    expect(await kindOf(app.sessions.find(victim))).toBe('session');
    // it is the user's own earlier sessions that end, and those that were ended stay so
    expect(await kindOf(app.sessions.find(open))).toBe('revoked');
    expect(await kindOf(app.sessions.find(copied))).toBe(mode === 'sealed' ? 'logout' : 'expired');
    app.clock.advance(1);
    const next = app.state();
    const header = await started(app, next);
    expect(await kindOf(app.sessions.find(header))).toBe('session');
    await app.sessions.end(next, 'logout', undefined);
    expect(await kindOf(app.sessions.find(header))).toBe(mode === 'sealed' ? 'revoked' : 'expired');
  });

  test('rule 133: a logout with a cookie from before a refresh ends the newer cookie too, whose end is later', async () => {
    const app = appWith(mode);
    const state = app.state({ endsAt: app.clock.now() / 1000 + 600 });
    await app.sessions.start(state);
    const next = { ...state, version: 2, endsAt: state.endsAt + 1800 };
    const newer = headerAfter((await app.sessions.replace(state, next))!);
    await app.sessions.end(state, 'logout', undefined);
    app.clock.advance(1200);
    expect(await kindOf(app.sessions.find(newer))).toBe(mode === 'sealed' ? 'logout' : 'expired');
  });

  test('rule 133: the cookie of a session that was logged out is dead, here and in other processes, until its end', async () => {
    const app = appWith(mode);
    const state = app.state();
    const header = await started(app, state);
    const others = [app.another(), app.another()];
    for (const one of others) expect(await kindOf(one.find(header))).toBe('session');
    await app.sessions.end(state, 'logout', header);
    for (const one of [app.sessions, ...others]) expect(await kindOf(one.find(header))).toBe(mode === 'sealed' ? 'logout' : 'expired');
    app.clock.advance(43_199);
    expect(await kindOf(app.sessions.find(header))).toMatch(/^(idle|expired)$/);
  });

  test('rule 133: an ended session stays ended when the clock is set back', async () => {
    const app = appWith(mode);
    const state = app.state();
    const header = await started(app, state);
    await app.sessions.end(state, 'logout', header);
    app.clock.skewWall(-3600);
    expect(await kindOf(app.sessions.find(header))).not.toBe('session');
  });

  test('logout undone by a request in flight: a change that comes after the logout is not written', async () => {
    const app = appWith(mode);
    const state = app.state();
    const header = await started(app, state);
    await app.sessions.end(state, 'logout', header);
    expect(await app.sessions.replace(state, { ...state, version: 2, accessToken: 'new' })).toBeUndefined();
    expect(await kindOf(app.sessions.find(header))).not.toBe('session');
  });

  test('logout undone by a request in flight: a logout while the change is written wins', async () => {
    const app = appWith(mode);
    const state = app.state();
    const header = await started(app, state);
    const replaced = app.sessions.replace(state, { ...state, version: 2, accessToken: 'new' });
    const ended = app.sessions.end(state, 'logout', header);
    const lines = await replaced;
    await ended;
    expect(lines).toBeUndefined();
    expect(await kindOf(app.sessions.find(header))).not.toBe('session');
  });

  test('logout undone by a request in flight: neither the use nor the cookie of an earlier answer brings the session back', async () => {
    const app = appWith(mode);
    const state = app.state();
    const header = await started(app, state);
    app.clock.advance(400);
    const late = await app.sessions.find(header);
    await app.sessions.end(state, 'logout', header);
    await soon(async () => {
      expect(await kindOf(app.sessions.find(headerAfter(late.kind === 'session' ? late.setCookies : [], header)))).not.toBe('session');
    });
    expect(app.store?.health().entries ?? 0).toBe(0);
  });

  test('a changed session is found after it', async () => {
    const app = appWith(mode);
    const state = app.state();
    const header = await started(app, state);
    const next = { ...state, version: 2, accessToken: 'new', refreshToken: 'newer' };
    const lines = await app.sessions.replace(state, next);
    expect(await app.sessions.find(headerAfter(lines!, header))).toEqual({ kind: 'session', state: next, setCookies: [] });
  });

  test('the cookie follows when the end of the session changes', async () => {
    const app = appWith(mode);
    const state = app.state({ endsAt: app.clock.now() / 1000 + 600 });
    const header = await started(app, state);
    const next = { ...state, version: 2, endsAt: state.endsAt + 600 };
    const lines = (await app.sessions.replace(state, next))!;
    expect(lines[0]).toContain('; Max-Age=1200;');
    app.clock.advance(900);
    expect(await kindOf(app.sessions.find(headerAfter(lines, header)))).toBe('session');
    expect(await kindOf(app.sessions.find(header))).toBe('expired');
  });

  test('idle and absolute time-outs: to the second, with the cookie deleted', async () => {
    const app = appWith(mode);
    const header = await started(app, app.state());
    app.clock.advance(3599);
    expect(await kindOf(app.sessions.find(header))).toBe('session');
    const other = appWith(mode);
    const unused = await started(other, other.state());
    other.clock.advance(3600);
    const found = await other.sessions.find(unused);
    expect(found).toMatchObject({ kind: 'ended', reason: 'idle' });
    expect(headerAfter(found.kind === 'ended' ? found.setCookies : [], unused)).toBe('');
  });

  test('idle and absolute time-outs: a session in use lives until its absolute end, and not longer', async () => {
    const app = appWith(mode);
    let header = await started(app, app.state());
    for (let minutes = 30; minutes < 12 * 60; minutes += 30) {
      app.clock.advance(1800);
      const found = await app.sessions.find(header);
      expect(found.kind).toBe('session');
      header = headerAfter(found.kind === 'session' ? found.setCookies : [], header);
      // in a store, the use is written in the background
      if (mode === 'stored') await soon(async () => expect(await app.sessions.find(header)).toMatchObject({ state: { usedAt: app.clock.now() / 1000 } }));
    }
    app.clock.advance(1799);
    expect(await kindOf(app.sessions.find(header))).toBe('session');
    app.clock.advance(1);
    expect(await kindOf(app.sessions.find(header))).toBe('expired');
  });

  test('idle and absolute time-outs: a use counts for which no cookie can be set, and the next answer writes it', async () => {
    const app = appWith(mode);
    const header = await started(app, app.state());
    for (let uses = 0; uses < 5; uses++) {
      app.clock.advance(1800);
      expect(await app.sessions.find(header, false)).toMatchObject({ kind: 'session', setCookies: [] });
      if (mode === 'stored')
        await soon(async () => expect(await app.sessions.find(header, false)).toMatchObject({ state: { usedAt: app.clock.now() / 1000 } }));
    }
    app.clock.advance(1800);
    const found = await app.sessions.find(header);
    const after = headerAfter(found.kind === 'session' ? found.setCookies : [], header);
    await soon(async () => expect(await app.another().find(after)).toMatchObject({ kind: 'session', state: { usedAt: app.clock.now() / 1000 } }));
    app.clock.advance(3600);
    expect(await kindOf(app.sessions.find(after))).toBe('idle');
    expect(await kindOf(app.sessions.find(header))).toBe(mode === 'sealed' ? 'idle' : 'expired');
  });

  test('the use is written when a tenth of the idle time has passed, and the version stays', async () => {
    const app = appWith(mode);
    const header = await started(app, app.state());
    app.clock.advance(359);
    expect(await app.sessions.find(header)).toMatchObject({ kind: 'session', setCookies: [] });
    app.clock.advance(1);
    const found = await app.sessions.find(header);
    const after = headerAfter(found.kind === 'session' ? found.setCookies : [], header);
    await soon(async () => expect(await app.another().find(after)).toMatchObject({ state: { version: 1, usedAt: app.clock.now() / 1000 }, setCookies: [] }));
  });

  test('a refresh and the writing of the use do not undo each other', async () => {
    const app = appWith(mode);
    const state = app.state();
    const header = await started(app, state);
    app.clock.advance(400);
    // the use is written now or in the background, and the refresh began with the state from before
    await app.sessions.find(header);
    const lines = await app.sessions.replace(state, { ...state, version: 2, accessToken: 'new', usedAt: app.clock.now() / 1000 });
    await soon(async () => expect(await app.sessions.find(headerAfter(lines!, header))).toMatchObject({ state: { version: 2, accessToken: 'new' } }));
  });

  test('rule 119: revoking a session at the issuer ends it, and no later login and no equal name of another issuer', async () => {
    const app = appWith(mode);
    const now = app.clock.now() / 1000;
    const record = { kind: 'session', value: 'issuer-session-1', issuedUntil: now, until: now + 50_000, isFinal: false, reason: 'logout' } as const;
    const header = await started(app, app.state());
    await app.revocations.add({ ...record, issuer: 'https://other.example.test' });
    expect(await kindOf(app.sessions.find(header))).toBe('session');
    await app.revocations.add({ ...record, issuer: ISSUER });
    expect(await kindOf(app.sessions.find(header))).toBe('backchannel_logout');
    expect(await kindOf(app.sessions.find(await started(app, app.state({ issuedAt: now + 1 }))))).toBe('session');
  });

  test('rule 119: revoking a subject ends all its sessions', async () => {
    const app = appWith(mode);
    const now = app.clock.now() / 1000;
    const headers = [await started(app, app.state()), await started(app, app.state({ issuerSessionId: undefined }))];
    const other = await started(app, app.state({ subject: 'user-2' }));
    await app.revocations.add({
      kind: 'subject',
      value: 'user-1',
      issuer: ISSUER,
      issuedUntil: now,
      until: now + 50_000,
      isFinal: false,
      reason: 'compromised',
    });
    for (const header of headers) expect(await kindOf(app.sessions.find(header))).toBe('revoked');
    expect(await kindOf(app.sessions.find(other))).toBe('session');
  });

  test('rule 171: beyond the share of a user, an event says that the earlier sessions of the user end', async () => {
    const app = appWith(mode);
    const events: object[] = [];
    onTestFinished(observe('tokenward:revoked', (event) => void events.push(event)));
    const other = await started(app, app.state());
    const ended = Array.from({ length: 100 }, () => app.state());
    for (const state of ended) await app.sessions.end(state, 'logout', undefined);
    expect(await kindOf(app.sessions.find(other))).toBe('session');
    expect(events).toEqual([]);
    await app.sessions.end(app.state(), 'logout', undefined);
    expect(await kindOf(app.sessions.find(other))).toBe('revoked');
    expect(events).toEqual([{ issuer: ISSUER, kind: 'subject', reason: 'session_revoked' }]);
  });

  test('rule 112: if the revocations are not current, nobody can tell whether a session lives', async () => {
    const revocations = { ...memoryRevocations(), isCurrent: () => false };
    const app = appWith(mode, { revocations });
    const state = app.state();
    const header = await started(app, state);
    const { id, subject, issuedAt, startedAt, endsAt } = state;
    const session = { id, subject, issuedAt, startedAt, endsAt };
    expect(await app.sessions.find(header)).toEqual({ kind: 'unavailable', cause: 'the revocations are not current', session });
    expect(await app.sessions.find(undefined)).toEqual({ kind: 'none' });
  });

  test('rule 133: key ring: an old secret opens, the first one seals, a removed one ends its sessions', async () => {
    const app = appWith(mode);
    const state = app.state();
    const header = await started(app, state);
    const rotated = app.another({ secrets: ['a new secret of at least 32 characters', SECRET] });
    const onlyNew = app.another({ secrets: ['a new secret of at least 32 characters'] });
    expect(await kindOf(rotated.find(header))).toBe('session');
    expect(await onlyNew.find(header)).toMatchObject({ kind: 'ended', reason: 'unreadable' });
    const lines = await rotated.start(app.state());
    expect(await kindOf(onlyNew.find(headerAfter(lines, header)))).toBe('session');
    expect(await kindOf(app.sessions.find(headerAfter(lines, header)))).toBe('unreadable');
  });

  test('rule 126: a session of another issuer is none', async () => {
    const app = appWith(mode);
    const header = await started(app, app.state());
    expect(await kindOf(app.another({ issuer: 'https://other.example.test' }).find(header))).toBe('unreadable');
  });

  test('rule 132: a cookie with any changed character is no session', async () => {
    const app = appWith(mode);
    const header = await started(app, app.state({ refreshToken: randomText(1500) }));
    const fresh = app.another();
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: NAME.length + 1, max: header.length - 1 }),
        fc.constantFrom('A', 'b', '0', '-', '_', '.', '~'),
        async (at, character) => {
          const changed = `${header.slice(0, at)}${character}${header.slice(at + 1)}`;
          fc.pre(changed !== header);
          for (const sessions of [app.sessions, fresh]) expect(await kindOf(sessions.find(changed))).not.toBe('session');
        },
      ),
      { numRuns: 300 },
    );
  });

  test('rule 132: a login cookie, or that of another cookie name, in place of the session cookie is no session', async () => {
    const app = appWith(mode);
    const text = JSON.stringify({ i: 'x'.repeat(43), x: 9e9 });
    for (const sealer of [
      createSealer([SECRET], 'login', '__Host-login'),
      createSealer([SECRET], 'login', NAME),
      createSealer([SECRET], 'store', NAME),
      createSealer([SECRET], 'session', '__Host-s'),
    ])
      expect(await kindOf(app.sessions.find(`${NAME}=1.${await sealer.seal(text)}`))).toBe('unreadable');
  });

  test('rule 133: the end is inside the cookie: one that a browser keeps longer is no session', async () => {
    const app = appWith(mode);
    const header = await started(app, app.state({ endsAt: app.clock.now() / 1000 + 60 }));
    app.clock.advance(59);
    expect(await kindOf(app.sessions.find(header))).toBe('session');
    app.clock.advance(1);
    expect(await kindOf(app.sessions.find(header))).toBe('expired');
  });

  test('rule 64: a header that was seen before leads to its session, and one that differs in a character does not', async () => {
    const app = appWith(mode);
    const header = await started(app, app.state());
    for (const seen of [header, header, `a=1; ${header}`, `a=1; ${header}`]) expect(await kindOf(app.sessions.find(seen))).toBe('session');
    for (const at of [0, NAME.length + 3, header.length - 40]) {
      const changed = header.slice(0, at) + (header[at] === 'x' ? 'y' : 'x') + header.slice(at + 1);
      expect(await kindOf(app.sessions.find(changed))).not.toBe('session');
    }
    expect(await kindOf(app.sessions.find(`${NAME}=; ${header}`))).toBe('none');
  });

  test('rule 134: a count of 99999 and giant headers cost nothing', async () => {
    const app = appWith(mode);
    expect(app.sessions.find(`${NAME}=99999.x`)).toEqual({ kind: 'none' });
    const giant = Array.from({ length: 5000 }, (_value, at) => `${NAME}.${at}=x`).join('; ');
    expect(app.sessions.find(giant.slice(0, 60_000))).toEqual({ kind: 'none' });
    expect(app.sessions.find(`${NAME}=1.${'x'.repeat(1e6)}`)).toEqual({ kind: 'none' });
  });

  test('forget() deletes the cookie and all its chunks, and the session goes on', async () => {
    const app = appWith(mode);
    const header = await started(app, app.state({ refreshToken: randomText(4000) }));
    expect(headerAfter(app.sessions.forget(header), header)).toBe('');
    expect(await kindOf(app.sessions.find(header))).toBe('session');
  });

  test('rule 138: nothing shows a token or a secret', async () => {
    const app = appWith(mode);
    const state = app.state({ accessToken: 'PLANTED-TOKEN', refreshToken: 'PLANTED-REFRESH', idToken: 'PLANTED-ID' });
    const header = await started(app, state);
    expect(header).not.toMatch(/PLANTED/);
    await app.sessions.find(header);
    expect(`${inspect(app.sessions, { depth: 9, showHidden: true })}${JSON.stringify(app.sessions)}`).not.toMatch(/PLANTED|a secret/);
  });
});

test('rule 130: a use with newer tokens does not count for an old copy of an encrypted cookie, whose refresh token is used up', async () => {
  const app = appWith('sealed');
  const state = app.state();
  const old = await started(app, state);
  app.clock.advance(1800);
  const newer = headerAfter((await app.sessions.replace(state, { ...state, version: 2, usedAt: app.clock.now() / 1000 }))!, old);
  for (let uses = 0; uses < 2; uses++) {
    app.clock.advance(1800);
    expect(await kindOf(app.sessions.find(newer, false))).toBe('session');
  }
  expect(await kindOf(app.sessions.find(old, false))).toBe('idle');
});

test('rule 130: an old copy of an encrypted cookie that is used does not hide that there are newer tokens', async () => {
  const app = appWith('sealed');
  const state = app.state();
  const old = await started(app, state);
  app.clock.advance(310);
  const newer = headerAfter((await app.sessions.replace(state, { ...state, version: 2, usedAt: app.clock.now() / 1000 }))!, old);
  expect(await kindOf(app.sessions.find(newer))).toBe('session');
  app.clock.advance(90);
  expect(await kindOf(app.sessions.find(old, false))).toBe('session');
  app.clock.advance(3300);
  expect(await kindOf(app.sessions.find(old, false))).toBe('idle');
  expect(await kindOf(app.sessions.find(newer, false))).toBe('session');
});

describe('the size of the sealed cookie', () => {
  const sizeOf = (header: string): number => [...cookiesOf(header)].reduce((sum, [name, value]) => sum + name.length + value.length, 0);

  test.each([
    [43, 1, 2950],
    [1500, 2, 4910],
  ])(
    'cookie too large for the proxy: with access and ID token of 900 characters and a refresh token of %i, %i cookies of at most %i bytes in all',
    async (length, count, bytes) => {
      const app = appWith('sealed');
      const header = await started(app, app.state({ refreshToken: randomText(length) }));
      expect(cookiesOf(header).size).toBe(count);
      expect(sizeOf(header)).toBeLessThanOrEqual(bytes);
    },
  );

  test('cookie too large for the proxy: the ID token is left out first', async () => {
    const app = appWith('sealed');
    const state = app.state({ idToken: randomText(9000), refreshToken: randomText(4000) });
    const header = await started(app, state);
    expect(sizeOf(header)).toBeLessThanOrEqual(10_240);
    expect(await app.sessions.find(header)).toEqual({ kind: 'session', state: { ...state, idToken: undefined }, setCookies: [] });
  });

  test('cookie too large for the proxy: tokens that fit into no cookie are an error that says what to do', async () => {
    const app = appWith('sealed');
    const state = app.state({ accessToken: `PLANTED${randomText(14_000)}` });
    await expect(app.sessions.start(state)).rejects.toThrow('Set store, such as redisSessions() of @tokenward/redis');
    await expect(app.sessions.start(state)).rejects.not.toThrow('PLANTED');
    await expect(app.sessions.replace(app.state(), state)).rejects.toThrow('Set store');
  });

  test('cookie too large for the proxy: with a store, the cookie is small whatever the tokens', async () => {
    const app = appWith('stored');
    expect(sizeOf(await started(app, app.state({ accessToken: randomText(14_000) })))).toBeLessThan(250);
  });
});

describe('a store', () => {
  test.each([
    ['the same process', 0, 'logout'],
    ['the same process', 100, 'revoked'],
    ['another process', 0, 'logout'],
  ] as const)('a request in %s during a logout does not take away the newest refresh token: after %d logouts', async (where, before, kind) => {
    const app = appWith('stored');
    let go!: () => void;
    let held: Promise<void> | undefined;
    async function remove(key: string) {
      const first = held;
      held = undefined;
      await first;
      return app.store!.remove(key);
    }
    const slow = app.another({ store: { ...app.store!, remove } });
    for (let ended = 0; ended < before; ended++) await slow.end(app.state(), 'logout', undefined);
    app.clock.advance(1);
    const state = app.state();
    const header = await started(app, state);
    await app.another().replace(state, { ...state, version: 2, refreshToken: 'newest' });
    held = new Promise((resolve) => (go = resolve));
    const ended = slow.end(state, 'logout', header);
    const sessions = where === 'the same process' ? slow : app.sessions;
    expect(await kindOf(sessions.find(header))).toBe(kind);
    await new Promise((resolve) => setTimeout(resolve, 10));
    go();
    expect((await ended).state.refreshToken).toBe('newest');
  });

  test('keeps no id, name or token in the clear', async () => {
    const app = appWith('stored');
    const created = vi.fn<SessionStore['create']>();
    const sessions = app.another({ store: { ...app.store!, create: created } });
    const state = app.state({ accessToken: 'PLANTED-TOKEN' });
    await sessions.start(state);
    const text = JSON.stringify(created.mock.calls);
    for (const secret of [state.id, state.subject, state.issuerSessionId, 'PLANTED', ISSUER]) expect(text).not.toContain(secret);
  });

  test('rule 307: whoever can write to the store cannot bring a session back that a user has logged out', async () => {
    const app = appWith('stored');
    const state = app.state();
    const header = await started(app, state);
    const copy = (await app.store!.read(createHash('sha256').update(state.id).digest('base64url')))!;
    await app.sessions.end(state, 'logout', header);
    await app.store!.create(copy);
    for (const sessions of [app.sessions, app.another()]) expect(await kindOf(sessions.find(header))).toBe('logout');
    // the revocation ends it, and that is in the other store
    expect(await kindOf(app.another({ revocations: memoryRevocations() }).find(header))).toBe('session');
  });

  test("rule 132: one user's state under another's key is no session", async () => {
    const app = appWith('stored');
    const kept: Parameters<SessionStore['create']>[0][] = [];
    const sessions = app.another({ store: { ...app.store!, create: async (session) => void kept.push(session), read: async (key) => ({ ...kept[1]!, key }) } });
    const header = headerAfter(await sessions.start(app.state({ subject: 'attacker' })));
    await sessions.start(app.state({ subject: 'victim' }));
    expect(await kindOf(sessions.find(header))).toBe('unreadable');
  });

  test('a store that cannot be reached makes sessions unavailable, and a stranger does not reach it', async () => {
    const read = vi.fn<SessionStore['read']>(async () => Promise.reject(new Error('PLANTED')));
    const app = appWith('stored');
    const state = app.state();
    const header = await started(app, state);
    const sessions = app.another({ store: { ...app.store!, read } });
    expect(await sessions.find(header)).toEqual({
      kind: 'unavailable',
      cause: 'the session store cannot be reached',
      session: { id: state.id, endsAt: state.endsAt },
    });
    expect(read).toHaveBeenCalledTimes(1);
    await sessions.find(`${NAME}=1.${await createSealer(['another secret of 32 characters...'], 'session', NAME).seal('{"i":"x","x":9e9}')}`);
    expect(read).toHaveBeenCalledTimes(1);
    read.mockImplementation(() => {
      throw new Error('PLANTED');
    });
    expect(await sessions.find(header)).toMatchObject({ kind: 'unavailable' });
  });

  test('a logout that the store does not confirm rejects, and the session has ended in this process', async () => {
    const app = appWith('stored');
    const state = app.state();
    const header = await started(app, state);
    const sessions = app.another({ store: { ...app.store!, remove: async () => Promise.reject(new Error('away')) } });
    await expect(sessions.end(state, 'logout', header)).rejects.toThrow('away');
    expect(await kindOf(sessions.find(header))).toBe('logout');
  });

  test('a logout rejects if the revocations do not confirm it and there is no store', async () => {
    const revocations = memoryRevocations();
    const app = appWith('sealed', {
      revocations: { ...revocations, add: async (record) => (await revocations.add(record), Promise.reject(new Error('away'))) },
    });
    const state = app.state();
    const header = await started(app, state);
    await expect(app.sessions.end(state, 'logout', header)).rejects.toThrow('away');
    expect(await kindOf(app.sessions.find(header))).toBe('logout');
  });

  test('rule 119: a logout token with sid removes one session, with sub alone all of the subject', async () => {
    const app = appWith('stored');
    const issuedUntil = app.clock.now() / 1000;
    const headers = [
      await started(app, app.state({ issuerSessionId: 'one' })),
      await started(app, app.state({ issuerSessionId: 'two' })),
      await started(app, app.state({ issuerSessionId: undefined })),
      await started(app, app.state({ issuerSessionId: 'four', subject: 'user-2' })),
    ];
    const kinds = async (): Promise<readonly string[]> => Promise.all(headers.map(async (header) => kindOf(app.sessions.find(header))));
    await app.sessions.endAtIssuer({ issuer: 'https://other.example.test', subject: 'user-1', issuerSessionId: undefined, issuedUntil });
    await app.sessions.endAtIssuer({ issuer: ISSUER, subject: undefined, issuerSessionId: undefined, issuedUntil });
    expect(await kinds()).toEqual(['session', 'session', 'session', 'session']);
    await app.sessions.endAtIssuer({ issuer: ISSUER, subject: 'user-1', issuerSessionId: 'one', issuedUntil });
    expect(await kinds()).toEqual(['expired', 'session', 'session', 'session']);
    // a logout that arrives late ends what began before it
    await app.sessions.endAtIssuer({ issuer: ISSUER, subject: 'user-1', issuerSessionId: undefined, issuedUntil: issuedUntil - 2 });
    expect(await kinds()).toEqual(['expired', 'session', 'session', 'session']);
    await app.sessions.endAtIssuer({ issuer: ISSUER, subject: 'user-1', issuerSessionId: undefined, issuedUntil });
    expect(await kinds()).toEqual(['expired', 'expired', 'expired', 'session']);
  });

  test('rule 199: a logout token gets the newest states of the sessions that it removes, except of those that a login of the same user has replaced', async () => {
    const app = appWith('stored');
    const issuedUntil = app.clock.now() / 1000;
    const [one, two, replaced] = [app.state(), app.state(), app.state()];
    for (const state of [one, two, replaced]) await app.sessions.start(state);
    const next = { ...one, version: 2, refreshToken: 'newest' };
    await app.another().replace(one, next);
    // the removal fails
    const remove = async (): Promise<never> => Promise.reject(new Error('away'));
    await app
      .another({ store: { ...app.store!, remove } })
      .endReplaced(replaced, 'replaced')
      .catch(() => {});
    // another app shares the store
    await app.another({ cookieName: '__Host-other' }).start(app.state());
    const left = await app.sessions.endAtIssuer({ issuer: ISSUER, subject: 'user-1', issuerSessionId: undefined, issuedUntil });
    expect(left).toHaveLength(2);
    expect(left).toEqual(expect.arrayContaining([next, two]));
    expect(app.store!.health().entries).toBe(0);
  });

  test.each([
    ['their number, as in earlier releases', () => 2],
    ['nothing', () => undefined],
    ['records that are none', (removed: object) => [null, 5, {}, { ...removed, sealed: null }, { ...removed, key: 'other' }, removed]],
  ])('rule 119: a logout token ends the sessions, though a store returns %s', async (_what, answer) => {
    const app = appWith('stored');
    const state = app.state();
    await app.sessions.start(state);
    const removeLabelled = async (...call: Parameters<SessionStore['removeLabelled']>): Promise<never> =>
      answer((await app.store!.removeLabelled(...call))[0]!) as never;
    const left = await app
      .another({ store: { ...app.store!, removeLabelled } })
      .endAtIssuer({ issuer: ISSUER, subject: 'user-1', issuerSessionId: undefined, issuedUntil: app.clock.now() / 1000 });
    expect(left).toEqual(_what.startsWith('records') ? [state] : []);
  });

  test('a logout succeeds though a store returns that it has removed the session, and not the session', async () => {
    const app = appWith('stored');
    const state = app.state();
    const header = await started(app, state);
    const remove = async (key: string): Promise<never> => ((await app.store!.remove(key)) !== undefined) as never;
    expect(await app.another({ store: { ...app.store!, remove } }).end(state, 'logout', header)).toMatchObject({ state });
    expect(await kindOf(app.sessions.find(header))).toBe('expired');
  });

  test('a change that another process made first stays', async () => {
    const app = appWith('stored');
    const state = app.state();
    const header = await started(app, state);
    await app.another().replace(state, { ...state, version: 2, accessToken: 'theirs' });
    expect(await app.sessions.replace(state, { ...state, version: 2, accessToken: 'mine' })).toEqual([]);
    expect(await app.sessions.find(header)).toMatchObject({ state: { accessToken: 'theirs' } });
  });

  test('rule 130: after a fail-over to an older copy, all calls of a write together get the time of one, which is what a lease counts with', async () => {
    const app = appWith('stored');
    const state = app.state({ version: 2 });
    const header = await started(app, { ...state, version: 1 });
    const asked = Promise.withResolvers<void>();
    let answerMs = 1200;
    const slowly = async <A>(answer: A | Promise<A>): Promise<A> => {
      asked.resolve();
      await new Promise((resolve) => void setTimeout(resolve, answerMs));
      return answer;
    };
    const store: SessionStore = {
      ...app.store!,
      read: (key) => slowly(app.store!.read(key)),
      replace: (...call) => slowly(0).then(() => app.store!.replace(...call)),
    };
    const next = { ...state, version: 3, accessToken: 'new' };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const sessions = app.another({ store });
    let outcome: unknown = 'still waiting';
    void sessions.replace(state, next).then(
      (lines) => void (outcome = lines),
      (error: unknown) => void (outcome = error),
    );
    await asked.promise;
    await vi.advanceTimersByTimeAsync(2999);
    expect(outcome).toBe('still waiting');
    await vi.advanceTimersByTimeAsync(1);
    expect(outcome).toBeInstanceOf(SessionStoreError);
    // the write comes all the same, and a further attempt finds it
    await vi.advanceTimersByTimeAsync(1000);
    vi.useRealTimers();
    answerMs = 0;
    expect(await app.sessions.find(header)).toMatchObject({ state: { accessToken: 'new' } });
    expect(await sessions.replace(state, next)).toEqual([]);
  });

  test('rule 130: a cookie whose end is before that of its session is sent again, and by each process at most once in 10 seconds', async () => {
    const app = appWith('stored');
    const state = app.state({ endsAt: app.clock.now() / 1000 + 600 });
    const header = await started(app, state);
    const linesOf = async (sessions: Sessions, ...shown: Parameters<Sessions['find']>): Promise<readonly string[]> => {
      const found = await sessions.find(...shown);
      return found.kind === 'session' ? found.setCookies : [found.kind];
    };
    expect(await linesOf(app.sessions, header)).toEqual([]);
    // the answer with the new cookie is lost
    await app.another().replace(state, { ...state, version: 2, endsAt: state.endsAt + 600 });
    app.clock.advance(100);
    expect(await linesOf(app.sessions, header, false)).toEqual([]);
    const all = await Promise.all(Array.from({ length: 50 }, () => linesOf(app.sessions, header)));
    expect(all.filter((lines) => lines.length > 0)).toEqual([expect.arrayContaining([expect.stringContaining('; Max-Age=1100;')])]);
    expect(await linesOf(app.another(), header)).not.toEqual([]);
    app.clock.advance(9);
    expect(await linesOf(app.sessions, header)).toEqual([]);
    app.clock.advance(1);
    const lines = await linesOf(app.sessions, header);
    expect(lines[0]).toContain('; Max-Age=1090;');
    const after = headerAfter(lines, header);
    app.clock.advance(500);
    expect(await linesOf(app.sessions, after)).toEqual([]);
  });

  test('fifty parallel requests write the use once', async () => {
    const app = appWith('stored');
    const header = await started(app, app.state());
    const replace = vi.fn<SessionStore['replace']>(app.store!.replace);
    const sessions = app.another({ store: { ...app.store!, replace } });
    app.clock.advance(400);
    await Promise.all(Array.from({ length: 50 }, async () => sessions.find(header)));
    await soon(async () => expect(await sessions.find(header)).toMatchObject({ state: { usedAt: app.clock.now() / 1000 } }));
    expect(replace).toHaveBeenCalledTimes(1);
  });

  test('a request that read the session before its use was written does not write it again', async () => {
    const app = appWith('stored');
    const header = await started(app, app.state());
    const replace = vi.fn<SessionStore['replace']>(app.store!.replace);
    const gate = Promise.withResolvers<void>();
    const slow: SessionStore['read'] = async (key) => {
      const session = await app.store!.read(key);
      await gate.promise;
      return session;
    };
    const read = vi.fn<SessionStore['read']>(app.store!.read).mockImplementationOnce(slow);
    const sessions = app.another({ store: { ...app.store!, read, replace } });
    app.clock.advance(400);
    const late = sessions.find(header);
    await soon(async () => expect(await sessions.find(header)).toMatchObject({ state: { usedAt: app.clock.now() / 1000 } }));
    gate.resolve();
    expect(await late).toMatchObject({ kind: 'session' });
    // a write of the late request would come before this one
    app.clock.advance(400);
    await soon(async () => expect(await sessions.find(header)).toMatchObject({ state: { usedAt: app.clock.now() / 1000 } }));
    expect(replace).toHaveBeenCalledTimes(2);
  });

  test('a use that could not be written is written by a later request', async () => {
    const app = appWith('stored');
    const header = await started(app, app.state());
    const replace = vi.fn<SessionStore['replace']>(app.store!.replace).mockRejectedValueOnce(new Error('down'));
    const sessions = app.another({ store: { ...app.store!, replace } });
    app.clock.advance(400);
    await soon(async () => expect(await sessions.find(header)).toMatchObject({ state: { usedAt: app.clock.now() / 1000 } }));
    expect(replace).toHaveBeenCalledTimes(2);
  });
});
