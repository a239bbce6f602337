import { createHash, createPublicKey, createSecretKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { createResourceGuard, rawToken, type DecryptionKeyOption, type GuardOptions } from '@tokenward/core';
import { createTestIssuer, generatePrivateKey, hostileTokens } from '@tokenward/testing';
import { CompactEncrypt, compactDecrypt, createLocalJWKSet, jwtVerify, calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { ask, configurationErrorOf, expectAllowed, verdictOf } from './guarded.js';
import { startEndpoint } from './introspection.js';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());

type KeyEncryptionAlgorithm = NonNullable<DecryptionKeyOption['algorithms']>[number];

const rsa = await generatePrivateKey('RS256');
const otherRsa = await generatePrivateKey('RS256');
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const HEADER = { alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', kid: 'rsa-1' };

function guardWith(options: GuardOptions = {}) {
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, decryptionKeys: { key: rsa, kid: 'rsa-1' }, ...options });
  onTestFinished(() => guard.close());
  return guard;
}

/** Members of a header. undefined leaves one out. */
type HeaderOptions = Readonly<Record<string, unknown>>;

/** Encrypts a text as an authorization server does. */
async function encrypt(text: string, header: HeaderOptions = {}, key: KeyObject = createPublicKey(rsa)): Promise<string> {
  return new CompactEncrypt(Buffer.from(text)).setProtectedHeader({ ...HEADER, ...header }).encrypt(key);
}

async function encryptedToken(header: HeaderOptions = {}, key?: KeyObject): Promise<string> {
  return encrypt(await issuer.issueToken(), header, key);
}

describe('accepts', () => {
  const pairs = {
    RSA: rsa,
    'P-256': p256,
    'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
    'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
    X25519: generateKeyPairSync('x25519').privateKey,
  };
  const RSA_NAMES = ['RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512'];
  const AGREED_NAMES = ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW'];

  test.each(Object.entries(pairs))('rule 17: every algorithm of a key pair: %s', async (name, privateKey) => {
    const guard = guardWith({ decryptionKeys: { key: privateKey }, tokenCache: false });
    for (const alg of name === 'RSA' ? RSA_NAMES : AGREED_NAMES)
      expectAllowed(await ask(guard, await encryptedToken({ alg, kid: undefined }, createPublicKey(privateKey))));
  });

  test.each(['A128GCM', 'A192GCM', 'A256GCM', 'A128CBC-HS256', 'A192CBC-HS384', 'A256CBC-HS512'])('rule 17: content encrypted with %s', async (enc) => {
    expectAllowed(await ask(guardWith(), await encryptedToken({ enc })));
  });

  test.each<[KeyEncryptionAlgorithm, number, string]>([
    ['A128KW', 16, 'A256GCM'],
    ['A192KW', 24, 'A128CBC-HS256'],
    ['A256KW', 32, 'A256CBC-HS512'],
    ['A128GCMKW', 16, 'A128GCM'],
    ['A192GCMKW', 24, 'A128GCM'],
    ['A256GCMKW', 32, 'A256CBC-HS512'],
    ['dir', 32, 'A256GCM'],
    ['dir', 32, 'A128CBC-HS256'],
    ['dir', 64, 'A256CBC-HS512'],
  ])('rule 17: %s with a secret of %i bytes, for %s', async (alg, length, enc) => {
    const secret = randomBytes(length);
    const asKey = createSecretKey(secret);
    const token = await encryptedToken({ alg, enc }, asKey);
    for (const key of [asKey, { kty: 'oct', k: secret.toString('base64url') }])
      expectAllowed(await ask(guardWith({ decryptionKeys: { key, algorithms: [alg] } }), token));
    expectAllowed(await ask(guardWith({ decryptionKeys: { key: { kty: 'oct', k: secret.toString('base64url'), alg, use: 'enc', kid: 'rsa-1' } } }), token));
  });

  test('a key as a JWK, as PEM in both forms, and as a KeyObject', async () => {
    const token = await encryptedToken();
    const forms: readonly DecryptionKeyOption['key'][] = [
      rsa,
      { ...rsa.export({ format: 'jwk' }), kid: 'rsa-1', use: 'enc', key_ops: ['unwrapKey'] },
      rsa.export({ type: 'pkcs8', format: 'pem' }).toString(),
      rsa.export({ type: 'pkcs1', format: 'pem' }).toString(),
    ];
    for (const key of forms) expectAllowed(await ask(guardWith({ decryptionKeys: { key } }), token));
  });

  test('RSA-OAEP only if an option or the JWK of the key names it', async () => {
    const token = await encryptedToken({ alg: 'RSA-OAEP' });
    expect(verdictOf(await ask(guardWith(), token))).toBe('encrypted_token');
    const named: readonly DecryptionKeyOption[] = [{ key: rsa, algorithms: ['RSA-OAEP'] }, { key: { ...rsa.export({ format: 'jwk' }), alg: 'RSA-OAEP' } }];
    for (const option of named) {
      const guard = guardWith({ decryptionKeys: [option] });
      expectAllowed(await ask(guard, token));
      expect(verdictOf(await ask(guard, await encryptedToken()))).toBe('encrypted_token');
    }
  });

  test('rule 16: signed tokens that are not encrypted, unless encryptedTokens.required is set', async () => {
    const [plain, encrypted] = [await issuer.issueToken(), await encryptedToken()];
    const [lenient, strict] = [guardWith(), guardWith({ encryptedTokens: { required: true } })];
    expectAllowed(await ask(lenient, plain));
    expectAllowed(await ask(lenient, encrypted));
    expectAllowed(await ask(strict, encrypted));
    const refused = await ask(strict, plain);
    expect(refused).toMatchObject({ status: 401, reason: 'unencrypted_token' });
    expect(verdictOf(await ask(strict, plain))).toBe('unencrypted_token');
  });

  test('an Auth whose token is the encrypted one, as the client sent it', async () => {
    const token = await encryptedToken();
    const { auth } = expectAllowed(await ask(guardWith(), token));
    expect(rawToken(auth!)).toBe(token);
    expect(auth).toMatchObject({ issuer: issuer.issuer, subject: 'user-1' });
  });
});

test('rule 87: a proof is for the encrypted token, as the client sent it', async () => {
  const guard = guardWith({ publicOrigin: 'https://api.example.com' });
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  const inner = await issuer.issueToken({ claims: { cnf: { jkt: await calculateJwkThumbprint(jwk) } } });
  const token = await encrypt(inner);

  async function decide(hashed: string) {
    const ath = createHash('sha256').update(hashed).digest('base64url');
    const claims = { jti: randomBytes(8).toString('hex'), htm: 'GET', htu: 'https://api.example.com/orders', ath, iat: Math.floor(Date.now() / 1000) };
    const proof = await new SignJWT(claims).setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk }).sign(privateKey);
    return guard.check({ method: 'GET', target: '/orders', headers: { authorization: `DPoP ${token}`, dpop: proof } });
  }

  expectAllowed(await decide(token));
  expect(verdictOf(await decide(inner))).toBe('invalid_proof');
  expect(verdictOf(await ask(guard, token))).toBe('bound_token_as_bearer');
});

describe('rule 16: what is inside must be a verified JWS', () => {
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, decryptionKeys: { key: rsa, kid: 'rsa-1' } });
  afterAll(() => guard.close());

  test('refuses every hostile token inside as outside', async () => {
    const rows = await hostileTokens(issuer);
    for (const { rule, name, token, status, reason } of rows.filter(({ token }) => token.length < 11_000)) {
      const decision = await ask(guard, await encrypt(token));
      expect(decision.outcome, `rule ${rule}: ${name}`).toBe('deny');
      // what is not a JWS has one reason, and no character inside is malformed credentials
      const isReadable = reason !== 'malformed_token' && reason !== 'malformed_credentials';
      expect(decision, `rule ${rule}: ${name}`).toMatchObject(isReadable ? { status, reason } : { status: 401 });
      if (!isReadable) expect(['encrypted_token', 'malformed_token']).toContain(verdictOf(decision));
    }
  });

  test.each<[string, () => Promise<string>, RegExp]>([
    ['claims that are not signed (CVE-2026-29000)', async () => JSON.stringify({ iss: issuer.issuer, aud: issuer.audience, exp: 9e9 }), /not a signed JWT/],
    ['a single character', async () => 'a', /not a signed JWT/],
    ['bytes that are not ASCII', async () => `é${await issuer.issueToken()}`, /not a signed JWT/],
    ['a token with white space behind it', async () => `${await issuer.issueToken()}\n`, /not a signed JWT/],
    ['an encrypted token', async () => encryptedToken(), /encrypted again/],
    ['a token without a signature', async () => (await issuer.issueToken()).replace(/[^.]*$/, ''), /not a signed JWT/],
  ])('refuses %s', async (_name, content, cause) => {
    const decision = await ask(guard, await encrypt(await content()));
    expect(decision).toMatchObject({ status: 401, reason: 'encrypted_token', cause: expect.stringMatching(cause) as unknown });
  });

  test('a changed claim is a bad signature, although anybody can encrypt it', async () => {
    const [header, , signature] = (await issuer.issueToken()).split('.');
    const forged = Buffer.from(JSON.stringify({ iss: issuer.issuer, aud: issuer.audience, sub: 'admin', exp: 9e9 })).toString('base64url');
    expect(verdictOf(await ask(guard, await encrypt(`${header}.${forged}.${signature}`)))).toBe('bad_signature');
  });

  test('rule 240: claims that the header repeats must equal the signed ones', async () => {
    const repeated = { iss: issuer.issuer, aud: issuer.audience, sub: 'user-1' };
    expectAllowed(await ask(guard, await encryptedToken(repeated)));
    expectAllowed(await ask(guard, await encryptedToken({ aud: [issuer.audience] })));
    for (const wrong of [
      { iss: 'https://other.example' },
      { sub: 'admin' },
      { aud: 'https://other.example' },
      { aud: [issuer.audience, 'more'] },
      { sub: null },
    ]) {
      const decision = await ask(guard, await encryptedToken({ ...repeated, ...wrong }));
      expect(decision, JSON.stringify(wrong)).toMatchObject({ reason: 'encrypted_token', cause: expect.stringMatching(/RFC 7519 s5.3/) as unknown });
    }
  });
});

describe('rule 241: which keys are tried', () => {
  test('those with the kid of the token; else those without one; for a token without kid, all that fit', async () => {
    const [named, unnamed] = [{ key: otherRsa, kid: 'rsa-2' }, { key: rsa }];
    const guard = guardWith({ decryptionKeys: [named, { key: p256 }, unnamed] });
    for (const kid of [undefined, 'rsa-1', 'anything']) expectAllowed(await ask(guard, await encryptedToken({ kid })));
    expectAllowed(await ask(guard, await encryptedToken({ kid: 'rsa-2' }, createPublicKey(otherRsa))));
    // a key with the id exists, so no other is tried
    expect(verdictOf(await ask(guard, await encryptedToken({ kid: 'rsa-2' })))).toBe('encrypted_token');
    expect(guard.health().decryption).toEqual({ keyIds: ['rsa-2'], keys: 3, decrypting: 0, waiting: 0, lastError: undefined });
  });

  test.each(['__proto__', '0', 'constructor', '../../dev/null', ' rsa-1', 'RSA-1', ''])('rule 29: the kid %j finds no key', async (kid) => {
    const decision = await ask(guardWith(), await encryptedToken({ kid }));
    expect(decision).toMatchObject({ reason: 'encrypted_token', cause: expect.stringMatching(/no decryption key fits/) as unknown });
  });

  test('a key is used for its own algorithms, curve and length only', async () => {
    const guard = guardWith({ decryptionKeys: [{ key: p256, algorithms: ['ECDH-ES'] }, { key: rsa }] });
    const p384 = createPublicKey(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey);
    const longer = createPublicKey(generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey);
    const tokens = [
      await encryptedToken({ alg: 'ECDH-ES+A128KW' }, createPublicKey(p256)),
      await encryptedToken({ alg: 'ECDH-ES' }, p384),
      await encryptedToken({}, longer),
    ];
    for (const token of tokens) expect(await ask(guard, token)).toMatchObject({ cause: expect.stringMatching(/no decryption key fits/) as unknown });
  });
});

describe('rule 242: failures of decryption', () => {
  test('look alike to the client, and have one cause for operators', async () => {
    const guard = guardWith();
    const token = await encryptedToken();
    const foreign = await encryptedToken({}, createPublicKey(otherRsa));
    const parts = token.split('.');
    const flipped = parts.map((part, at) => (at === 0 ? undefined : parts.map((one, index) => (index === at ? flip(part) : one)).join('.')));
    const tokens = [foreign, ...flipped.filter((one) => one !== undefined)];
    const decisions = await Promise.all(tokens.map((one) => ask(guard, one)));
    expect(decisions).toHaveLength(5);
    for (const decision of decisions) {
      expect(decision).toMatchObject({ status: 401, reason: 'encrypted_token', cause: 'none of the keys that fit its kid and alg decrypts it' });
      expect(JSON.stringify([decision.headers, (decision as { body?: unknown }).body])).toBe(
        JSON.stringify([decisions[0]!.headers, (decisions[0] as { body?: unknown }).body]),
      );
    }
  });

  test('an invalid or low-order point is refused', async () => {
    const guard = guardWith({ decryptionKeys: [{ key: p256 }, { key: generateKeyPairSync('x25519').privateKey }] });
    const zeros = Buffer.alloc(32).toString('base64url');
    for (const epk of [
      { kty: 'EC', crv: 'P-256', x: zeros, y: zeros },
      { kty: 'OKP', crv: 'X25519', x: zeros },
    ]) {
      const header = Buffer.from(JSON.stringify({ ...HEADER, alg: 'ECDH-ES', kid: undefined, epk })).toString('base64url');
      const token = `${header}..${randomBytes(12).toString('base64url')}.${randomBytes(40).toString('base64url')}.${randomBytes(16).toString('base64url')}`;
      expect(verdictOf(await ask(guard, token))).toBe('encrypted_token');
    }
  });

  test('the explanation shows the kid and the known key ids, and no key', async () => {
    const guard = guardWith();
    const decision = await ask(guard, await encryptedToken({ kid: 'rsa-7' }));
    const explanation = decision.outcome === 'deny' ? decision.explain() : undefined;
    expect(explanation).toMatchObject({ reason: 'encrypted_token', expected: '"rsa-1"', found: '"rsa-7"' });
    expect(JSON.stringify([explanation, guard.health()])).not.toContain(String(rsa.export({ format: 'jwk' }).d).slice(0, 20));
  });
});

function flip(part: string): string {
  const bytes = Buffer.from(part, 'base64url');
  bytes[bytes.length >> 1]! ^= 1;
  return bytes.toString('base64url');
}

describe('rule 243: few tokens are decrypted at a time', () => {
  test('a known token is decrypted once, also for requests that come together', async () => {
    const guard = guardWith();
    await guard.warm();
    const token = await encryptedToken();
    const together = [ask(guard, token), ask(guard, token), ask(guard, token)];
    expect(guard.health().decryption).toMatchObject({ decrypting: 1, waiting: 0 });
    for (const decision of await Promise.all(together)) expectAllowed(decision);
    const { hits } = guard.health().tokenCache!;
    const again = guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } });
    expect(again).not.toBeInstanceOf(Promise);
    expect(guard.health().tokenCache).toMatchObject({ hits: hits + 1, entries: 1 });
  });

  test('answers 503 to those beyond the queue, and recovers', async () => {
    const guard = guardWith();
    await guard.warm();
    const token = await encryptedToken();
    const [header, , ...rest] = token.split('.');
    const flood = Array.from({ length: 250 }, () => ask(guard, [header, randomBytes(256).toString('base64url'), ...rest].join('.')));
    expect(guard.health().decryption).toMatchObject({ decrypting: 2, waiting: 200 });
    const refused = await ask(guard, token);
    expect(refused).toMatchObject({ status: 503, reason: 'decryption_unavailable', headers: { 'retry-after': '1' } });
    const reasons = (await Promise.all(flood)).map(verdictOf);
    expect(reasons.filter((reason) => reason === 'encrypted_token')).toHaveLength(202);
    expect(reasons.filter((reason) => reason === 'decryption_unavailable')).toHaveLength(48);
    expectAllowed(await ask(guard, token));
  });

  test('what can be refused without a key never waits', async () => {
    const guard = guardWith();
    const token = await encryptedToken({ kid: 'unknown' });
    const cheap = [
      token,
      token.replace(/[^.]*$/, 'AAAA'),
      token.replace(/^[^.]*/, Buffer.from('{"alg":"PBES2-HS256+A128KW","enc":"A256GCM"}').toString('base64url')),
    ];
    for (const one of cheap) {
      const decision = guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${one}` } });
      expect(decision).toMatchObject({ outcome: 'deny', status: 401 });
    }
  });

  test('a closed guard decrypts no more', async () => {
    const guard = guardWith();
    await guard.close();
    expect(await ask(guard, await encryptedToken())).toMatchObject({ status: 503, reason: 'decryption_unavailable' });
  });
});

describe('rule 79: introspection beside encrypted tokens', () => {
  test('with decryptionKeys, five segments are a JWT and are never introspected; without them, they are opaque', async () => {
    const endpoint = await startEndpoint(() => ({ active: false }));
    const introspection = { endpoint: endpoint.url, clientId: 'api', clientSecret: 'secret' };
    const [decrypting, other] = [guardWith({ introspection }), guardWith({ introspection, decryptionKeys: undefined })];
    const token = await encryptedToken();
    expectAllowed(await ask(decrypting, token));
    const refused = [await encryptedToken({ kid: 'unknown' }), `${token.slice(0, -1)}!`, `ey..b.c.d`, token.replace(/^ey/, 'aa')];
    for (const one of refused) expect(['encrypted_token', 'malformed_token', 'malformed_credentials']).toContain(verdictOf(await ask(decrypting, one)));
    expect(endpoint.questions).toHaveLength(0);
    expect(verdictOf(await ask(decrypting, 'opaque'))).toBe('inactive_token');
    expect(verdictOf(await ask(other, token))).toBe('inactive_token');
    expect(endpoint.questions).toHaveLength(2);
  });

  test("with introspect: 'always', the issuer is asked about the token that the client sent", async () => {
    const endpoint = await startEndpoint(() => {
      const now = Math.floor(Date.now() / 1000);
      return { active: true, iss: issuer.issuer, aud: issuer.audience, sub: 'user-1', client_id: 'c', iat: now, exp: now + 60 };
    });
    const guard = guardWith({ introspect: 'always', introspection: { endpoint: endpoint.url, clientId: 'api', clientSecret: 'secret' } });
    const token = await encryptedToken();
    expectAllowed(await ask(guard, token));
    expect(endpoint.questions.map(({ form }) => form.get('token'))).toEqual([token]);
  });

  test("rule 240: with introspect: 'always', claims that the header repeats must equal the signed ones, too", async () => {
    const endpoint = await startEndpoint(() => {
      const now = Math.floor(Date.now() / 1000);
      return { active: true, iss: issuer.issuer, aud: issuer.audience, sub: 'user-1', client_id: 'c', iat: now, exp: now + 60 };
    });
    const guard = guardWith({ introspect: 'always', introspection: { endpoint: endpoint.url, clientId: 'api', clientSecret: 'secret' } });
    for (const right of [{ iss: issuer.issuer, sub: 'user-1' }, { aud: [issuer.audience] }]) expectAllowed(await ask(guard, await encryptedToken(right)));
    expect(endpoint.questions).toHaveLength(2);
    for (const wrong of [{ iss: 'https://other.example' }, { sub: 'admin' }, { aud: 'https://other.example' }, { sub: null }])
      expect(await ask(guard, await encryptedToken(wrong)), JSON.stringify(wrong)).toMatchObject({
        status: 401,
        reason: 'encrypted_token',
        cause: expect.stringMatching(/RFC 7519 s5.3/) as unknown,
      });
    // which sub it has depends on the parser
    const [header, , signature] = (await issuer.issueToken()).split('.');
    const twice = Buffer.from(`{"iss":${JSON.stringify(issuer.issuer)},"sub":"admin","sub":"user-1"}`).toString('base64url');
    expect(verdictOf(await ask(guard, await encrypt(`${header}.${twice}.${signature}`, { sub: 'user-1' })))).toBe('malformed_token');
    expect(endpoint.questions).toHaveLength(2);
  });
});

test('rule 19: accepts a subset of what jose decrypts and verifies', async () => {
  const guard = guardWith({ tokenCache: false });
  const keys = createLocalJWKSet(issuer.jwks);
  const bases = await Promise.all(
    ['A128GCM', 'A256GCM', 'A128CBC-HS256'].flatMap((enc) => ['RSA-OAEP-256', 'RSA-OAEP-384'].map((alg) => encryptedToken({ alg, enc, iss: issuer.issuer }))),
  );
  const accepted = { ours: 0, joses: 0 };
  for (let round = 0; round < 150; round++) {
    const token = round < bases.length ? bases[round]! : mutated(bases[round % bases.length]!, round);
    const joses = await compactDecrypt(token, rsa)
      .then(({ plaintext }) => jwtVerify(plaintext, keys, { issuer: issuer.issuer, audience: issuer.audience }))
      .then(
        () => true,
        () => false,
      );
    const ours = verdictOf(await ask(guard, token)) === 'allow';
    if (ours) expect(joses, token).toBe(true);
    accepted.ours += Number(ours);
    accepted.joses += Number(joses);
  }
  expect(accepted.ours).toBeGreaterThanOrEqual(bases.length);
  expect(accepted.joses).toBeGreaterThanOrEqual(accepted.ours);
});

/** Changes one character, drops one, doubles one, or swaps segments. */
function mutated(token: string, seed: number): string {
  const at = (seed * 7919) % token.length;
  const parts = token.split('.');
  switch (seed % 5) {
    case 0:
      return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
    case 1:
      return token.slice(0, at) + token.slice(at + 1);
    case 2:
      return token.slice(0, at) + token[at] + token.slice(at);
    case 3:
      return [...parts.slice(0, seed % 4), parts[(seed % 4) + 1], parts[seed % 4], ...parts.slice((seed % 4) + 2)].join('.');
    default:
      return `${token}=`;
  }
}

test.each([
  { alg: null, use: null, key_ops: null, kid: null },
  { alg: '', use: ' ' },
])('rule 168: null members of a decryption key count as absent, and so do a blank alg and use: %j', async (members) => {
  const key = { ...rsa.export({ format: 'jwk' }), ...members };
  expectAllowed(await ask(guardWith({ decryptionKeys: { key: key as never, kid: 'rsa-1' } }), await encryptedToken()));
});

describe('rule 244: options that cannot be right stop the start, and show no key', () => {
  const jwk = rsa.export({ format: 'jwk' });
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;

  test.each<[string, unknown, RegExp]>([
    ['nothing', [], /decryptionKeys: must have 1 to 16 keys/],
    ['a text', 'secret', /decryptionKeys: must be a plain object|must be \{ key \}/],
    ['a bare JWK', jwk, /write \{ key: jwk \}/],
    ['neither key nor file', { kid: 'a' }, /decryptionKeys.key: is missing/],
    ['both', { key: rsa, file: '/x' }, /decryptionKeys.key: cannot be combined with file/],
    ['a public key', { key: createPublicKey(rsa) }, /is a public key/],
    ['a public JWK', { key: createPublicKey(rsa).export({ format: 'jwk' }) }, /is a public key/],
    ['a public PEM', { key: createPublicKey(rsa).export({ type: 'spki', format: 'pem' }) }, /is not a private key that can be read/],
    [
      'an encrypted PEM',
      { key: rsa.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }) },
      /is not a private key that can be read/,
    ],
    ['a number', { key: 7 }, /must be a private key/],
    ['a short RSA key', { key: small }, /1024 bits, fewer than 2048/],
    ['a key that only signs', { key: generateKeyPairSync('ed25519').privateKey }, /of a kind that cannot decrypt/],
    ['a curve without ECDH-ES', { key: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey }, /of a kind that cannot decrypt/],
    ['a JWK for signatures', { key: { ...jwk, use: 'sig' } }, /not for encryption/],
    ['a JWK with other operations', { key: { ...jwk, key_ops: ['sign'] } }, /not for decrypting/],
    ['a JWK with another alg', { key: { ...jwk, alg: 'RS256' } }, /"alg"/],
    ['RSA1_5', { key: rsa, algorithms: ['RSA1_5'] }, /lists "RSA1_5", which is not supported/],
    ['PBES2', { key: createSecretKey(randomBytes(32)), algorithms: ['PBES2-HS256+A128KW'] }, /PBES2-HS256\+A128KW", which is not supported/],
    ['an algorithm of another key', { key: rsa, algorithms: ['ECDH-ES'] }, /cannot be used for ECDH-ES/],
    ['a secret without its algorithm', { key: createSecretKey(randomBytes(32)) }, /algorithms must name the one/],
    ['a secret for two algorithms', { key: createSecretKey(randomBytes(32)), algorithms: ['dir', 'A256KW'] }, /algorithms must name the one/],
    ['a secret of the wrong length', { key: createSecretKey(randomBytes(32)), algorithms: ['A128KW'] }, /has 32 bytes, and A128KW needs 16/],
    ['a weak secret', { key: createSecretKey(Buffer.alloc(32, 'ab')), algorithms: ['dir'] }, /repeats itself/],
    ['an unknown member', { key: rsa, passphrase: 'x' }, /passphrase: is not an option/],
    ['five keys without kid', Array.from({ length: 5 }, () => ({ key: rsa })), /5 keys without kid, more than 4/],
    ['a file that is not there', { file: '/no/such/file' }, /decryptionKeys.file: \/no\/such\/file: there is no such file/],
  ])('%s', (_name, decryptionKeys, message) => {
    const options = { issuer: issuer.issuer, audience: issuer.audience, decryptionKeys } as GuardOptions;
    const error = configurationErrorOf(() => createResourceGuard(options));
    expect(error?.message).toMatch(message);
    expect(error?.message).not.toContain(String(jwk.d).slice(0, 20));
  });

  test('encryptedTokens without decryptionKeys, and content algorithms that do not exist', () => {
    const problem = (encryptedTokens: object, more: GuardOptions): string | undefined =>
      configurationErrorOf(() => createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, encryptedTokens, ...more }))?.message;
    expect(problem({ required: true }, {})).toMatch(/encryptedTokens: needs decryptionKeys/);
    expect(problem({ contentAlgorithms: ['A256CBC'] }, { decryptionKeys: { key: rsa } })).toMatch(/encryptedTokens.contentAlgorithms: lists/);
  });
});
