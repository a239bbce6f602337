import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { claim, createResourceGuard, policy, rawToken, scope, type GuardOptions, type Jwks, type TokenCacheHealth } from '@tokenward/core';
import { createTestIssuer, hostileTokens } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, createScene, expectAllowed, verdictOf, type Scene } from './guarded.js';

/** Counts the signature checks of node:crypto until the test ends. */
function countSignatureChecks(): () => number {
  const { verify, createVerify, createHmac } = crypto;
  let checks = 0;
  Object.assign(crypto, {
    verify: (...given: Parameters<typeof verify>) => (checks++, verify(...given)),
    createVerify: (...given: Parameters<typeof createVerify>) => (checks++, createVerify(...given)),
    createHmac: (...given: Parameters<typeof createHmac>) => (checks++, createHmac(...given)),
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    Object.assign(crypto, { verify, createVerify, createHmac });
    syncBuiltinESMExports();
  });
  return () => checks;
}

function cacheOf({ guard }: Pick<Scene, 'guard'>): TokenCacheHealth {
  return guard.health().tokenCache!;
}

describe('a cache hit', () => {
  test('returns the same Auth for a repeated token, without verifying its signature again', async () => {
    const scene = await createScene();
    const token = await scene.issuer.issueToken({ scopes: ['a'] });
    const checks = countSignatureChecks();
    const first = expectAllowed(await scene.decide(token));
    expect(checks()).toBe(1);
    for (let again = 0; again < 5; again++) expect(expectAllowed(await scene.decide(token)).auth).toBe(first.auth);
    expect(checks()).toBe(1);
    expect(cacheOf(scene)).toMatchObject({ entries: 1, hits: 5, misses: 1 });
    expect(rawToken(first.auth!)).toBe(token);
  });

  test('verifies and counts a request once, even if it is checked several times', async () => {
    const scene = await createScene();
    const request = { method: 'GET', target: '/', headers: { authorization: `Bearer ${await scene.issuer.issueToken()}` } };
    for (let again = 0; again < 3; again++) expect(verdictOf(await scene.guard.check(request))).toBe('allow');
    expect(cacheOf(scene)).toMatchObject({ entries: 1, hits: 0, misses: 1 });
  });

  test('tokenCache: false caches nothing and verifies each signature', async () => {
    const scene = await createScene({ tokenCache: false });
    const token = await scene.issuer.issueToken();
    const checks = countSignatureChecks();
    for (let again = 0; again < 3; again++) expect(await scene.verdict(token)).toBe('allow');
    expect(checks()).toBe(3);
    expect(scene.guard.health().tokenCache).toBeUndefined();
  });

  test('verifies the MAC of a repeated token once', async () => {
    const clockless = await createTestIssuer({ algorithm: 'HS256' });
    onTestFinished(() => clockless.close());
    const { issuer, audience, sharedSecrets } = clockless;
    const guard = createResourceGuard({ issuer, audience, sharedSecrets: sharedSecrets[0]! });
    const token = await clockless.issueToken();
    const checks = countSignatureChecks();
    for (let again = 0; again < 3; again++) expect(verdictOf(await ask(guard, token))).toBe('allow');
    expect(checks()).toBe(1);
  });
});

describe('rule 64: the cache key is the whole token', () => {
  test('does not confuse tokens with the same signature part or jti', async () => {
    const scene = await createScene();
    const good = await scene.issuer.issueToken({ subject: 'ada', claims: { jti: 'one' } });
    const other = await scene.issuer.issueToken({ subject: 'bob', claims: { jti: 'one' } });
    expect(await scene.verdict(good)).toBe('allow');
    const [header, payload, signature] = good.split('.');
    const [otherHeader, otherPayload] = other.split('.');
    expect(await scene.verdict([header, otherPayload, signature].join('.'))).toBe('bad_signature');
    expect(await scene.verdict([otherHeader, payload, other.split('.')[2]].join('.'))).toBe('bad_signature');
    const { auth } = expectAllowed(await scene.decide(other));
    expect(auth).toMatchObject({ subject: 'bob', tokenId: 'one' });
    expect(expectAllowed(await scene.decide(good)).auth).toMatchObject({ subject: 'ada', tokenId: 'one' });
  });

  test('has no hit for a token that differs in one character, wherever it is', async () => {
    const scene = await createScene({}, { algorithm: 'ES256' });
    const good = await scene.issuer.issueToken();
    expect(await scene.verdict(good)).toBe('allow');
    for (let at = 0; at < good.length; at += 7) {
      const other = good[at] === 'A' ? 'B' : 'A';
      for (const changed of [
        good.slice(0, at) + other + good.slice(at + 1),
        good.slice(0, at) + good.slice(at + 1),
        good.slice(0, at) + other + good.slice(at),
      ]) {
        expect(await scene.verdict(changed)).not.toBe('allow');
      }
    }
    for (const changed of [`${good}A`, `${good}=`, `A${good}`, `${good}.`, good.toLowerCase(), good.slice(0, -1)]) {
      expect(await scene.verdict(changed)).not.toBe('allow');
    }
    expect(cacheOf(scene)).toMatchObject({ entries: 1, hits: 0 });
    expect(await scene.verdict(good)).toBe('allow');
    expect(cacheOf(scene)).toMatchObject({ hits: 1 });
  });
});

describe("rule 184: an issuer chooses its key so that its signature ends like another issuer's", () => {
  const VICTIM = 'https://login.example.test';
  const ATTACKER = 'https://tenant.example.test';
  const AUDIENCE = 'https://api.example.test';
  /** The order of P-256 (SP 800-186 s3.2.1.3). */
  const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const numberOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`);
  const bytesOf = (number: bigint): Buffer => Buffer.from(number.toString(16).padStart(64, '0'), 'hex');

  function unsigned(issuer: string): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer, aud: AUDIENCE, sub: 'user', iat: now, exp: now + 600 };
    return [{ alg: 'ES256', typ: 'at+jwt', kid: issuer }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  }

  function inverse(number: bigint): bigint {
    let [a, b, x, y] = [number % ORDER, ORDER, 1n, 0n];
    while (a > 1n) [a, b, x, y] = [b % a, a, y - (b / a) * x, x];
    return ((x % ORDER) + ORDER) % ORDER;
  }

  /** An issuer that chooses its key after the token can get any second half of an ECDSA signature: it solves s k = z + r d for d. */
  function tokenEndingAs(other: string): { readonly token: string; readonly jwk: object } {
    const text = unsigned(ATTACKER);
    const nonce = crypto.createECDH('prime256v1');
    const point = nonce.generateKeys().subarray(1, 33);
    const r = numberOf(point) % ORDER;
    const s = Buffer.from(other.split('.')[2]!, 'base64url').subarray(32);
    const z = numberOf(crypto.createHash('sha256').update(text).digest());
    const d = ((((numberOf(s) * numberOf(nonce.getPrivateKey()) - z) * inverse(r)) % ORDER) + ORDER) % ORDER;
    const key = crypto.createECDH('prime256v1');
    key.setPrivateKey(bytesOf(d));
    const [x, y] = [key.getPublicKey().subarray(1, 33), key.getPublicKey().subarray(33)].map((bytes) => bytes.toString('base64url'));
    return { token: `${text}.${Buffer.concat([bytesOf(r), s]).toString('base64url')}`, jwk: { kty: 'EC', crv: 'P-256', x, y, kid: ATTACKER, alg: 'ES256' } };
  }

  test('attributes each token to its own issuer, whichever comes first', async () => {
    const { privateKey, publicKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const text = unsigned(VICTIM);
    const signature = crypto.sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const good = `${text}.${signature.toString('base64url')}`;
    const { token: made, jwk } = tokenEndingAs(good);
    expect(made.slice(-32)).toBe(good.slice(-32));
    for (const [first, second] of [
      [good, made],
      [made, good],
    ] as const) {
      const guard = createResourceGuard({
        audience: AUDIENCE,
        issuers: [
          { issuer: VICTIM, jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: VICTIM, alg: 'ES256' }] } },
          { issuer: ATTACKER, jwks: { keys: [jwk] } },
        ],
      });
      const issuerOf = async (token: string) => expectAllowed(await ask(guard, token)).auth!.issuer;
      for (let again = 0; again < 3; again++) {
        expect(await issuerOf(first)).toBe(first === good ? VICTIM : ATTACKER);
        expect(await issuerOf(second)).toBe(first === good ? ATTACKER : VICTIM);
      }
      // the first token stays cached; the other is verified each time
      expect(guard.health().tokenCache).toMatchObject({ entries: 1, hits: 2, misses: 4 });
      expect(verdictOf(await ask(guard, `${good.slice(0, -86)}${made.slice(-86)}`))).toBe('bad_signature');
    }
  });
});

describe('rule 65: a cache hit checks the time again', () => {
  async function sceneOnTheSecond(options: GuardOptions = {}): Promise<Scene> {
    const scene = await createScene({ clockSkewSeconds: 10, ...options });
    scene.clock.set(Math.ceil(scene.clock.now() / 1000) * 1000);
    return scene;
  }

  test('checks exp to the millisecond', async () => {
    const { issuer, clock, guard, verdict } = await sceneOnTheSecond();
    const token = await issuer.issueToken({ lifetimeSeconds: 100 });
    expect(await verdict(token)).toBe('allow');
    clock.advance(109.999);
    expect(await verdict(token)).toBe('allow');
    expect(cacheOf({ guard })).toMatchObject({ entries: 1, hits: 1, misses: 1 });
    clock.advance(0.001);
    expect(await verdict(token)).toBe('expired');
    expect(await verdict(token)).toBe('expired');
    // an expired token never becomes valid again, so its entry is deleted
    expect(cacheOf({ guard })).toMatchObject({ entries: 0 });
  });

  test('checks nbf and iat if the clock is set back', async () => {
    const { issuer, clock, verdict } = await sceneOnTheSecond();
    const now = clock.now() / 1000;
    const begun = await issuer.issueToken({ claims: { nbf: now } });
    expect(await verdict(begun)).toBe('allow');
    clock.skewWall(-10);
    expect(await verdict(begun)).toBe('allow');
    clock.skewWall(-0.001);
    expect(await verdict(begun)).toBe('not_yet_valid');
    clock.skewWall(10.001);
    const issued = await issuer.issueToken();
    expect(await verdict(issued)).toBe('allow');
    clock.skewWall(-10.001);
    expect(await verdict(issued)).toBe('issued_in_the_future');
  });

  test('checks the maximum age', async () => {
    const { issuer, clock, guard, verdict } = await sceneOnTheSecond({ maxTokenAgeSeconds: 60 });
    const token = await issuer.issueToken({ lifetimeSeconds: 3600 });
    expect(await verdict(token)).toBe('allow');
    clock.advance(70);
    expect(await verdict(token)).toBe('allow');
    expect(cacheOf({ guard })).toMatchObject({ hits: 1 });
    clock.advance(0.001);
    expect(await verdict(token)).toBe('too_old');
  });

  test('refuses the token if the clock returns NaN', async () => {
    const { issuer, clock } = await sceneOnTheSecond();
    let now: number = clock.now();
    const guard = createResourceGuard({
      issuer: issuer.issuer,
      audience: issuer.audience,
      jwks: issuer.jwks as Jwks,
      clock: { now: () => now, monotonic: clock.monotonic },
    });
    const token = await issuer.issueToken();
    expect(verdictOf(await ask(guard, token))).toBe('allow');
    now = Number.NaN;
    expect(verdictOf(await ask(guard, token))).toBe('expired');
  });
});

describe('rule 67: a cache hit needs its key in the current key set', () => {
  test('refuses the tokens of a withdrawn key from the next fetch on', async () => {
    const { issuer, clock, guard, verdict } = await createScene();
    const token = await issuer.issueToken({ lifetimeSeconds: 10_000 });
    expect(await verdict(token)).toBe('allow');
    const { kid } = await issuer.signingKey();
    await issuer.rotateKeys();
    clock.advance(700);
    await guard.warm();
    expect(await verdict(token)).toBe('allow');
    issuer.withdrawKey(kid);
    await guard.warm();
    expect(await verdict(token)).toBe('unknown_key');
    expect(cacheOf({ guard })).toMatchObject({ entries: 0 });
  });

  test('refuses a token without a kid after its key is withdrawn', async () => {
    const { issuer, guard, verdict } = await createScene();
    const token = await issuer.issueToken({ header: { kid: undefined } });
    expect(await verdict(token)).toBe('allow');
    expect(await verdict(token)).toBe('allow');
    const { kid } = await issuer.signingKey();
    await issuer.rotateKeys();
    await guard.warm();
    expect(await verdict(token)).toBe('allow');
    issuer.withdrawKey(kid);
    await guard.warm();
    expect(await verdict(token)).toBe('bad_signature');
  });

  test('does not confuse two keys with the same kid', async () => {
    const { issuer, guard, verdict } = await createScene();
    const old = await issuer.signingKey();
    const token = await issuer.issueToken();
    expect(await verdict(token)).toBe('allow');
    const young = await issuer.rotateKeys();
    issuer.withdrawKey(old.kid);
    issuer.publishKey({ ...young, kid: old.kid, publicJwk: { ...young.publicJwk, kid: old.kid } });
    await guard.warm();
    expect(await verdict(token)).toBe('bad_signature');
  });

  test('refuses tokens of a key whose use or algorithm changed', async () => {
    for (const change of [{ use: 'enc' }, { alg: 'RS512' }]) {
      const { issuer, guard, verdict } = await createScene();
      const key = await issuer.signingKey();
      const token = await issuer.issueToken();
      expect(await verdict(token)).toBe('allow');
      await issuer.rotateKeys('ES256');
      issuer.withdrawKey(key.kid);
      issuer.publishKey({ ...key, publicJwk: { ...key.publicJwk, ...change } });
      await guard.warm();
      expect(await verdict(token)).toBe('unknown_key');
    }
  });

  test('keeps the hit if a fetch returns the same key', async () => {
    const { issuer, clock, guard, verdict } = await createScene();
    const token = await issuer.issueToken({ lifetimeSeconds: 10_000 });
    const checks = countSignatureChecks();
    expect(await verdict(token)).toBe('allow');
    for (let fetches = 2; fetches < 5; fetches++) {
      await issuer.rotateKeys();
      clock.advance(500);
      await guard.warm();
      expect(issuer.requests.jwks).toBe(fetches);
      expect(await verdict(token)).toBe('allow');
    }
    expect(checks()).toBe(1);
    expect(cacheOf({ guard })).toMatchObject({ entries: 1, hits: 3, misses: 1 });
  });

  test('fetches stale keys before it uses a cached token', async () => {
    const { issuer, clock, verdict } = await createScene({ keyFetching: { freshSeconds: 600 } });
    const token = await issuer.issueToken({ lifetimeSeconds: 10_000 });
    expect(await verdict(token)).toBe('allow');
    issuer.withdrawKey((await issuer.signingKey()).kid);
    await issuer.rotateKeys();
    clock.advance(601);
    expect(await verdict(token)).toBe('unknown_key');
  });

  test('rule 61: answers 503 for a cached token without usable keys, and admits it again afterwards', async () => {
    const { issuer, clock, verdict } = await createScene({ keyFetching: { freshSeconds: 600, staleSeconds: 600 } });
    const token = await issuer.issueToken({ lifetimeSeconds: 10_000 });
    expect(await verdict(token)).toBe('allow');
    issuer.misbehave('reset');
    clock.advance(1201);
    expect(await verdict(token)).toBe('keys_unavailable');
    issuer.behave();
    clock.advance(31);
    expect(await verdict(token)).toBe('allow');
  });
});

describe('rule 68: caches only authentication', () => {
  test('evaluates the policy of each route for a cached token', async () => {
    const scene = await createScene();
    const token = await scene.issuer.issueToken({ scopes: ['read'], claims: { tenant: 'one' } });
    for (let again = 0; again < 3; again++) {
      expect(await scene.verdict(token)).toBe('allow');
      expect(await scene.verdict(token, { policy: scope('read') })).toBe('allow');
      expect(await scene.verdict(token, { policy: scope('write') })).toBe('insufficient_scope');
      expect(await scene.verdict(token, { policy: claim('tenant', 'two') })).toBe('insufficient_claim');
    }
    expect(cacheOf(scene)).toMatchObject({ entries: 1, misses: 1, hits: 11 });
  });

  test('evaluates a policy at each request, and does not cache its result', async () => {
    const scene = await createScene();
    const token = await scene.issuer.issueToken();
    let asked = 0;
    const everyOther = policy('every other', () => asked++ % 2 === 0);
    const verdicts = [];
    for (let again = 0; again < 4; again++) verdicts.push(await scene.verdict(token, { policy: everyOther }));
    expect(verdicts).toEqual(['allow', 'policy_refused', 'allow', 'policy_refused']);
    expect(asked).toBe(4);
  });
});

describe('rule 69: two guards share no cache entry', () => {
  test.each<[string, GuardOptions, string]>([
    ['another audience', { audience: 'https://other.example.test' }, 'audience_mismatch'],
    ['a smaller clock skew', { clockSkewSeconds: 0 }, 'expired'],
    ['another profile', { profile: 'rfc9068' }, 'wrong_type'],
    ['other algorithms', { algorithms: ['RS512', 'ES256'], jwks: undefined }, 'algorithm_not_allowed'],
    ['other clients', { allowedClients: ['other'] }, 'client_not_allowed'],
    ['another issuer', { issuer: 'https://login.example.test', jwksUri: undefined }, 'issuer_mismatch'],
  ])('a guard with %s refuses a token that another guard has cached', async (_what, options, refused) => {
    const { issuer, clock, verdict } = await createScene({ clockSkewSeconds: 30 });
    const common = { issuer: issuer.issuer, audience: issuer.audience, jwks: issuer.jwks as Jwks, clock };
    const strict = createResourceGuard({ ...common, ...options });
    const token = await issuer.issueToken({ lifetimeSeconds: 10, header: { typ: 'JWT' } });
    clock.advance(11);
    for (let again = 0; again < 2; again++) {
      expect(await verdict(token)).toBe('allow');
      expect(verdictOf(await ask(strict, token))).toBe(refused);
    }
    expect(strict.health().tokenCache).toMatchObject({ entries: 0, hits: 0 });
  });
});

/** Whether the token is authentic, and only its request lacks a proof. */
function isOfBinding(reason: string): boolean {
  return reason === 'bound_token_as_bearer' || reason === 'missing_certificate';
}

describe('rule 70: bounds the cache', () => {
  test('refused tokens add no entry and evict none', async () => {
    const issuer = await createTestIssuer();
    onTestFinished(() => issuer.close());
    // a bound token may be cached: it is authentic, and each request needs a proof of its own
    const rows = (await hostileTokens(issuer)).filter(({ reason }) => !isOfBinding(reason));
    const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, tokenCache: { maxEntries: 2 } });
    const good = await issuer.issueToken();
    expect(verdictOf(await ask(guard, good))).toBe('allow');
    for (const { token } of rows) expect(verdictOf(await ask(guard, token))).not.toBe('allow');
    expect(rows.length).toBeGreaterThan(200);
    expect(guard.health().tokenCache).toMatchObject({ entries: 1, hits: 0 });
    const checks = countSignatureChecks();
    expect(verdictOf(await ask(guard, good))).toBe('allow');
    expect(checks()).toBe(0);
  });

  test('keeps at most maxEntries entries, and does not evict the one in use', async () => {
    const scene = await createScene({ tokenCache: { maxEntries: 10 } }, { algorithm: 'ES256' });
    const used = await scene.issuer.issueToken();
    for (let number = 0; number < 100; number++) {
      expect(await scene.verdict({})).toBe('allow');
      expect(await scene.verdict(used)).toBe('allow');
      expect(cacheOf(scene).entries).toBeLessThanOrEqual(10);
    }
    expect(cacheOf(scene)).toMatchObject({ hits: 99 });
  });

  test('keeps at most maxBytes bytes', async () => {
    const scene = await createScene({ tokenCache: { maxBytes: 65_536 } }, { algorithm: 'ES256' });
    for (let number = 0; number < 100; number++) {
      expect(await scene.verdict({ claims: { filler: 'x'.repeat(number * 10) } })).toBe('allow');
      expect(cacheOf(scene).bytes).toBeLessThanOrEqual(65_536);
    }
    expect(cacheOf(scene).entries).toBeGreaterThan(5);
  });
});

test('rule 71: returns a deeply frozen Auth, so that no handler changes the next request', async () => {
  const scene = await createScene();
  const token = await scene.issuer.issueToken({ scopes: ['a'], roles: ['r'], claims: { deep: { list: [{ x: 1 }] } } });
  await scene.decide(token);
  const { auth } = expectAllowed(await scene.decide(token));
  const deep = auth!.claims['deep'] as { list: { x: number }[] };
  const attempts: (() => unknown)[] = [
    () => (auth!.roles as string[]).push('admin'),
    () => (auth!.scopes as string[]).push('admin'),
    () => Object.assign(auth!, { subject: 'root' }),
    () => Object.assign(auth!.claims, { sub: 'root' }),
    () => Object.assign(deep.list[0]!, { x: 2 }),
    () => deep.list.push({ x: 3 }),
  ];
  for (const attempt of attempts) expect(attempt).toThrow(TypeError);
  expect(expectAllowed(await scene.decide(token)).auth).toMatchObject({
    subject: 'user-1',
    roles: ['r'],
    scopes: ['a'],
    claims: { deep: { list: [{ x: 1 }] } },
  });
});

test.each<[unknown, RegExp]>([
  [true, /tokenCache: must be an object \(got true\)/],
  [0, /tokenCache: must be an object \(got a number\)/],
  [null, /tokenCache: must be an object \(got null\)/],
  [{ maxEntries: 1 }, /tokenCache\.maxEntries: must be a whole number from 2 to \d+ \(got 1\)/],
  [{ maxEntries: 2.5 }, /tokenCache\.maxEntries: must be .*\(got 2\.5\)/],
  [{ maxEntries: Infinity }, /tokenCache\.maxEntries: must be .*\(got Infinity\)/],
  [{ maxEntries: '100' }, /tokenCache\.maxEntries: must be .*\(got "100"\)/],
  [{ maxBytes: 1000 }, /tokenCache\.maxBytes: must be a whole number from 65536 to 1099511627776 \(got 1000\)/],
  [{ maxBytes: 1e15 }, /tokenCache\.maxBytes: must be a whole number from 65536 to 1099511627776 \(got 1000000000000000\)/],
  [{ maxBytes: Number.NaN }, /tokenCache\.maxBytes: must be .*\(got NaN\)/],
  [{ size: 5 }, /tokenCache\.size: is not an option \(options: maxEntries, maxBytes/],
])('throws at start-up if tokenCache is %j', (tokenCache, message) => {
  expect(() => createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', tokenCache: tokenCache as never })).toThrow(message);
});

test.each(['reason', 'then', 'issuer'])('rule 97: a property %s on Object.prototype changes no decision', async (name) => {
  const { issuer, guard } = await createScene();
  const tokens = [await issuer.issueToken(), await issuer.issueToken({ lifetimeSeconds: -100 })];
  await guard.warm();
  // eslint-disable-next-line no-extend-native -- the test pollutes the prototype on purpose
  Object.defineProperty(Object.prototype, name, { value: 'expired', configurable: true, writable: true });
  onTestFinished(() => void Reflect.deleteProperty(Object.prototype, name));
  const verdicts = [];
  for (const token of [...tokens, ...tokens]) verdicts.push(verdictOf(await ask(guard, token)));
  Reflect.deleteProperty(Object.prototype, name);
  expect(verdicts).toEqual(['allow', 'expired', 'allow', 'expired']);
});
