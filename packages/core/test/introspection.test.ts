import { inspect } from 'node:util';
import { createResourceGuard, observe, rawToken, scope, type Events, type Reason } from '@tokenward/core';
import { createTestClock } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, createScene, expectAllowed, verdictOf } from './guarded.js';
import { activeAnswer, AUDIENCE, createAskingGuard, ISSUER, startEndpoint } from './introspection.js';

const CREDENTIALS = { clientId: 'api', clientSecret: 'secret' };

describe('the active member', () => {
  test.each([['true'], [1], [undefined], [null], [{}], [[true]], ['active'], [false]])('rule 72: refuses a token if active is %j', async (active) => {
    const { guard } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock, { active }));
    expect(verdictOf(await ask(guard, 'opaque'))).toBe('inactive_token');
  });

  test('rule 72: refuses a token if the answer is an error as well', async () => {
    const { guard } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock, { error: 'invalid_request' }));
    expect(verdictOf(await ask(guard, 'opaque'))).toBe('inactive_token');
  });

  test('rule 13: an inherited active makes no token active', async () => {
    const { guard } = await createAskingGuard(() => ({ iss: ISSUER }));
    // eslint-disable-next-line no-extend-native -- that is what is tested
    Object.defineProperty(Object.prototype, 'active', { value: true, configurable: true });
    onTestFinished(() => void delete (Object.prototype as { active?: unknown }).active);
    expect(verdictOf(await ask(guard, 'opaque'))).toBe('inactive_token');
  });

  test('an active token makes an Auth that equals that of a JWT', async () => {
    const { issuer, guard } = await createScene({ introspection: CREDENTIALS });
    await guard.close();
    const asking = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, introspection: issuer.introspectionClient });
    onTestFinished(() => asking.close());
    const wanted = { scopes: ['a', 'b'], roles: ['admin'], claims: { jti: 'token-1', sid: 'session-1', act: { sub: 'service' }, tier: 'gold' } };
    const opaque = issuer.issueOpaqueToken(wanted);
    const { auth } = expectAllowed(await ask(asking, opaque, { policy: scope('a') }));
    const { auth: ofJwt } = expectAllowed(await ask(asking, await issuer.issueToken(wanted)));
    const { token_type: type, ...claims } = auth!.claims;
    expect(type).toBe('Bearer');
    expect({ ...auth, claims: undefined, issuedAt: 0, expiresAt: 0 }).toEqual({ ...ofJwt, claims: undefined, issuedAt: 0, expiresAt: 0 });
    expect(Object.keys(claims).toSorted()).toEqual(Object.keys(ofJwt!.claims).toSorted());
    expect(Object.isFrozen(auth!.claims)).toBe(true);
    expect(rawToken(auth!)).toBe(opaque);
    expect(inspect(auth) + JSON.stringify(auth)).not.toContain(opaque);
  });
});

describe('the members of an active answer', () => {
  const refused: [string, Record<string, unknown>, Reason][] = [
    ['another iss', { iss: 'https://other.example.test' }, 'issuer_mismatch'],
    ['no iss', { iss: undefined }, 'issuer_mismatch'],
    ['an iss of another type', { iss: [ISSUER] }, 'issuer_mismatch'],
    ['another aud', { aud: 'https://other.example.test' }, 'audience_mismatch'],
    ['no aud', { aud: undefined }, 'audience_mismatch'],
    ['an empty aud', { aud: [] }, 'audience_mismatch'],
    ['an aud of another type', { aud: [AUDIENCE, 7] }, 'audience_mismatch'],
    ['no exp', { exp: undefined }, 'missing_claim'],
    ['an exp in the past', { exp: 1 }, 'expired'],
    ['an exp that is text', { exp: '9999999999' }, 'invalid_claim'],
    ['an nbf in the future', { nbf: 9_999_999_999 }, 'not_yet_valid'],
    ['an nbf that is text', { nbf: '0' }, 'invalid_claim'],
    ['no iat', { iat: undefined }, 'missing_claim'],
    ['an iat in the future', { iat: 9_999_999_999 }, 'issued_in_the_future'],
    ['a token_type of another kind', { token_type: 'N_A' }, 'not_an_access_token'],
    ['the token_type of a refresh token', { token_type: 'refresh_token' }, 'not_an_access_token'],
    ['a token_type that is no text', { token_type: ['Bearer'] }, 'not_an_access_token'],
    ["Hydra's refresh token", { token_use: 'refresh_token' }, 'not_an_access_token'],
    ["Keycloak's refresh token", { typ: 'Refresh' }, 'not_an_access_token'],
    ["Curity's refresh token", { purpose: 'refresh_token' }, 'not_an_access_token'],
    ['the claims of a logout token', { events: {} }, 'not_an_access_token'],
    ['a key of a kind that is not known', { cnf: { 'x-other': 'key' } }, 'unproven_confirmation'],
    ['a cnf that is no object', { cnf: 'key' }, 'unproven_confirmation'],
    ['DPoP without a key', { token_type: 'DPoP' }, 'missing_claim'],
  ];
  test.each(refused)('rule 73: refuses an answer with %s', async (_what, more, reason) => {
    const { guard } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock, more));
    expect(verdictOf(await ask(guard, 'opaque'))).toBe(reason);
    // whatever was kept of it
    expect(verdictOf(await ask(guard, 'opaque'))).toBe(reason);
  });

  test.each([['bearer'], ['BEARER'], ['access_token'], [undefined], [null]])('rule 73: accepts the token_type %j', async (type) => {
    const { guard } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock, { token_type: type }));
    expectAllowed(await ask(guard, 'opaque'));
  });

  test('rule 73: a token without iss needs unsafeAcceptAnswersWithoutIssuer, and another iss is still refused', async () => {
    let iss: string | undefined;
    const { guard } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock, { iss }), { unsafeAcceptAnswersWithoutIssuer: true });
    const { auth } = expectAllowed(await ask(guard, 'one'));
    expect([auth!.issuer, auth!.claims['iss']]).toEqual([ISSUER, ISSUER]);
    iss = 'https://other.example.test';
    expect(verdictOf(await ask(guard, 'two'))).toBe('issuer_mismatch');
  });

  test('rule 73: a token without aud needs unsafeAcceptAnswersWithoutAudience and a token_type, and another aud is still refused', async () => {
    let more: object = { aud: undefined };
    const { guard } = await createAskingGuard((_question, _response, clock) => ({ ...activeAnswer(clock), ...more }), {
      unsafeAcceptAnswersWithoutAudience: true,
    });
    expect(expectAllowed(await ask(guard, 'one')).auth!.audience).toEqual([]);
    more = { aud: 'https://other.example.test' };
    expect(verdictOf(await ask(guard, 'two'))).toBe('audience_mismatch');
    // as oidc-provider describes a refresh token
    more = { aud: undefined, token_type: undefined };
    expect(verdictOf(await ask(guard, 'three'))).toBe('missing_claim');
  });

  test('a token without exp needs unsafeAcceptAnswersWithoutExpiry, and is asked about again when the answer is old', async () => {
    const { guard, clock, endpoint } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock, { exp: undefined }), {
      unsafeAcceptAnswersWithoutExpiry: true,
      cacheSeconds: 30,
    });
    const { auth } = expectAllowed(await ask(guard, 'opaque'));
    expect(auth!.expiresAt).toBe(Math.ceil(clock.now() / 1000 + 30));
    clock.advance(29);
    expectAllowed(await ask(guard, 'opaque'));
    expect(endpoint.questions).toHaveLength(1);
    clock.advance(2);
    expectAllowed(await ask(guard, 'opaque'));
    expect(endpoint.questions).toHaveLength(2);
  });

  test('rule 112: a token without iat has no issuedAt, and every revocation by subject covers it', async () => {
    const { guard } = await createAskingGuard(
      (_question, _response, clock) => activeAnswer(clock, { iat: undefined }),
      {},
      { unsafeAcceptTokensWithoutIssuedAt: true },
    );
    expect(expectAllowed(await ask(guard, 'opaque')).auth!.issuedAt).toBeUndefined();
    await guard.revocations.revoke({ issuer: ISSUER, subject: 'user-1' });
    expect(verdictOf(await ask(guard, 'opaque'))).toBe('revoked');
    expect(verdictOf(await ask(guard, 'a new one'.replaceAll(' ', '-')))).toBe('revoked');
  });
});

describe('caching', () => {
  test('rule 74: an active token is asked about again after cacheSeconds, and refused within them after it was revoked', async () => {
    const { issuer, guard } = await createScene();
    await guard.close();
    const clock = createTestClock();
    const asking = createResourceGuard({
      issuer: issuer.issuer,
      audience: issuer.audience,
      clock,
      introspection: { ...issuer.introspectionClient, cacheSeconds: 20 },
    });
    onTestFinished(() => asking.close());
    const token = issuer.issueOpaqueToken();
    expectAllowed(await ask(asking, token));
    issuer.revokeToken(token);
    clock.advance(19.9);
    const kept = asking.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } });
    expect(kept).not.toBeInstanceOf(Promise);
    expectAllowed(await kept);
    expect(issuer.introspections).toEqual({ active: 1, inactive: 0, refused: 0 });
    clock.advance(0.1);
    expect(verdictOf(await ask(asking, token))).toBe('inactive_token');
  });

  test('rule 74: no answer is kept beyond exp', async () => {
    const { guard, clock, endpoint } = await createAskingGuard(
      (_question, _response, clock) => activeAnswer(clock, { exp: Math.floor(clock.now() / 1000) + 10 }),
      {
        cacheSeconds: 3600,
      },
    );
    expectAllowed(await ask(guard, 'opaque'));
    clock.advance(8.9);
    expectAllowed(await ask(guard, 'opaque'));
    expect(endpoint.questions).toHaveLength(1);
    clock.advance(1.1);
    await ask(guard, 'opaque');
    expect(endpoint.questions).toHaveLength(2);
  });

  test('rule 74: an inactive token is asked about again after inactiveCacheSeconds', async () => {
    let active = false;
    const { guard, clock, endpoint } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock, { active }), { inactiveCacheSeconds: 5 });
    expect(verdictOf(await ask(guard, 'opaque'))).toBe('inactive_token');
    active = true;
    clock.advance(4.9);
    expect(verdictOf(await ask(guard, 'opaque'))).toBe('inactive_token');
    expect(endpoint.questions).toHaveLength(1);
    clock.advance(0.2);
    expectAllowed(await ask(guard, 'opaque'));
  });

  test('rule 74: with cacheSeconds and inactiveCacheSeconds 0, each request asks', async () => {
    let active = true;
    const { guard, endpoint } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock, { active }), {
      cacheSeconds: 0,
      inactiveCacheSeconds: 0,
    });
    expectAllowed(await ask(guard, 'opaque'));
    active = false;
    expect(verdictOf(await ask(guard, 'opaque'))).toBe('inactive_token');
    active = true;
    expectAllowed(await ask(guard, 'opaque'));
    expect(endpoint.questions).toHaveLength(3);
  });

  test('rule 69: two guards with different audiences share no answer', async () => {
    const { guard, clock, endpoint } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock));
    const other = createResourceGuard({
      issuer: ISSUER,
      audience: 'https://other.example.test',
      clock,
      introspection: { endpoint: endpoint.url, ...CREDENTIALS },
    });
    onTestFinished(() => other.close());
    expectAllowed(await ask(guard, 'opaque'));
    expect(verdictOf(await ask(other, 'opaque'))).toBe('audience_mismatch');
  });

  test('rule 77: parallel requests with one token ask once', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const { guard, endpoint } = await createAskingGuard(async (_question, _response, clock) => {
      await held;
      return activeAnswer(clock);
    });
    const decisions = Array.from({ length: 50 }, () => ask(guard, 'opaque'));
    release();
    for (const decision of await Promise.all(decisions)) expectAllowed(decision);
    expect(endpoint.questions).toHaveLength(1);
  });

  test('rule 66: a token that is revoked here while its question is under way is refused', async () => {
    let arrived = (): void => {};
    const asked = new Promise<void>((resolve) => (arrived = resolve));
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const { guard, clock } = await createAskingGuard(async (_question, _response, clock) => {
      arrived();
      await held;
      return activeAnswer(clock);
    });
    const decision = ask(guard, 'opaque');
    await asked;
    clock.advance(1);
    await guard.revocations.revoke({ issuer: ISSUER, subject: 'user-1' });
    release();
    expect(verdictOf(await decision)).toBe('revoked');
  });

  test('rule 74: the time of an answer counts from the question, so a slow answer is not kept longer', async () => {
    const { guard, clock, endpoint } = await createAskingGuard(
      (_question, _response, clock) => {
        clock.advance(6);
        return activeAnswer(clock);
      },
      { cacheSeconds: 10 },
    );
    expectAllowed(await ask(guard, 'opaque'));
    clock.advance(3.9);
    expectAllowed(await ask(guard, 'opaque'));
    expect(endpoint.questions).toHaveLength(1);
    clock.advance(0.1);
    await ask(guard, 'opaque');
    expect(endpoint.questions).toHaveLength(2);
  });
});

test('rule 74: an answer grows old on either clock: while the machine was suspended, and if its time is set back', async () => {
  const { guard, clock, endpoint } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock), { cacheSeconds: 30 });
  expectAllowed(await ask(guard, 'opaque'));
  clock.skewWall(31);
  expectAllowed(await ask(guard, 'opaque'));
  expect(endpoint.questions).toHaveLength(2);
  clock.skewWall(-20);
  clock.advance(29);
  expectAllowed(await ask(guard, 'opaque'));
  expect(endpoint.questions).toHaveLength(2);
  clock.advance(2);
  expectAllowed(await ask(guard, 'opaque'));
  expect(endpoint.questions).toHaveLength(3);
});

test.each([
  ['answer'],
  ['reason'],
  ['active'],
  ['introspection'],
  ['iss'],
  ['exp'],
  ['accepts'],
  ['claims'],
  ['isDown'],
  ['standing'],
  ['key'],
  ['cnf'],
  ['aud'],
])('rule 13: a polluted prototype with %s admits no token', async (name) => {
  const { guard, clock, endpoint } = await createAskingGuard((question, response, clock) => {
    if (question.form.get('token') === 'broken') response.writeHead(500).end();
    else if (question.form.get('token') === 'bare') return { active: true };
    else return activeAnswer(clock, { active: false });
  });
  expect(verdictOf(await ask(guard, 'warm'))).toBe('inactive_token');
  const value = name === 'answer' || name === 'claims' ? activeAnswer(clock) : name === 'active' ? true : name === 'reason' ? 'expired' : 'x';
  // eslint-disable-next-line no-extend-native -- the test pollutes the prototype on purpose
  Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
  onTestFinished(() => void Reflect.deleteProperty(Object.prototype, name));
  const verdicts: string[] = [];
  for (const token of ['broken', 'bare', 'unknown', 'warm']) verdicts.push((await ask(guard, token)).outcome);
  Reflect.deleteProperty(Object.prototype, name);
  expect(verdicts).toEqual(['deny', 'deny', 'deny', 'deny']);
  expect(endpoint.questions.length).toBeGreaterThan(0);
});

test('rule 142: nothing that a guard shows contains a secret of its introspection', async () => {
  const cacheSecret = 'a-secret-for-the-cache-of-32-characters';
  const { guard, clock } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock), {
    clientSecret: 'the-client-secret',
    cacheSecret,
    cache: { get: () => undefined, set() {} },
  });
  const allowed = await ask(guard, 'opaque-token');
  clock.advance(1000);
  const { auth } = expectAllowed(allowed);
  const shown = [guard, guard.health(), allowed, auth, await ask(guard, 'x y')].map((value) =>
    inspect(value, { depth: Infinity, showHidden: true, getters: true }),
  );
  const inner = inspect((auth as unknown as { readonly admission: unknown }).admission, { depth: Infinity, showHidden: true });
  for (const text of [...shown, inner])
    for (const secret of ['the-client-secret', cacheSecret, Buffer.from('api:the-client-secret').toString('base64')]) expect(text).not.toContain(secret);
  expect(shown.join('')).not.toContain('opaque-token');
});

describe('an Auth in use', () => {
  test('auth.signal aborts when the token ends, and when a later answer says that it is no longer active', async () => {
    let active = true;
    const { guard, clock } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock, { active }), { cacheSeconds: 10 });
    const { auth } = expectAllowed(await ask(guard, 'opaque'));
    const ended = new Promise((resolve) => auth!.signal.addEventListener('abort', resolve, { once: true }));
    expect(auth!.signal.aborted).toBe(false);
    active = false;
    clock.advance(11);
    expect(verdictOf(await ask(guard, 'opaque'))).toBe('inactive_token');
    await ended;
    expect(auth!.signal.reason).toMatchObject({ reason: 'revoked' });
    const later = guard.permit(auth!, scope('a'));
    expect(verdictOf(later)).toBe('inactive_token');
  });

  test('a renewed answer reaches the requests that use the token', async () => {
    const { guard, clock } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock, { scope: 'a' }), { cacheSeconds: 10 });
    const { auth } = expectAllowed(await ask(guard, 'opaque'));
    expect(auth!.signal.aborted).toBe(false);
    clock.advance(11);
    expectAllowed(await ask(guard, 'opaque'));
    expect(auth!.signal.aborted).toBe(false);
    expectAllowed(guard.permit(auth!, scope('a')));
  });

  test('a second check of one request asks again when the answer is old', async () => {
    let active = true;
    const { guard, clock } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock, { active }), { cacheSeconds: 10 });
    const request = { method: 'GET', target: '/', headers: { authorization: 'Bearer opaque' } };
    expectAllowed(await guard.check(request));
    active = false;
    clock.advance(9);
    expectAllowed(await guard.check(request));
    clock.advance(2);
    expect(verdictOf(await guard.check(request))).toBe('inactive_token');
  });
});

describe('which tokens are introspected', () => {
  test('without introspection, an opaque token is refused', async () => {
    const { issuer, verdict } = await createScene();
    expect(await verdict(issuer.issueOpaqueToken())).toBe('malformed_token');
  });

  test('rule 79: a JWT that failed here is never introspected', async () => {
    const { issuer, guard, verdict } = await createScene({ introspection: { clientId: 'api', clientSecret: 'x', endpoint: 'http://127.0.0.1:1/' } });
    const [header, payload, signature] = (await issuer.issueToken()).split('.') as [string, string, string];
    expect(await verdict(`${header}.${payload}.${signature.slice(0, -6)}AAAAAA`)).toBe('bad_signature');
    expect(await verdict(`${header}.${payload}.${signature}=`)).not.toBe('introspection_unavailable');
    expect(await verdict(`${header}~.${payload}.${signature}`)).not.toBe('introspection_unavailable');
    expect(await verdict('a.b.c')).toBe('malformed_token');
    expect(await verdict({ lifetimeSeconds: -100 })).toBe('expired');
    expect(await verdict({ audience: 'other' })).toBe('audience_mismatch');
    expect(guard.health().introspection[0]).toMatchObject({ asking: 0, refusedTokens: 0, lastError: undefined });
  });

  test('rule 79: JWTs are verified here without a question, and opaque tokens beside them are introspected', async () => {
    const { issuer, guard } = await createScene();
    await guard.close();
    const both = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, introspection: issuer.introspectionClient });
    onTestFinished(() => both.close());
    const jwt = await issuer.issueToken();
    expectAllowed(await ask(both, jwt));
    expect(issuer.introspections.active).toBe(0);
    const known = both.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${jwt}` } });
    expect(known).not.toBeInstanceOf(Promise);
    expectAllowed(await ask(both, issuer.issueOpaqueToken()));
    expectAllowed(await ask(both, issuer.issueOpaqueToken({ token: 'a.b.c.d.e' })));
    expect(issuer.introspections.active).toBe(2);
  });

  test("rule 79: with introspect 'always', the issuer decides on JWTs too, and only on those that name it", async () => {
    const { issuer, guard } = await createScene();
    await guard.close();
    const always = createResourceGuard({
      issuer: issuer.issuer,
      audience: issuer.audience,
      introspect: 'always',
      introspection: { ...issuer.introspectionClient, cacheSeconds: 0 },
    });
    onTestFinished(() => always.close());
    const jwt = await issuer.issueToken();
    expectAllowed(await ask(always, jwt));
    expect(issuer.requests.jwks).toBe(0);
    issuer.revokeToken(jwt);
    expect(verdictOf(await ask(always, jwt))).toBe('inactive_token');
    const asked = { ...issuer.introspections };
    expect(verdictOf(await ask(always, await issuer.issueToken({ claims: { iss: 'https://other.example.test' } })))).toBe('issuer_mismatch');
    expect(verdictOf(await ask(always, await issuer.issueToken({ header: { typ: 'logout+jwt' } })))).toBe('wrong_type');
    expect(issuer.introspections).toEqual(asked);
  });

  test("rule 261: with introspect 'always', a bound JWT does not become a bearer token because the answer leaves its cnf out", async () => {
    const { issuer, guard: verifying } = await createScene();
    await verifying.close();
    const jwt = await issuer.issueToken({ claims: { cnf: { 'x5t#S256': 'A'.repeat(43) } } });
    const bearer = await issuer.issueToken({ claims: { note: 'it says "cnf"', other: { cnf: null }, cnf: null } });
    let cnf: unknown;
    const { guard } = await createAskingGuard(
      (_question, _response, clock) => activeAnswer(clock, { iss: issuer.issuer, cnf }),
      {},
      { issuer: issuer.issuer, introspect: 'always' },
    );
    for (const _again of [1, 2]) expect(verdictOf(await ask(guard, jwt))).toBe('unproven_confirmation');
    expectAllowed(await ask(guard, bearer));
    cnf = { 'x5t#S256': 'A'.repeat(43) };
    expect(verdictOf(await ask(guard, await issuer.issueToken({ claims: { cnf } })))).toBe('missing_certificate');
  });

  test.each([
    ['cnf twice, null last', '"cnf":{"jkt":"key"},"cnf":null'],
    ['cnf twice, once with an escape', '"cnf":null,"\\u0063nf":{"jkt":"key"}'],
    ['an escaped cnf next to another member that is duplicated', '"\\u0063nf":{"jkt":"key"},"a":1,"a":2'],
    ['cnf after a member called __proto__', '"__proto__":{},"cnf":null'],
    ['cnf in an object that never ends', '"cnf":{"jkt":"key"'],
  ])("rule 294: with introspect 'always', a JWT with %s is no bearer token if the answer has no cnf", async (_what, members) => {
    const { issuer, guard: verifying } = await createScene();
    await verifying.close();
    const { guard } = await createAskingGuard(
      (_question, _response, clock) => activeAnswer(clock, { iss: issuer.issuer }),
      {},
      { issuer: issuer.issuer, introspect: 'always' },
    );
    const [header, , signature] = (await issuer.issueToken()).split('.');
    const jwtOf = (payload: string): string => [header, Buffer.from(payload).toString('base64url'), signature].join('.');
    expectAllowed(await ask(guard, jwtOf(`{"iss":${JSON.stringify(issuer.issuer)},"cnf":null}`)));
    const hostile = jwtOf(`{"iss":${JSON.stringify(issuer.issuer)},${members}}`);
    for (const _again of [1, 2]) expect(verdictOf(await ask(guard, hostile))).toBe('malformed_token');
  });

  test.each<[string, (iss: string) => string | Buffer]>([
    ['a member twice', (iss) => `{"iss":${iss},"sub":"planted","sub":"planted-2","scope":"planted"}`],
    ['iss twice, the last one of another issuer', (iss) => `{"iss":${iss},"iss":"https://planted.example.test","sub":"planted"}`],
    ['a member called __proto__', (iss) => `{"iss":${iss},"__proto__":{"sub":"planted","scope":"planted"}}`],
    ['bytes that are not UTF-8', (iss) => Buffer.concat([Buffer.from(`{"iss":${iss},"sub":"planted`), Buffer.from([0xc0, 0xae, 0xff]), Buffer.from('"}')])],
    ['an end that is missing', (iss) => `{"iss":${iss},"sub":"planted","scope":"planted`],
    ['an array for an object', (iss) => `["iss":${iss},"sub":"planted"]`],
    ['a byte order mark', (iss) => `\u{feff}{"iss":${iss},"sub":"planted"}`],
    ['text after its end', (iss) => `{"iss":${iss},"sub":"planted"}{"planted":1}`],
  ])("rule 305: with introspect 'always', a JWT with %s is what the issuer says of it, and nothing else", async (_what, payloadOf) => {
    const { issuer, guard: verifying } = await createScene();
    await verifying.close();
    let says: object | undefined = { active: false };
    const { guard, endpoint } = await createAskingGuard(
      (_question, response, clock) =>
        says ? { ...activeAnswer(clock, { iss: issuer.issuer, sub: 'told', scope: 'told' }), ...says } : void response.writeHead(500).end(),
      { cacheSeconds: 0, inactiveCacheSeconds: 0 },
      { issuer: issuer.issuer, introspect: 'always' },
    );
    const [header, , signature] = (await issuer.issueToken()).split('.');
    const jwt = [header, Buffer.from(payloadOf(JSON.stringify(issuer.issuer))).toString('base64url'), signature].join('.');
    expect(verdictOf(await ask(guard, jwt))).toBe('inactive_token');
    says = { aud: 'https://other.example.test' };
    expect(verdictOf(await ask(guard, jwt))).toBe('audience_mismatch');
    says = { cnf: { jkt: 'A'.repeat(43) } };
    expect((await ask(guard, jwt)).outcome).toBe('deny');
    says = {};
    const { auth } = expectAllowed(await ask(guard, jwt));
    expect([auth!.issuer, auth!.subject, auth!.scopes]).toEqual([issuer.issuer, 'told', ['told']]);
    expect(JSON.stringify([auth, auth!.claims])).not.toContain('planted');
    expect(endpoint.questions).toHaveLength(4);
    says = undefined;
    expect(verdictOf(await ask(guard, jwt))).toBe('introspection_unavailable');
  });

  test('rule 77: junk is refused without a question', async () => {
    const { guard, endpoint } = await createAskingGuard(() => ({ active: true }), { accepts: 'ory_at_' }, { maxTokenBytes: 300 });
    expect(verdictOf(await ask(guard, 'x'.repeat(301)))).toBe('token_too_large');
    expect(verdictOf(await ask(guard, 'ory_at_"quoted"'))).toBe('malformed_credentials');
    expect(verdictOf(await ask(guard, 'ory_at_\u00e9'))).toBe('malformed_credentials');
    expect(verdictOf(await ask(guard, 'ory_at_a b'))).toBe('malformed_credentials');
    expect(verdictOf(await ask(guard, 'other-prefix'))).toBe('malformed_token');
    expect(endpoint.questions).toEqual([]);
  });

  test('no server sees the tokens of another: with several, each token goes to the one issuer that accepts it', async () => {
    const clock = createTestClock();
    const issuers = ['one', 'two'].map((name) => `https://${name}.example.test`);
    const endpoints = await Promise.all(issuers.map((iss) => startEndpoint(() => activeAnswer(clock, { iss }))));
    const guard = createResourceGuard({
      audience: AUDIENCE,
      clock,
      issuers: [
        { issuer: issuers[0], introspection: { endpoint: endpoints[0]!.url, ...CREDENTIALS, accepts: 'one_' } },
        {
          issuer: issuers[1],
          introspection: { endpoint: endpoints[1]!.url, ...CREDENTIALS, accepts: (token, request) => token.startsWith('two_') || request.target === '/both' },
        },
      ],
    });
    onTestFinished(() => guard.close());
    expect(expectAllowed(await ask(guard, 'one_a')).auth!.issuer).toBe(issuers[0]);
    expect(expectAllowed(await ask(guard, 'two_a')).auth!.issuer).toBe(issuers[1]);
    expect(endpoints.map(({ questions }) => questions.map(({ form }) => form.get('token')))).toEqual([['one_a'], ['two_a']]);
    expect(verdictOf(await ask(guard, 'three_a'))).toBe('malformed_token');
    expect(verdictOf(await guard.check({ method: 'GET', target: '/both', headers: { authorization: 'Bearer one_b' } }))).toBe('malformed_token');
    expect(endpoints.map(({ questions }) => questions.length)).toEqual([1, 1]);
  });

  test.each([[() => 'yes'], [() => Promise.resolve(true)], [() => 1]])('only true accepts: %s', async (accepts) => {
    const { guard, endpoint } = await createAskingGuard(() => ({ active: true }), { accepts: accepts as never });
    expect(verdictOf(await ask(guard, 'opaque'))).toBe('malformed_token');
    expect(endpoint.questions).toEqual([]);
  });

  test('a function in accepts that throws accepts nothing, and its error goes nowhere', async () => {
    const { guard } = await createAskingGuard(() => ({ active: true }), {
      accepts: (token) => {
        throw new Error(token);
      },
    });
    const decision = await ask(guard, 'opaque');
    expect(verdictOf(decision)).toBe('malformed_token');
    expect(inspect(decision, { depth: 9 }) + JSON.stringify(decision)).not.toContain('"opaque"');
  });
});

test('events report questions, and none of them contains a token', async () => {
  const events: Events['tokenward:introspected'][] = [];
  onTestFinished(observe('tokenward:introspected', (event) => events.push(event)));
  const { guard, endpoint } = await createAskingGuard((question, response, clock) => {
    if (question.form.get('token') === 'broken-token') response.writeHead(500).end('broken-token');
    else return activeAnswer(clock, { active: question.form.get('token') === 'good-token' });
  });
  for (const token of ['good-token', 'good-token', 'bad-token', 'broken-token']) await ask(guard, token);
  expect(events.map(({ issuer, outcome, message }) => ({ issuer, outcome, message }))).toEqual([
    { issuer: ISSUER, outcome: 'active', message: undefined },
    { issuer: ISSUER, outcome: 'inactive', message: undefined },
    { issuer: ISSUER, outcome: 'failed', message: `${endpoint.url}: answered with status 500` },
  ]);
  for (const { durationSeconds } of events) expect(durationSeconds).toBeGreaterThanOrEqual(0);
  expect(JSON.stringify(events)).not.toMatch(/(?:good|bad|broken)-token/);
});

test('shadow options report introspected tokens that they would refuse', async () => {
  const events: Events['tokenward:shadow-refused'][] = [];
  onTestFinished(observe('tokenward:shadow-refused', (event) => events.push(event)));
  const { guard } = await createAskingGuard(
    (_question, _response, clock) => activeAnswer(clock),
    {},
    { shadow: { audience: 'https://new.example.test', algorithms: ['ES256'] } },
  );
  expectAllowed(await ask(guard, 'opaque'));
  expectAllowed(await ask(guard, 'opaque'));
  expect(events.map(({ reason }) => reason)).toEqual(['audience_mismatch', 'audience_mismatch']);
});
