import { observe, type Events, type MessageReceiver, type ReceivedMessage, type SharedSignalsOptions } from '@tokenward/core';
import { hostileTokens, type SecurityEventOptions } from '@tokenward/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createScene, type Scene } from './guarded.js';
import { stuckStores } from './stuck-stores.js';

const AUDIENCE = 'https://api.example.test/events';
const AUTHORIZATION = 'Bearer 0123456789-of-the-transmitter';
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';

function message(body: unknown, authorization: string | readonly string[] | undefined = AUTHORIZATION): ReceivedMessage {
  return { method: 'POST', headers: { 'content-type': 'application/secevent+jwt', authorization }, body };
}

interface SignalScene extends Scene {
  readonly receive: MessageReceiver;
  readonly user: Readonly<Record<string, unknown>>;
  send(wanted: SecurityEventOptions): Promise<number>;
}

async function createSignalScene(options: Partial<SharedSignalsOptions> = {}): Promise<SignalScene> {
  const scene = await createScene();
  const receive = scene.guard.sharedSignals({ audience: AUDIENCE, authorization: AUTHORIZATION, ...options });
  return {
    ...scene,
    receive,
    user: { format: 'iss_sub', iss: scene.issuer.issuer, sub: 'user-1' },
    send: async (wanted) => (await receive(message(await scene.issuer.issueSecurityEvent({ audience: AUDIENCE, ...wanted })))).status,
  };
}

describe.each(['session-revoked', 'token-claims-change', 'credential-change'])('a %s event', (type) => {
  test('revokes the earlier tokens of its subject, and none of another subject', async () => {
    const { send, user, issuer, verdict } = await createSignalScene();
    const [mine, other] = [await issuer.issueToken(), await issuer.issueToken({ subject: 'user-2' })];
    expect(await send({ type, subject: user })).toBe(202);
    expect([await verdict(mine), await verdict(other)]).toEqual(['revoked', 'allow']);
  });

  test('rule 120: revokes tokens up to its event_timestamp, and does not undo a newer event', async () => {
    const { send, user, issuer, clock, verdict } = await createSignalScene();
    const happenedAt = Math.floor(clock.now() / 1000);
    const before = await issuer.issueToken();
    clock.advance(30);
    const after = await issuer.issueToken();
    expect(await send({ type, subject: user, happenedAt })).toBe(202);
    expect([await verdict(before), await verdict(after)]).toEqual(['revoked', 'allow']);
    // a newer event first, then one from long before it
    expect(await send({ type, subject: user, happenedAt: happenedAt + 30 })).toBe(202);
    expect(await send({ type, subject: user, happenedAt: happenedAt - 1000 })).toBe(202);
    expect([await verdict(before), await verdict(after)]).toEqual(['revoked', 'revoked']);
  });

  test.each([Date.now() * 1000, -1, 'now', null])('uses the time of receipt if event_timestamp is invalid: %s', async (happenedAt) => {
    const { send, user, issuer, clock, verdict } = await createSignalScene();
    const before = await issuer.issueToken();
    expect(await send({ type, subject: user, claims: { events: { [`${CAEP}${type}`]: { event_timestamp: happenedAt } } } })).toBe(202);
    expect(await verdict(before)).toBe('revoked');
    clock.advance(2);
    expect(await verdict(await issuer.issueToken())).toBe('allow');
  });
});

describe('the subject of an event', () => {
  const session = { format: 'opaque', id: 'session-1' };

  test('rule 119: revokes the named session and tokens without a sid, and no other session', async () => {
    const { send, user, issuer, verdict } = await createSignalScene();
    const tokens = await Promise.all(['session-1', 'session-2', undefined].map((sid) => issuer.issueToken({ claims: { sid } })));
    expect(await send({ type: 'session-revoked', subject: { format: 'complex', user, session } })).toBe(202);
    expect(await Promise.all(tokens.map((token) => verdict(token)))).toEqual(['revoked', 'allow', 'revoked']);
  });

  test('token-claims-change revokes all sessions of the subject, even if it names one', async () => {
    const { send, user, issuer, verdict } = await createSignalScene();
    const tokens = await Promise.all(['session-1', 'session-2'].map((sid) => issuer.issueToken({ claims: { sid } })));
    expect(await send({ type: 'token-claims-change', subject: { user, session } })).toBe(202);
    expect(await Promise.all(tokens.map((token) => verdict(token)))).toEqual(['revoked', 'revoked']);
  });

  const known: readonly [string, (user: object) => object][] = [
    ['an iss_sub identifier', (user) => user],
    ['an opaque identifier', () => ({ format: 'opaque', id: 'user-1' })],
    ['one of several aliases', (user) => ({ format: 'aliases', identifiers: [{ format: 'email', email: 'a@example.test' }, user] })],
    ['a complex identifier', (user) => ({ format: 'complex', user, device: { format: 'opaque', id: 'x' } })],
    ['a complex identifier without a format, as in an earlier draft,', (user) => ({ user })],
    ['rule 168: a complex identifier with null members', (user) => ({ format: null, user, session: null })],
  ];
  test.each(known)('%s identifies the subject', async (_name, subjectOf) => {
    const { send, user, issuer, verdict } = await createSignalScene();
    const token = await issuer.issueToken();
    expect(await send({ type: 'session-revoked', subject: subjectOf(user) as SecurityEventOptions['subject'] })).toBe(202);
    expect(await verdict(token)).toBe('revoked');
  });

  test('reads the subject from the event itself, as in earlier drafts', async () => {
    const { send, user, issuer, verdict } = await createSignalScene();
    const token = await issuer.issueToken();
    expect(await send({ type: 'session-revoked', claims: { events: { [`${CAEP}session-revoked`]: { subject: user } } } })).toBe(202);
    expect(await verdict(token)).toBe('revoked');
  });

  test('rule 168: treats null as absent in an event', async () => {
    const { send, user, issuer, verdict } = await createSignalScene();
    const token = await issuer.issueToken();
    const events = { [`${CAEP}session-revoked`]: { subject: user, event_timestamp: null } };
    expect(await send({ type: 'session-revoked', claims: { exp: null, sub_id: null, events } })).toBe(202);
    expect(await verdict(token)).toBe('revoked');
  });

  const unknown: readonly [string, unknown][] = [
    ['an e-mail address', { format: 'email', email: 'user-1' }],
    ['of another issuer', { format: 'iss_sub', iss: 'https://other.example.test', sub: 'user-1' }],
    ['without an issuer', { format: 'iss_sub', sub: 'user-1' }],
    ['an opaque id that is a number', { format: 'opaque', id: 7 }],
    ['missing', undefined],
    ['a string', 'user-1'],
    ['a list', [{ format: 'opaque', id: 'user-1' }]],
    ['in an unknown format', { format: 'did', url: 'did:example:1' }],
    ['a list of nested aliases', { format: 'aliases', identifiers: [{ format: 'aliases', identifiers: [{ format: 'opaque', id: 'user-1' }] }] }],
    ['a list of too many aliases', { format: 'aliases', identifiers: Array.from({ length: 21 }, () => ({ format: 'opaque', id: 'user-1' })) }],
    ['a complex identifier with a member named constructor', { format: 'complex', constructor: { format: 'opaque', id: 'user-1' } }],
  ];
  test.each(unknown)('rule 48: acknowledges an event whose subject is %s, and revokes nothing', async (_name, subject) => {
    const { send, issuer, guard, verdict } = await createSignalScene();
    const token = await issuer.issueToken();
    expect(await send({ type: 'session-revoked', claims: { sub_id: subject } })).toBe(202);
    expect(await verdict(token)).toBe('allow');
    expect(guard.health().revocations.entries).toBe(0);
  });
});

test('rule 120: acknowledges and ignores unknown events, and applies the known ones', async () => {
  const { send, user, issuer, guard, verdict } = await createSignalScene();
  for (const type of ['session-established', 'urn:example:other', 'https://schemas.openid.net/secevent/ssf/event-type/verification', '__proto__'])
    expect(await send({ type: type.includes(':') ? type : `${CAEP}${type}`, subject: user })).toBe(202);
  expect(guard.health().revocations.entries).toBe(0);
  const token = await issuer.issueToken();
  expect(await send({ type: 'x', subject: user, claims: { events: { 'urn:other': {}, [`${CAEP}credential-change`]: {} } } })).toBe(202);
  expect(await verdict(token)).toBe('revoked');
});

test('rule 120: applies a jti once, and acknowledges a repeated event', async () => {
  const { receive, issuer, clock, user, verdict } = await createSignalScene();
  const event = await issuer.issueSecurityEvent({ audience: AUDIENCE, type: 'session-revoked', subject: user });
  const outcomes: unknown[] = [];
  onTestFinished(observe('tokenward:security-event', ({ outcome, cause }: Events['tokenward:security-event']) => outcomes.push([outcome, cause])));
  await receive(message(event));
  clock.advance(2);
  const later = await issuer.issueToken();
  expect((await receive(message(event))).status).toBe(202);
  expect(await verdict(later)).toBe('allow');
  expect(outcomes).toEqual([
    ['done', undefined],
    ['ignored', 'jti'],
  ]);
});

describe('rules 120 and 121: refuses an invalid security event token', () => {
  const iat = () => Math.floor(Date.now() / 1000);
  const BAD: readonly [string, Partial<SecurityEventOptions> | (() => Partial<SecurityEventOptions>), string][] = [
    ['for another audience', { audience: 'other' }, 'invalid_audience'],
    ['without aud', { claims: { aud: undefined } }, 'invalid_audience'],
    ['without typ', { header: { typ: undefined } }, 'invalid_request'],
    ['with typ JWT', { header: { typ: 'JWT' } }, 'invalid_request'],
    ['with typ logout+jwt', { header: { typ: 'logout+jwt' } }, 'invalid_request'],
    ['with typ at+jwt', { header: { typ: 'at+jwt' } }, 'invalid_request'],
    ['without iat', { claims: { iat: undefined } }, 'invalid_request'],
    ['issued in the future', () => ({ claims: { iat: iat() + 100 } }), 'invalid_request'],
    ['that has expired', () => ({ claims: { exp: iat() - 100 } }), 'invalid_request'],
    ['with an exp that is not a number', { claims: { exp: 'never' } }, 'invalid_request'],
    ['without jti', { claims: { jti: undefined } }, 'invalid_request'],
    ['without events', { claims: { events: undefined } }, 'invalid_request'],
    ['with an empty events object', { claims: { events: {} } }, 'invalid_request'],
    ['with an event that is not an object', { claims: { events: { [`${CAEP}session-revoked`]: true } } }, 'invalid_request'],
    ['of another issuer', { claims: { iss: 'https://other.example.test' } }, 'invalid_issuer'],
    ['with an unknown key', { header: { kid: 'unknown' } }, 'invalid_key'],
    ['with alg none', { header: { alg: 'none' } }, 'invalid_key'],
  ];
  test.each(BAD)('refuses a token %s, and answers with an error code', async (_name, wanted, err) => {
    const { receive, issuer, user, guard } = await createSignalScene();
    const given = typeof wanted === 'function' ? wanted() : wanted;
    const answer = await receive(message(await issuer.issueSecurityEvent({ audience: AUDIENCE, type: 'session-revoked', subject: user, ...given })));
    expect(answer).toMatchObject({ status: 400, headers: { 'cache-control': 'no-store', 'content-type': 'application/json', 'content-language': 'en' } });
    expect(JSON.parse(answer.body)).toEqual({ err, description: expect.any(String) as string });
    expect(guard.health().revocations.entries).toBe(0);
  });

  test('rule 37: refuses hostile tokens, access tokens and logout tokens', async () => {
    const { receive, issuer, guard } = await createSignalScene();
    const others = [await issuer.issueToken({ audience: AUDIENCE }), await issuer.issueLogoutToken({ clientId: AUDIENCE, subject: 'user-1' })];
    for (const token of [...others, ...(await hostileTokens(issuer)).map(({ token: hostile }) => hostile)])
      expect([400, 503]).toContain((await receive(message(token))).status);
    expect(guard.health().revocations.entries).toBe(0);
  });
});

describe('rule 121: authenticates the transmitter', () => {
  test('accepts a configured Authorization value only if it is sent exactly and once', async () => {
    const second = 'Bearer the-next-one-that-follows-it';
    const { receive, issuer, user } = await createSignalScene({ authorization: [AUTHORIZATION, second] });
    const issue = () => issuer.issueSecurityEvent({ audience: AUDIENCE, type: 'session-revoked', subject: user });
    for (const shown of ['', 'Bearer', AUTHORIZATION.slice(0, -1), `${AUTHORIZATION} `, AUTHORIZATION.toLowerCase(), [AUTHORIZATION, AUTHORIZATION], []])
      expect(JSON.parse((await receive(message(await issue(), shown))).body)).toMatchObject({ err: 'authentication_failed' });
    for (const shown of [AUTHORIZATION, second, [AUTHORIZATION]]) expect((await receive(message(await issue(), shown))).status).toBe(202);
  });

  test('accepts a request without credentials if unsafeAcceptUnauthenticatedTransmitters is set', async () => {
    const { receive, issuer, user } = await createSignalScene({ authorization: undefined, unsafeAcceptUnauthenticatedTransmitters: true });
    const event = await issuer.issueSecurityEvent({ audience: AUDIENCE, type: 'session-revoked', subject: user });
    expect((await receive({ ...message(event), headers: { 'content-type': 'application/secevent+jwt' } })).status).toBe(202);
  });
});

test('rule 121: accepts only a POST of its own media type, with a text or binary body of limited size', async () => {
  const { receive, issuer, user } = await createSignalScene();
  const event = await issuer.issueSecurityEvent({ audience: AUDIENCE, type: 'session-revoked', subject: user });
  for (const type of [undefined, 'application/jwt', 'application/json', 'application/secevent+jwt2', 'text/plain'])
    expect((await receive({ ...message(event), headers: { authorization: AUTHORIZATION, 'content-type': type } })).status).toBe(400);
  for (const body of [undefined, null, {}, { event }, 7, '', 'x'.repeat(70_000)]) expect((await receive(message(body))).status).toBe(400);
  expect(await receive({ ...message(event), method: 'GET' })).toMatchObject({ status: 405 });
  expect(await receive(message(Buffer.from(`${event}\n`)))).toEqual({ status: 202, headers: { 'cache-control': 'no-store' }, body: '' });
});

test('answers 503 if keys cannot be fetched, and applies the event when it is sent again', async () => {
  const { receive, issuer, user, clock, verdict } = await createSignalScene();
  issuer.misbehave('error');
  const [token, event] = [await issuer.issueToken(), await issuer.issueSecurityEvent({ audience: AUDIENCE, type: 'session-revoked', subject: user })];
  expect(await receive(message(event))).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  issuer.behave();
  clock.advance(60);
  expect((await receive(message(event))).status).toBe(202);
  expect(await verdict(token)).toBe('revoked');
});

test('rule 121: after two rotations of the keys within the cooldown, an event is answered 503 until the keys may be fetched again', async () => {
  const { receive, issuer, user, clock } = await createSignalScene();
  const send = async () => receive(message(await issuer.issueSecurityEvent({ audience: AUDIENCE, type: 'session-revoked', subject: user })));
  expect((await send()).status).toBe(202);
  for (let rotation = 0; rotation < 2; rotation++) {
    await issuer.rotateKeys();
    if (rotation === 0) expect((await send()).status).toBe(202);
  }
  expect(await send()).toEqual({ status: 503, headers: { 'cache-control': 'no-store', 'retry-after': '30' }, body: '', failure: 'key' });
  clock.advance(30);
  expect((await send()).status).toBe(202);
});

test.each(['replays', 'revocations'] as const)('rule 121: a store that never answers does not hold an event for more than 5 seconds: %s', async (which) => {
  const { store, replays } = stuckStores(which);
  const { guard, issuer, verdict } = await createScene({ revocations: { store } });
  const receive = guard.sharedSignals({ audience: AUDIENCE, authorization: AUTHORIZATION, replays });
  const subject = { format: 'iss_sub', iss: issuer.issuer, sub: 'user-1' };
  const [token, event] = [await issuer.issueToken(), await issuer.issueSecurityEvent({ audience: AUDIENCE, type: 'session-revoked', subject })];
  await guard.warm();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const answer = receive(message(event));
  await vi.waitFor(async () => expect(await verdict(token)).toBe('revoked'));
  await vi.advanceTimersByTimeAsync(5000);
  expect(await answer).toMatchObject({ status: 503, failure: 'store' });
});

test.each([
  [{ audience: 'a' }, /authorization: is missing: set it to the value of the transmitter's/],
  [{ audience: 'a', authorization: 'Bearer short' }, /authorization: must be the whole header value, a string of at least 24 characters/],
  [{ audience: 'a', authorization: `${AUTHORIZATION}\n` }, /authorization: begins or ends with white space/],
  [{ audience: 'a', authorization: [] }, /authorization: must be the whole header value, a string of at least 24 characters/],
  [
    { audience: 'a', authorization: AUTHORIZATION, unsafeAcceptUnauthenticatedTransmitters: true },
    /cannot be combined with unsafeAcceptUnauthenticatedTransmitters/,
  ],
  [{ authorization: AUTHORIZATION }, /audience: is missing/],
  [{ audience: [], authorization: AUTHORIZATION }, /audience: must be .*\(got an empty list\)/],
])('reports invalid options at once, without secrets: %j', async (options, message_) => {
  const { guard } = await createScene();
  expect(() => guard.sharedSignals(options as never)).toThrow(message_);
  expect(() => guard.sharedSignals({ ...options, more: 1 } as never)).not.toThrow(/0123456789|short$/);
});
