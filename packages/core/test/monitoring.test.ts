import { createResourceGuard, observe, type Events, type GuardOptions, type ProtectedRequest } from '@tokenward/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createScene, verdictOf } from './guarded.js';

function collect<N extends keyof Events>(name: N): Events[N][] {
  const events: Events[N][] = [];
  onTestFinished(observe(name, (event) => events.push(event)));
  return events;
}

function request(token: string, clientAddress: string | undefined, userAgent?: string): ProtectedRequest {
  return { method: 'GET', target: '/', clientAddress, headers: { authorization: `Bearer ${token}`, 'user-agent': userAgent } };
}

const CLAIMS = { jti: 'PLANTED-token', sid: 'PLANTED-session' };

describe('tokenward:token-reused', () => {
  test('is published once per window when a token comes from more than maxPlaces addresses', async () => {
    const events = collect('tokenward:token-reused');
    const { guard, issuer, clock } = await createScene({ monitoring: { maxPlaces: 3, windowSeconds: 60 } });
    const token = await issuer.issueToken({ claims: { ...CLAIMS, sid: undefined } });
    const from = async (last: number) => verdictOf(await guard.check(request(token, `192.0.2.${last}`, 'one')));
    for (const last of [1, 2, 3, 1, 2, 3]) expect(await from(last)).toBe('allow');
    expect(events).toEqual([]);
    expect(await from(4)).toBe('allow');
    expect(events).toEqual([{ issuer: issuer.issuer, by: 'token', places: 4, windowSeconds: 60 }]);
    for (const last of [5, 6]) await from(last);
    expect(events).toHaveLength(1);
    clock.advance(60);
    for (const last of [1, 2, 3]) await from(last);
    expect(events).toHaveLength(1);
    await from(4);
    expect(events).toHaveLength(2);
    expect(JSON.stringify(events)).not.toMatch(/PLANTED|192\.0/);
  });

  test('reads the client address only if there is a listener, since frameworks parse header fields for it', async () => {
    const { guard, issuer } = await createScene();
    let asked = 0;
    const from = (token: string): ProtectedRequest => Object.defineProperty(request(token, undefined), 'clientAddress', { get: () => (asked++, '192.0.2.1') });
    const token = await issuer.issueToken({ claims: CLAIMS });
    expect(verdictOf(await guard.check(from(token)))).toBe('allow');
    expect(asked).toBe(0);
    collect('tokenward:token-reused');
    expect(verdictOf(await guard.check(from(token)))).toBe('allow');
    expect(asked).toBe(1);
  });

  test('counts user agents, and counts all tokens of a session together', async () => {
    const events = collect('tokenward:token-reused');
    const { guard, issuer } = await createScene({ monitoring: { maxPlaces: 2 } });
    for (const agent of ['a', 'b', 'c']) {
      const token = await issuer.issueToken({ claims: { sid: 'session-1' } });
      await guard.check(request(token, undefined, agent));
    }
    expect(events).toEqual([{ issuer: issuer.issuer, by: 'session', places: 3, windowSeconds: 3600 }]);
  });

  test('counts the addresses of one IPv6 network as one place, and each IPv4-mapped address as its own', async () => {
    const events = collect('tokenward:token-reused');
    const { guard, issuer } = await createScene({ monitoring: { maxPlaces: 1 } });
    const [one, other] = [await issuer.issueToken(), await issuer.issueToken()];
    for (const address of ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:a:b:c:d', '2001:db8:1:2::1']) await guard.check(request(one, address));
    expect(events).toEqual([]);
    await guard.check(request(one, '2001:db8:1:3::1'));
    expect(events).toHaveLength(1);
    for (const address of ['::ffff:192.0.2.1', '::ffff:192.0.2.2']) await guard.check(request(other, address));
    expect(events).toHaveLength(2);
  });

  test('does not count refused requests', async () => {
    const events = collect('tokenward:token-reused');
    const scenes = [await createScene({ monitoring: { maxPlaces: 1 } }), await createScene({ monitoring: { maxPlaces: 1 } })];
    for (const { guard, issuer } of scenes) await guard.check(request(await issuer.issueToken({ claims: CLAIMS }), `192.0.2.${scenes.length}`));
    const { guard, issuer } = scenes[0]!;
    for (const last of [1, 2, 3, 4]) await guard.check(request(await issuer.issueToken({ claims: CLAIMS, lifetimeSeconds: -100 }), `192.0.2.${last}`));
    expect(events).toEqual([]);
  });

  test('watches at most maxWatched tokens, and evicts the oldest', async () => {
    const events = collect('tokenward:token-reused');
    const { guard, issuer } = await createScene({ monitoring: { maxPlaces: 1, maxWatched: 2 } });
    const tokens = await Promise.all(['a', 'b', 'c'].map((jti) => issuer.issueToken({ claims: { jti } })));
    for (const token of tokens) await guard.check(request(token, '192.0.2.1'));
    // the first was evicted, so its count starts again
    await guard.check(request(tokens[0]!, '192.0.2.2'));
    expect(events).toEqual([]);
    await guard.check(request(tokens[0]!, '192.0.2.3'));
    expect(events).toHaveLength(1);
  });
});

test('tokenward:long-lived-token is published once for a repeated token that lives too long', async () => {
  const events = collect('tokenward:long-lived-token');
  const { issuer, verdict } = await createScene();
  const token = await issuer.issueToken({ lifetimeSeconds: 86_401 });
  for (let time = 0; time < 3; time++) expect(await verdict(token)).toBe('allow');
  expect(await verdict({ lifetimeSeconds: 86_400 })).toBe('allow');
  expect(events).toEqual([{ issuer: issuer.issuer, lifetimeSeconds: 86_401, clientId: 'client-1' }]);
});

test('tokenward:clock-skew reports how far the clock of an issuer is ahead', async () => {
  const events = collect('tokenward:clock-skew');
  const { issuer, clock, verdict } = await createScene();
  clock.set(Math.ceil(clock.now() / 1000) * 1000);
  const now = clock.now() / 1000;
  for (const ahead of [0, 0.9, 7]) expect(await verdict({ claims: { iat: now + ahead } })).toBe('allow');
  expect(events).toEqual([{ issuer: issuer.issuer, skewSeconds: 7 }]);
  // also for a skew beyond the limit, in no more digits than milliseconds
  expect(await verdict({ claims: { iat: now + 90.123_456_7 } })).toBe('issued_in_the_future');
  expect(events.at(-1)).toEqual({ issuer: issuer.issuer, skewSeconds: 90.123 });
});

test('rule 117: tokenward:token-replayed reports repeated logout tokens and security events', async () => {
  const events = collect('tokenward:token-replayed');
  const { issuer, guard } = await createScene();
  const logout = guard.backchannelLogout({ clientId: 'web' });
  const signals = guard.sharedSignals({ audience: 'a', unsafeAcceptUnauthenticatedTransmitters: true });
  const token = await issuer.issueLogoutToken({ clientId: 'web', subject: 'PLANTED' });
  const event = await issuer.issueSecurityEvent({ audience: 'a', type: 'session-revoked', subject: { format: 'opaque', id: 'PLANTED' } });
  for (let time = 0; time < 2; time++) {
    await logout({ method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: { logout_token: token } });
    await signals({ method: 'POST', headers: { 'content-type': 'application/secevent+jwt' }, body: event });
  }
  expect(events).toEqual(['logout_token', 'security_event'].map((of) => ({ issuer: issuer.issuer, of })));
});

test('the events of decisions include their duration', async () => {
  const accepted = collect('tokenward:accepted');
  const refused = collect('tokenward:refused');
  const { verdict, issuer } = await createScene();
  expect([await verdict({}), await verdict(await issuer.issueToken({ lifetimeSeconds: -100 }))]).toEqual(['allow', 'expired']);
  for (const { durationSeconds } of [...accepted, ...refused]) expect(durationSeconds).toBeGreaterThanOrEqual(0);
});

test.each([
  [{ maxPlaces: 0 }, /monitoring\.maxPlaces: must be .*\(got 0\)/],
  [{ windowSeconds: 0 }, /monitoring\.windowSeconds/],
  [{ maxWatched: 1.5 }, /monitoring\.maxWatched/],
  [{ longLivedSeconds: '1d' }, /monitoring\.longLivedSeconds: must be .*\(got "1d"\)/],
  [{ log: true }, /monitoring\.log: is not an option/],
])('throws at start-up for invalid monitoring options: %j', (monitoring, message) => {
  expect(() => createResourceGuard({ issuer: 'https://a.test', audience: 'x', monitoring } as unknown as GuardOptions)).toThrow(message);
});
