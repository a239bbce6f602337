import {
  createResourceGuard,
  memoryRevocations,
  observe,
  scope,
  TokenEndedError,
  type Auth,
  type Events,
  type GuardOptions,
  type RevocationTarget,
} from '@tokenward/core';
import { storeSuite } from '@tokenward/testing/store-suite';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ask, createScene, createTwoIssuers, expectAllowed, verdictOf } from './guarded.js';

describe('the in-memory store', () => storeSuite({ test }, async () => ({ store: memoryRevocations(), close: async () => {} })));

const CLAIMS = { jti: 'token-1', sid: 'session-1' };
const TARGETS: readonly RevocationTarget[] = [{ tokenId: 'token-1' }, { sessionId: 'session-1' }, { subject: 'user-1' }, { clientId: 'client-1' }];

describe.each([{}, { tokenCache: false }] as GuardOptions[])('a revoked token (%j)', (options) => {
  test.each(TARGETS)('rule 66: refuses the token with 401 from the next request on: %j', async (target) => {
    const { guard, issuer } = await createScene(options);
    const [token, other] = [
      await issuer.issueToken({ claims: CLAIMS }),
      await issuer.issueToken({ subject: 'user-2', clientId: 'client-2', claims: { jti: 'token-2', sid: 'session-2' } }),
    ];
    for (const one of [token, other]) expectAllowed(await ask(guard, one));
    await guard.revocations.revoke(target, { reason: 'logout' });
    const refused = await ask(guard, token);
    expect(refused).toMatchObject({ outcome: 'deny', status: 401, reason: 'revoked', body: { error: 'invalid_token' } });
    expect(refused).toMatchObject({ cause: expect.stringMatching(/^(token|session|subject|client): logout$/) as string });
    expectAllowed(await ask(guard, other));
  });

  test('rule 66: refuses the request even if this guard admitted it before', async () => {
    const { guard, issuer } = await createScene(options);
    const request = { method: 'GET', target: '/', headers: { authorization: `Bearer ${await issuer.issueToken()}` } };
    const { auth } = expectAllowed(await guard.check(request));
    await guard.revocations.revoke({ subject: 'user-1' });
    expect(verdictOf(await guard.check(request))).toBe('revoked');
    expect(verdictOf(guard.permit(auth as Auth, scope('orders:read')))).toBe('revoked');
  });

  test('rule 102: answers 401 even if a scope is missing', async () => {
    const { guard, issuer, decide } = await createScene(options);
    const token = await issuer.issueToken({ claims: CLAIMS });
    expect(await decide(token, { policy: scope('x') })).toMatchObject({ status: 403 });
    await guard.revocations.revoke({ sessionId: 'session-1' });
    expect(await decide(token, { policy: scope('x') })).toMatchObject({ status: 401, reason: 'revoked' });
  });
});

describe('rule 113: the tokens that a revocation affects', () => {
  test('refuses tokens issued up to 5 whole seconds after the revocation, and accepts a later login', async () => {
    const { guard, issuer, clock, verdict } = await createScene();
    clock.set(Math.ceil(clock.now() / 1000) * 1000);
    const now = clock.now() / 1000;
    await guard.revocations.revoke({ subject: 'user-1' });
    const issuedAt = async (iat: number) => verdict(await issuer.issueToken({ claims: { iat, exp: iat + 300 } }));
    for (const iat of [now - 200, now - 1, now, now + 1, now + 5, now + 5.9]) expect(await issuedAt(iat)).toBe('revoked');
    expect(await issuedAt(now + 6)).toBe('allow');
    clock.advance(6);
    expect(await verdict(await issuer.issueToken())).toBe('allow');
  });

  test('refuses earlier tokens despite 5 seconds of clock skew, whichever clock is ahead', async () => {
    for (const ahead of [-5, 0, 5]) {
      const { guard, issuer, clock, verdict } = await createScene();
      clock.set(Math.ceil(clock.now() / 1000) * 1000);
      const iat = clock.now() / 1000 + ahead;
      const before = await issuer.issueToken({ claims: { iat, exp: iat + 300 } });
      await guard.revocations.revoke({ subject: 'user-1' });
      expect(await verdict(before)).toBe('revoked');
      // a login that is later by more than the skew, by the issuer's clock, is accepted
      const later = iat + 11;
      clock.advance(11);
      expect(await verdict(await issuer.issueToken({ claims: { iat: later, exp: later + 300 } }))).toBe('allow');
    }
  });

  test('with the time of the event in at, accepts a login of the next second', async () => {
    const { guard, issuer, clock, verdict } = await createScene();
    const at = Math.floor(clock.now() / 1000) - 3;
    await guard.revocations.revoke({ subject: 'user-1' }, { at });
    expect(await verdict(await issuer.issueToken({ claims: { iat: at } }))).toBe('revoked');
    expect(await verdict(await issuer.issueToken({ claims: { iat: at + 1 } }))).toBe('allow');
  });

  test('keeps a revocation longer than the longest token that it affects', async () => {
    const { guard, issuer, clock, verdict } = await createScene({ revocations: { retentionSeconds: 3600 } });
    const [short, long] = [await issuer.issueToken({ lifetimeSeconds: 3600 }), await issuer.issueToken({ lifetimeSeconds: 86_400 })];
    const other = await issuer.issueToken({ subject: 'user-2', lifetimeSeconds: 86_400 });
    await guard.revocations.revoke({ subject: 'user-1' });
    for (const seconds of [0, 1800, 1799]) {
      clock.advance(seconds);
      expect(await verdict(short)).toBe('revoked');
    }
    clock.advance(7200);
    expect(guard.health().revocations.entries).toBe(1);
    expect(await verdict(short)).toBe('expired');
    expect(await verdict(long)).toBe('revoked');
    expect(guard.health().revocations.entries).toBe(0);
    // the guard no longer knows which subject was revoked, so this client has to fetch a new token
    expect(await verdict(other)).toBe('revoked');
    expect(await verdict(await issuer.issueToken({ subject: 'user-1' }))).toBe('allow');
  });

  test('rule 113: refuses a token within its clock skew that is revoked until its exp, which has passed', async () => {
    const { guard, issuer, clock, verdict } = await createScene({ clockSkewSeconds: 30 });
    const token = await issuer.issueToken({ claims: CLAIMS, lifetimeSeconds: 60 });
    clock.advance(70);
    const { auth } = expectAllowed(await ask(guard, token));
    await guard.revocations.revoke({ tokenId: auth!.tokenId }, { until: auth!.expiresAt });
    expect(await verdict(token)).toBe('revoked');
    clock.advance(19);
    expect(await verdict(token)).toBe('revoked');
  });

  test('throws if the target has an undefined sessionId, and revokes nothing', async () => {
    const { guard, issuer, verdict } = await createScene();
    const token = await issuer.issueToken();
    const { auth } = expectAllowed(await ask(guard, token));
    await expect(guard.revocations.revoke({ sessionId: auth!.sessionId, subject: auth!.subject })).rejects.toThrow(
      /sessionId is undefined: the token has no such claim/,
    );
    expect(await verdict(token)).toBe('allow');
  });

  test('a revocation until exp lasts through the clock skew after it', async () => {
    const { guard, issuer, clock, verdict } = await createScene({ clockSkewSeconds: 300 });
    const token = await issuer.issueToken({ claims: CLAIMS });
    const { auth } = expectAllowed(await ask(guard, token));
    await guard.revocations.revoke({ tokenId: auth!.tokenId! }, { until: auth!.expiresAt });
    clock.set((auth!.expiresAt + 299.5) * 1000);
    expect(await verdict(token)).toBe('revoked');
    clock.advance(1);
    expect(await verdict(token)).toBe('expired');
  });

  test('refuses tokens dated as far ahead as the issuer was seen to be', async () => {
    const { guard, issuer, clock, verdict } = await createScene();
    clock.set(Math.ceil(clock.now() / 1000) * 1000);
    const ahead = async (seconds: number) => issuer.issueToken({ claims: { iat: clock.now() / 1000 + seconds } });
    const before = await ahead(10);
    expect(await verdict(await ahead(20))).toBe('allow');
    await guard.revocations.revoke({ subject: 'user-1' });
    expect(await verdict(before)).toBe('revoked');
    expect(await verdict(await ahead(21))).toBe('allow');
  });

  test('a token revoked by its tokenId stays revoked after an overflow and after the retention time, even if its issuer is ahead', async () => {
    const { guard, issuer, clock, verdict } = await createScene({ revocations: { retentionSeconds: 60, store: memoryRevocations({ maxEntries: 2 }) } });
    const token = await issuer.issueToken({ claims: { ...CLAIMS, iat: Math.floor(clock.now() / 1000) + 29 }, lifetimeSeconds: 86_400 });
    await guard.revocations.revoke({ tokenId: 'token-1' }, { at: Math.floor(clock.now() / 1000) - 1000 });
    for (let at = 0; at < 5; at++) await guard.revocations.revoke({ tokenId: `other-${at}` });
    expect(await verdict(token)).toBe('revoked');
    clock.advance(1000);
    expect(await verdict(token)).toBe('revoked');
  });

  test('a revocation with a time in the past does not affect an old token of another subject', async () => {
    const { guard, issuer, clock, verdict } = await createScene();
    const token = await issuer.issueToken({ subject: 'user-2', claims: { iat: Math.floor(clock.now() / 1000) - 259_200 }, lifetimeSeconds: 600_000 });
    await guard.revocations.revoke({ subject: 'user-1' }, { at: Math.floor(clock.now() / 1000) - 172_800 });
    clock.advance(600);
    expect(await verdict(token)).toBe('allow');
  });

  test('keeps no entry after the until of a revocation has passed', async () => {
    const { guard, issuer, clock, verdict } = await createScene();
    const token = await issuer.issueToken({ claims: CLAIMS });
    const { auth } = expectAllowed(await ask(guard, token));
    await guard.revocations.revoke({ tokenId: auth!.tokenId! }, { until: auth!.expiresAt });
    expect(await verdict(token)).toBe('revoked');
    clock.advance(1000);
    expect(await verdict(await issuer.issueToken())).toBe('allow');
    expect(guard.health().revocations.entries).toBe(0);
  });
});

test('subjectChanged revokes earlier tokens of the subject, and later ones are accepted', async () => {
  const { guard, issuer, clock, verdict } = await createScene();
  const before = await issuer.issueToken({ roles: ['admin'] });
  await guard.revocations.subjectChanged({ subject: 'user-1' });
  expect(await verdict(before)).toBe('revoked');
  clock.advance(6);
  expect(await verdict(await issuer.issueToken({ roles: ['reader'] }))).toBe('allow');
});

test('rule 119: does not affect equal identifiers of another issuer', async () => {
  const { one, other, guard } = await createTwoIssuers();
  const tokens = [await one.issueToken({ claims: CLAIMS }), await other.issueToken({ claims: CLAIMS })] as const;
  await expect(guard.revocations.revoke({ subject: 'user-1' })).rejects.toThrow(/names no issuer, but this guard has several/);
  await expect(guard.revocations.revoke({ subject: 'user-1', issuer: `${one.issuer}/` })).rejects.toThrow(
    /issuer must be an issuer of this guard \(got .*\)\. No token would be revoked/,
  );
  for (const target of TARGETS) await guard.revocations.revoke({ ...target, issuer: one.issuer });
  expect([verdictOf(await ask(guard, tokens[0])), verdictOf(await ask(guard, tokens[1]))]).toEqual(['revoked', 'allow']);
  await guard.revocations.revoke({ issuer: other.issuer }, { reason: 'compromised' });
  expect(verdictOf(await ask(guard, tokens[1]))).toBe('revoked');
});

test('two guards with one store share their revocations', async () => {
  const store = memoryRevocations();
  const { guard, issuer } = await createScene({ revocations: { store } });
  const other = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, revocations: { store } });
  onTestFinished(() => other.close());
  const token = await issuer.issueToken();
  expectAllowed(await ask(other, token));
  await guard.revocations.revoke({ subject: 'user-1' });
  expect(verdictOf(await ask(other, token))).toBe('revoked');
});

describe('rule 112: an unreachable store', () => {
  function unreachableStore() {
    const store = memoryRevocations();
    return { ...store, isCurrent: () => false, health: () => ({ ...store.health(), usable: false, lastError: 'redis://127.0.0.1:1: connection refused' }) };
  }

  test('answers 503 with Retry-After for a good token, and is not ready', async () => {
    const { guard, issuer } = await createScene({ revocations: { store: unreachableStore() } });
    const refused = await ask(guard, await issuer.issueToken());
    expect(refused).toMatchObject({ status: 503, reason: 'revocations_unavailable', body: { error: 'temporarily_unavailable' } });
    expect((refused as { headers: Record<string, string> }).headers['retry-after']).toBe('1');
    expect(guard.health()).toMatchObject({ ready: false, revocations: { usable: false } });
  });

  test('answers bad tokens and missing ones as usual', async () => {
    const { guard, issuer } = await createScene({ revocations: { store: unreachableStore() } });
    expect(verdictOf(await ask(guard, await issuer.issueToken({ lifetimeSeconds: -100 })))).toBe('expired');
    expect(verdictOf(await guard.check({ method: 'GET', target: '/', headers: {} }, { credentials: 'optional' }))).toBe('allow');
  });
});

describe('a third-party store that fails', () => {
  function failing(method: 'find' | 'isCurrent' | 'health') {
    const fail = () => {
      throw new Error('the store broke');
    };
    return { ...memoryRevocations(), [method]: fail, ...(method === 'health' && { isCurrent: () => false }) };
  }

  test.each(['find', 'isCurrent', 'health'] as const)('answers 503 if %s fails, and throws nothing', async (method) => {
    const { guard, issuer } = await createScene({ revocations: { store: failing(method) } });
    expect(await ask(guard, await issuer.issueToken())).toMatchObject({ status: 503, reason: 'revocations_unavailable' });
    if (method === 'health') expect(guard.health()).toMatchObject({ ready: false, revocations: { lastError: 'the store threw Error' } });
  });

  test('aborts no signal, and does not crash the process', async () => {
    const store = memoryRevocations();
    let broken = false;
    const find: typeof store.find = (...asked) => {
      if (broken) throw new Error('the store broke');
      return store.find(...asked);
    };
    const { guard, issuer } = await createScene({ revocations: { store: { ...store, find } } });
    const { signal } = expectAllowed(await ask(guard, await issuer.issueToken())).auth!;
    broken = true;
    await guard.revocations.revoke({ subject: 'user-1' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(signal.aborted).toBe(false);
    broken = false;
    await guard.revocations.revoke({ subject: 'user-1' }, { reason: 'logout', at: Math.floor(Date.now() / 1000) + 20 });
    await expect.poll(() => signal.aborted).toBe(true);
  });
});

test.each([
  [{ store: {} }, /revocations\.store: must be a RevocationStore \(got a value of type object without add, find/],
  [{ store: null }, /revocations\.store: must be a RevocationStore \(got null without add/],
  [{ retentionSeconds: 59 }, /revocations\.retentionSeconds: must be a number from 60/],
  [{ clockSkewSeconds: -1 }, /revocations\.clockSkewSeconds/],
  [{ fail: 'open' }, /revocations\.fail: is not an option/],
  ['memory', /revocations: must be an object \(got a string of 6 characters\)/],
])('throws at start-up for invalid revocation options: %j', (revocations, message) => {
  expect(() => createResourceGuard({ issuer: 'https://a.test', audience: 'x', revocations } as unknown as GuardOptions)).toThrow(message);
});

describe('events', () => {
  function collect<N extends keyof Events>(name: N): Events[N][] {
    const events: Events[N][] = [];
    onTestFinished(observe(name, (event) => events.push(event)));
    return events;
  }

  test('rule 142: report revocations and refusals, and identify only the client', async () => {
    const revoked = collect('tokenward:revoked');
    const used = collect('tokenward:revoked-token-used');
    const { guard, issuer, clock, decide } = await createScene();
    clock.set(Math.ceil(clock.now() / 1000) * 1000);
    const token = await issuer.issueToken({ subject: 'PLANTED', claims: { sid: 'PLANTED', jti: 'PLANTED' } });
    await guard.revocations.revoke({ sessionId: 'PLANTED', subject: 'PLANTED' }, { reason: 'session_revoked' });
    clock.advance(60);
    await decide(token);
    expect(revoked).toEqual(['session', 'sessionless'].map((kind) => ({ issuer: issuer.issuer, kind, reason: 'session_revoked' })));
    const about = { guard: 'default', method: 'GET', route: undefined, path: '/', requestId: undefined, clientId: 'client-1' };
    expect(used).toEqual([{ issuer: issuer.issuer, kind: 'session', reason: 'session_revoked', secondsLate: 55, ...about }]);
    expect(JSON.stringify([revoked, used, guard.health()])).not.toContain('PLANTED');
  });

  test('reports an overflow, and admits no revoked token', async () => {
    const told = collect('tokenward:revocations-overflowed');
    const { guard, issuer, verdict } = await createScene({ revocations: { store: memoryRevocations({ maxEntries: 10 }) } });
    const token = await issuer.issueToken();
    await guard.revocations.revoke({ subject: 'user-1' });
    for (let at = 0; at < 30; at++) await guard.revocations.revoke({ subject: `other-${at}` });
    expect(told.length).toBeGreaterThan(0);
    expect(await verdict(token)).toBe('revoked');
  });

  test('ignores a listener that throws, rejects or hangs', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    onTestFinished(() => warnings.mockRestore());
    const listeners = [
      () => {
        throw new Error('PLANTED');
      },
      () => Promise.reject(new Error('PLANTED')),
      () => new Promise(() => {}),
    ];
    for (const listener of listeners) for (const name of ['tokenward:accepted', 'tokenward:refused'] as const) onTestFinished(observe(name, listener));
    const { verdict, issuer } = await createScene();
    for (let round = 0; round < 3; round++)
      expect([await verdict({}), await verdict(await issuer.issueToken({ lifetimeSeconds: -99 }))]).toEqual(['allow', 'expired']);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(warnings).toHaveBeenCalledTimes(4);
    expect(JSON.stringify(warnings.mock.calls)).not.toContain('PLANTED');
  });
});

describe('auth.signal', () => {
  test('aborts when the session of the token is revoked, and does not abort for another subject', async () => {
    const { guard, issuer } = await createScene();
    const mine = expectAllowed(await ask(guard, await issuer.issueToken({ claims: CLAIMS }))).auth!;
    const other = expectAllowed(await ask(guard, await issuer.issueToken({ subject: 'user-2' }))).auth!;
    const signals = [mine.signal, other.signal];
    expect(mine.signal).toBe(signals[0]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    await guard.revocations.revoke({ sessionId: 'session-1' });
    await expect.poll(() => signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(signals[0]!.reason).toBeInstanceOf(TokenEndedError);
    expect(signals[0]!.reason).toMatchObject({ code: 'TOKENWARD_TOKEN_ENDED', reason: 'revoked' });
    // a signal that is read afterwards is aborted at once
    expect(mine.signal.aborted).toBe(true);
  });

  test('aborts when the token has expired', async () => {
    const { guard, issuer, clock } = await createScene({ clockSkewSeconds: 0 });
    const { signal } = expectAllowed(await ask(guard, await issuer.issueToken({ lifetimeSeconds: 1 }))).auth!;
    clock.advance(2);
    await expect.poll(() => signal.aborted, { timeout: 3000 }).toBe(true);
    expect(signal.reason).toMatchObject({ reason: 'expired' });
  });

  test('aborts when the guard is closed', async () => {
    const { guard, issuer } = await createScene();
    const { auth } = expectAllowed(await ask(guard, await issuer.issueToken()));
    const { signal } = auth!;
    await guard.close();
    expect(signal.reason).toMatchObject({ reason: 'guard_closed' });
    expect(auth!.signal.aborted).toBe(true);
  });

  test('aborts when the token has become too old', async () => {
    const { guard, issuer, clock } = await createScene({ clockSkewSeconds: 0, maxTokenAgeSeconds: 2 });
    const { auth } = expectAllowed(await ask(guard, await issuer.issueToken({ lifetimeSeconds: 300 })));
    const { signal } = auth!;
    clock.advance(3);
    expect(verdictOf(guard.permit(auth!, scope('x')))).toBe('expired');
    await expect.poll(() => signal.aborted, { timeout: 4000 }).toBe(true);
  });

  test('many revocations cause only a few look-ups', async () => {
    const store = memoryRevocations();
    let asked = 0;
    const { guard, issuer } = await createScene({ revocations: { store: { ...store, find: (...of) => (asked++, store.find(...of)) } } });
    const { signal } = expectAllowed(await ask(guard, await issuer.issueToken())).auth!;
    asked = 0;
    for (let at = 0; at < 500; at++) await guard.revocations.revoke({ subject: `other-${at}` });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(asked).toBeLessThan(5);
    await guard.revocations.revoke({ subject: 'user-1' });
    await expect.poll(() => signal.aborted).toBe(true);
  });

  test('rule 142: appears in no serialisation', async () => {
    const { guard, issuer } = await createScene();
    const { auth } = expectAllowed(await ask(guard, await issuer.issueToken()));
    expect(Object.keys(auth!)).not.toContain('signal');
    expect(JSON.stringify(auth)).not.toContain('signal');
  });
});
