import { createHash } from 'node:crypto';
import type { MessageReceiver, ReceivedMessage, ReceiverAnswer } from '@tokenward/core';
import type { ReplayStore } from '@tokenward/core/store';
import { hostileTokens, type LogoutTokenOptions } from '@tokenward/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createScene, createTwoIssuers, type Scene } from './guarded.js';
import { stuckStores } from './stuck-stores.js';

const CLIENT = 'web-app';

function form(...tokens: readonly string[]): ReceivedMessage {
  const body = new URLSearchParams(tokens.map((token): [string, string] => ['logout_token', token])).toString();
  return { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body };
}

interface LogoutScene extends Scene {
  readonly receive: MessageReceiver;
  logout(wanted?: LogoutTokenOptions): Promise<number>;
}

async function createLogoutScene(replays?: ReplayStore): Promise<LogoutScene> {
  const scene = await createScene();
  const receive = scene.guard.backchannelLogout({ clientId: CLIENT, replays });
  return {
    ...scene,
    receive,
    logout: async (wanted) => (await receive(form(await scene.issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1', ...wanted })))).status,
  };
}

test('rule 91: a receiver of logout tokens names their issuer as the owner of what the replay store keeps, so that no issuer fills it for the others', async () => {
  const added: unknown[][] = [];
  const replays: ReplayStore = { add: (...given) => (added.push(given), true) };
  const { logout, issuer } = await createLogoutScene(replays);
  expect([await logout(), await logout({ subject: 'user-2' })]).toEqual([200, 200]);
  const digest = createHash('sha256')
    .update(JSON.stringify(['issuer', issuer.issuer]))
    .digest('base64url');
  expect(added.map(([, , owner]) => owner)).toEqual([digest, digest]);
  expect(new Set(added.map(([name]) => name)).size).toBe(2);
});

describe('rule 116: a logout token', () => {
  const iat = () => Math.floor(Date.now() / 1000);
  const GOOD: readonly [string, LogoutTokenOptions][] = [
    ['with typ logout+jwt', {}],
    ['with typ application/LOGOUT+JWT', { header: { typ: 'application/LOGOUT+JWT' } }],
    ['with typ JWT', { header: { typ: 'JWT' } }],
    ['with no typ', { header: { typ: undefined } }],
    ['for a session without a subject', { subject: undefined, sessionId: 's' }],
    ['for several audiences', { claims: { aud: ['other', CLIENT] } }],
    ['with additional events', { claims: { events: { 'http://schemas.openid.net/event/backchannel-logout': {}, 'urn:other': {} } } }],
    ['rule 168: with null as nonce and sid', { claims: { nonce: null, sid: null } }],
    ['rule 168: for a session, with null as sub', { sessionId: 's', claims: { sub: null } }],
    ['with an event that has members', { claims: { events: { 'http://schemas.openid.net/event/backchannel-logout': { a: 1 } } } }],
  ];
  test.each(GOOD)('%s is accepted', async (_name, wanted) => {
    const { logout } = await createLogoutScene();
    expect(await logout(wanted)).toBe(200);
  });

  const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
  const BAD: readonly [string, LogoutTokenOptions | (() => LogoutTokenOptions)][] = [
    ['for another client', { clientId: 'other' }],
    ['for a client whose ID begins with ours', { clientId: `${CLIENT}-2` }],
    ['for a client ID in another case', { clientId: 'Web-App' }],
    ['without aud', { claims: { aud: undefined } }],
    ['with a number in aud', { claims: { aud: [CLIENT, 7] } }],
    ['without iat', { claims: { iat: undefined } }],
    ['with iat as a string', { claims: { iat: '1' } }],
    ['with an iat in the future', () => ({ claims: { iat: iat() + 100, exp: iat() + 200 } })],
    ['without exp', { claims: { exp: undefined } }],
    ['with exp as a string', { claims: { exp: '9999999999' } }],
    ['that has expired', () => ({ claims: { iat: iat() - 200, exp: iat() - 100 } })],
    ['without jti', { claims: { jti: undefined } }],
    ['with an empty jti', { claims: { jti: '' } }],
    ['with a nonce', { claims: { nonce: 'n' } }],
    ['without events', { claims: { events: undefined } }],
    ['with a list as events', { claims: { events: [EVENT] } }],
    ['with another event', { claims: { events: { 'urn:other': {} } } }],
    ['with an event that is true', { claims: { events: { [EVENT]: true } } }],
    ['with an event that is null', { claims: { events: { [EVENT]: null } } }],
    ['without a subject', { subject: undefined }],
    ['with a number as sub', { claims: { sub: 7 } }],
    ['with an empty sid', { claims: { sid: '' } }],
    ['with a list as sid', { claims: { sid: ['s'] } }],
    ['of another issuer', { claims: { iss: 'https://other.example.test' } }],
    ['with typ at+jwt', { header: { typ: 'at+jwt' } }],
    ['with typ secevent+jwt', { header: { typ: 'secevent+jwt' } }],
    ['with typ dpop+jwt', { header: { typ: 'dpop+jwt' } }],
    ['with alg none', { header: { alg: 'none' } }],
    ['with an unknown kid', { header: { kid: 'unknown' } }],
    ['with crit', { header: { crit: ['x'] } }],
    ['with a broken signature', {}],
  ];
  test.each(BAD)('%s is refused with 400, and revokes nothing', async (name, wanted) => {
    const { receive, verdict, issuer } = await createLogoutScene();
    const before = await issuer.issueToken();
    let text = await issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1', ...(typeof wanted === 'function' ? wanted() : wanted) });
    if (name === 'with a broken signature') text = `${text.slice(0, -6)}${text.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`;
    const answer = await receive(form(text));
    expect(answer).toEqual({
      status: 400,
      headers: { 'cache-control': 'no-store', 'content-type': 'application/json' },
      body: '{"error":"invalid_request","error_description":"The logout token is not valid here"}',
    });
    expect(await verdict(before)).toBe('allow');
  });

  test('rule 117: refuses access tokens, ID tokens, security events and hostile tokens', async () => {
    const { receive, issuer, guard } = await createLogoutScene();
    const others = [
      await issuer.issueToken({ audience: CLIENT }),
      await issuer.issueToken({ audience: CLIENT, header: { typ: 'JWT' }, claims: { nonce: 'n', at_hash: 'x' } }),
      await issuer.issueSecurityEvent({ audience: CLIENT, type: 'session-revoked', subject: { format: 'opaque', id: 'user-1' } }),
    ];
    const hostile = (await hostileTokens(issuer)).map(({ token }) => token);
    for (const token of [...others, ...hostile]) expect([400, 503]).toContain((await receive(form(token))).status);
    expect(guard.health().revocations.entries).toBe(0);
  });
});

test('rule 117: accepts a jti once', async () => {
  const { receive, issuer } = await createLogoutScene();
  const token = await issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1' });
  expect([(await receive(form(token))).status, (await receive(form(token))).status]).toEqual([200, 400]);
  const other = await issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-2' });
  expect((await receive(form(other))).status).toBe(200);
});

test('rule 117: does not revoke a later login if the logout token is sent again', async () => {
  const { receive, issuer, clock, verdict } = await createLogoutScene();
  const logoutToken = await issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1' });
  await receive(form(logoutToken));
  clock.advance(1.5);
  const later = await issuer.issueToken();
  await receive(form(logoutToken));
  expect(await verdict(later)).toBe('allow');
});

test('rule 119: the logout of a session also revokes tokens of its subject without a sid', async () => {
  const { logout, issuer, verdict } = await createLogoutScene();
  const tokens = await Promise.all(['s-1', 's-2', undefined].map((sid) => issuer.issueToken({ claims: { sid } })));
  expect(await logout({ sessionId: 's-1' })).toBe(200);
  expect(await Promise.all(tokens.map((token) => verdict(token)))).toEqual(['revoked', 'allow', 'revoked']);
});

test('rule 119: does not affect an equal subject of another issuer', async () => {
  const { one, other, guard } = await createTwoIssuers();
  const receive = guard.backchannelLogout({ clientId: CLIENT });
  // before the logout: one of the next second would be a later login
  const tokens = [await one.issueToken(), await other.issueToken()];
  expect((await receive(form(await one.issueLogoutToken({ clientId: CLIENT, subject: 'user-1' })))).status).toBe(200);
  const verdicts = [];
  for (const token of tokens) {
    const decision = await guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } });
    verdicts.push(decision.outcome);
  }
  expect(verdicts).toEqual(['deny', 'allow']);
  // a token that names the first issuer, with a valid signature of the other one
  const forged = await other.issueLogoutToken({ clientId: CLIENT, subject: 'user-1', claims: { iss: one.issuer } });
  expect((await receive(form(forged))).status).toBe(400);
});

describe('rule 118: the request', () => {
  test('must be a POST', async () => {
    const { receive, issuer } = await createLogoutScene();
    const good = form(await issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1' }));
    for (const method of ['GET', 'HEAD', 'PUT', 'post'])
      expect(await receive({ ...good, method })).toMatchObject({ status: 405, headers: { allow: 'POST', 'cache-control': 'no-store' } });
    expect((await receive(good)).status).toBe(200);
  });

  test('must be a form with one token, parsed or not', async () => {
    const { receive, issuer } = await createLogoutScene();
    const issue = () => issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1' });
    const headers = form().headers;
    for (const body of [
      undefined,
      null,
      '',
      7,
      [],
      {},
      { logout_token: [await issue()] },
      { logout_token: 7 },
      Object.create({ logout_token: await issue() }),
      new Uint8Array(70_000),
    ])
      expect((await receive({ method: 'POST', headers, body })).status).toBe(400);
    expect((await receive(form(await issue(), await issue()))).status).toBe(400);
    for (const type of [undefined, 'application/json', 'multipart/form-data', ['application/x-www-form-urlencoded', 'x']])
      expect((await receive({ ...form(await issue()), headers: { 'content-type': type } })).status).toBe(400);
    for (const body of [{ logout_token: await issue() }, Buffer.from(String(form(await issue()).body)), `other=1&${String(form(await issue()).body)}`])
      expect((await receive({ method: 'POST', headers: { 'content-type': 'Application/X-WWW-Form-Urlencoded; charset=utf-8' }, body })).status).toBe(200);
  });
});

test('rule 118: answers 503 if keys cannot be fetched, and accepts the token later', async () => {
  const { receive, issuer, guard, clock } = await createLogoutScene();
  issuer.misbehave('error');
  const token = await issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1' });
  expect(await receive(form(token))).toMatchObject({
    status: 503,
    headers: { 'retry-after': '1', 'cache-control': 'no-store' },
    body: expect.stringContaining('temporarily_unavailable') as string,
    failure: 'keys',
  });
  expect(guard.health().revocations.entries).toBe(0);
  issuer.behave();
  clock.advance(60);
  expect((await receive(form(token))).status).toBe(200);
});

describe('rule 118: two rotations of the keys within the cooldown', () => {
  test.each([
    ['with a kid', {}],
    ['without a kid', { header: { kid: undefined } }],
  ])('a logout token %s is answered 503 until the keys may be fetched again, and then accepted', async (_name, wanted) => {
    const { receive, issuer, clock } = await createLogoutScene();
    const send = async (): Promise<ReceiverAnswer> => receive(form(await issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1', ...wanted })));
    expect((await send()).status).toBe(200);
    await issuer.rotateKeys();
    expect((await send()).status).toBe(200);
    await issuer.rotateKeys();
    clock.advance(10);
    expect(await send()).toEqual({
      status: 503,
      headers: { 'cache-control': 'no-store', 'content-type': 'application/json', 'retry-after': '20' },
      body: '{"error":"temporarily_unavailable","error_description":"The key of the logout token is not known yet"}',
      failure: 'key',
    });
    clock.advance(20);
    expect((await send()).status).toBe(200);
  });

  test('strangers with invented kids cause one fetch per cooldown, and an access token with an unknown key gets 401', async () => {
    const { receive, issuer, guard, clock, verdict } = await createLogoutScene();
    await guard.warm();
    const invented = (kid: string) => issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1', header: { kid } });
    const { jwks } = issuer.requests;
    const statuses = [];
    for (let at = 0; at < 20; at++) statuses.push((await receive(form(await invented(`kid-${at}`)))).status);
    // the keys were just fetched for the first
    expect(statuses).toEqual([400, ...Array.from({ length: 19 }, () => 503)]);
    expect(issuer.requests.jwks).toBe(jwks + 1);
    await issuer.rotateKeys();
    expect(await verdict(await issuer.issueToken())).toBe('unknown_key');
    clock.advance(30);
    expect(await verdict(await issuer.issueToken())).toBe('allow');
    expect((await receive(form(await invented('kid-21')))).status).toBe(503);
    // with a known kid a rotation is not why the signature is wrong
    const known = await issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1' });
    expect((await receive(form(`${known.slice(0, -6)}${known.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`))).status).toBe(400);
  });
});

describe('clockSkewSeconds of the receiver', () => {
  test.each([299, -299])('accepts logout tokens of a clock that differs by %i s, and ends exactly what began before them', async (seconds) => {
    const { guard, issuer, clock } = await createLogoutScene();
    const receive = guard.backchannelLogout({ clientId: CLIENT, clockSkewSeconds: 300 });
    const iat = Math.floor(clock.now() / 1000) + seconds;
    const token = await issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1', claims: { iat, exp: iat } });
    expect((await guard.backchannelLogout({ clientId: CLIENT })(form(token))).status).toBe(400);
    expect((await receive(form(token))).status).toBe(200);
    // once the clocks agree
    if (seconds > 0) clock.advance(seconds);
    const check = async (at: number): Promise<string> => {
      const accessToken = await issuer.issueToken({ claims: { iat: at, exp: iat + 3600 } });
      const decision = await guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${accessToken}` } });
      return decision.outcome === 'deny' ? decision.reason : 'allow';
    };
    expect([await check(iat), await check(iat + 1)]).toEqual(['revoked', 'allow']);
  });

  test('rule 117: a logout token counts once for as long as it is accepted', async () => {
    const { guard, issuer, clock } = await createLogoutScene();
    const receive = guard.backchannelLogout({ clientId: CLIENT, clockSkewSeconds: 600 });
    const token = await issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1' });
    expect((await receive(form(token))).status).toBe(200);
    for (let minutes = 0; minutes < 15; minutes++) {
      clock.advance(60);
      expect((await receive(form(token))).status).toBe(400);
    }
  });
});

test('fetches keys again if a token without a kid does not verify', async () => {
  const { receive, issuer, clock } = await createLogoutScene();
  const withoutKid = async () => issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1', header: { kid: undefined } });
  expect((await receive(form(await withoutKid()))).status).toBe(200);
  await issuer.rotateKeys();
  clock.advance(60);
  expect((await receive(form(await withoutKid()))).status).toBe(200);
});

test('revokes the tokens issued before the logout by the clock of an issuer that is ahead', async () => {
  const { logout, issuer, clock, verdict } = await createLogoutScene();
  const ahead = Math.floor(clock.now() / 1000) + 20;
  const before = await issuer.issueToken({ claims: { iat: ahead - 1 } });
  expect(await logout({ claims: { iat: ahead, exp: ahead + 120 } })).toBe(200);
  expect(await verdict(before)).toBe('revoked');
  expect(await verdict(await issuer.issueToken({ claims: { iat: ahead + 1 } }))).toBe('allow');
});

test('remembers a logout token for at most a day, whatever its exp', async () => {
  const asked: number[] = [];
  const { logout } = await createLogoutScene({ add: (_name, ttlSeconds) => asked.push(ttlSeconds) > 0 });
  for (const exp of [1e300, Number.MAX_SAFE_INTEGER]) expect(await logout({ claims: { exp } })).toBe(200);
  expect(asked).toEqual([86_400, 86_400]);
});

test('answers 503 if the replay store fails, and still applies the logout', async () => {
  const add = vi.fn(() => Promise.reject(new Error('away')));
  const { logout, issuer, verdict } = await createLogoutScene({ add });
  const token = await issuer.issueToken();
  expect(await logout()).toBe(503);
  expect(await verdict(token)).toBe('revoked');
});

test.each(['replays', 'revocations'] as const)(
  'rule 118: a store that never answers does not hold a logout token for more than 5 seconds: %s',
  async (which) => {
    const { store, replays } = stuckStores(which);
    const { guard, issuer, verdict } = await createScene({ revocations: { store } });
    const receive = guard.backchannelLogout({ clientId: CLIENT, replays });
    const [token, logoutToken] = [await issuer.issueToken(), await issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1' })];
    await guard.warm();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const answer = receive(form(logoutToken));
    await vi.waitFor(async () => expect(await verdict(token)).toBe('revoked'));
    await vi.advanceTimersByTimeAsync(5000);
    expect(await answer).toMatchObject({ status: 503, failure: 'store' });
  },
);

test.each([
  [{}, /clientId: is missing/],
  [{ clientId: '' }, /clientId: must be .*\(got ""\)/],
  [{ clientId: [] }, /clientId: must be .*\(got an empty list\)/],
  [{ clientId: 'a', replays: {} }, /replays: must be a ReplayStore \(got a value of type object\)/],
  [{ clientId: 'a', clockSkewSeconds: 3601 }, /clockSkewSeconds: must be /],
  [{ clientId: 'a', audience: 'b' }, /audience: is not an option/],
])('reports invalid options at once: %j', async (options, message) => {
  const { guard } = await createScene();
  expect(() => guard.backchannelLogout(options as never)).toThrow(message);
});
