import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { rawClaims, type Auth } from '../auth/auth.js';
import { oneIssuer, type Issuer, type Issuers } from '../issuer/issuer.js';
import { parseKeySet, type KeySet, type PreparedKey } from '../jose/key-set.js';
import { createGivenKeySource, type FoundKeys, type KeySource } from '../keys/key-source.js';
import type { JoseHeader } from '../jose/compact-jws.js';
import type { JsonObject } from '../lib/json.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { ClaimRules } from '../issuer/claim-rules.js';
import { createTokenCache } from './token-cache.js';
import { createJwtVerifier, type VerificationConfig } from './verify.js';
import { isFailure, type VerificationFailure } from '../issuer/verification-failure.js';
import { isVerified, type Verification } from './verifier.js';
import { claimRules } from '../../test/claim-rules.js';

const NOW = 1_700_000_000;
const ISSUER = 'https://login.example.com';
const GOOD = { iss: ISSUER, aud: 'api', iat: NOW, exp: NOW + 300, sub: 'alice' };
const REQUEST: ProtectedRequest = { method: 'GET', target: '/', headers: {} };
const ours = generateKeyPairSync('ed25519');
const others = generateKeyPairSync('ed25519');
const OURS = keySet({ 'k-1': ours.publicKey });
const EMPTY = (): readonly [] => [];

describe('rules 18 and 52: failures of the token itself', () => {
  test('an unreadable token is refused with its reason, and no keys are fetched for it', () => {
    const { fetchKeys, config } = scene();
    expect(verify('a b', config)).toMatchObject({ reason: 'malformed_credentials' });
    expect(verify('a.b', config)).toMatchObject({ reason: 'malformed_token' });
    expect(verify('a.b.c.d.e', config)).toMatchObject({ reason: 'encrypted_token' });
    expect(verify(`${'a'.repeat(20_000)}.b.c`, config)).toMatchObject({ reason: 'token_too_large' });
    expect(verify(`${'*'.repeat(20_000)}.b.c`, config)).toMatchObject({ reason: 'token_too_large' });
    expect(fetchKeys).not.toHaveBeenCalled();
  });

  test.each<[string, object]>([
    ['a'.repeat(20_000) + '.b.c', { reason: 'token_too_large', cause: 'its header is longer than 8 KiB' }],
    ['a b', { reason: 'malformed_credentials', cause: 'the token contains characters that no token may have' }],
    ['opaque', { reason: 'malformed_token', cause: 'it has no dots, so it is probably an opaque token' }],
    ['.', { reason: 'malformed_token', cause: 'it does not have 3 segments separated by dots' }],
    ['a.b', { reason: 'malformed_token', cause: 'it does not have 3 segments separated by dots' }],
    ['a.b.c.d', { reason: 'malformed_token', cause: 'it does not have 3 segments separated by dots' }],
    ['a.b.c', { reason: 'malformed_token', cause: 'it has 3 segments, but they are not a base64url-encoded JWT' }],
    ['..c', { reason: 'malformed_token', cause: 'it has 3 segments, but they are not a base64url-encoded JWT' }],
    ['a.b.c.d.e', { reason: 'encrypted_token' }],
  ])('says of %.12s what is wrong with its form, without quoting it', (token, expected) => {
    expect(verify(token, scene().config)).toStrictEqual(expected);
  });

  test('the failure of a wrong type says which types are accepted', () => {
    const wrongType = tokenOf(GOOD, { header: { typ: 'logout+jwt' } });
    expect(verify(wrongType, scene().config)).toMatchObject({ expected: ['at+jwt', 'JWT'], found: 'logout+jwt' });
    expect(verify(wrongType, scene({ rules: { profile: 'rfc9068' } }).config)).toMatchObject({ expected: ['at+jwt'], found: 'logout+jwt' });
    expect(verify(tokenOf(GOOD, { header: { typ: undefined } }), scene({ rules: { profile: 'rfc9068' } }).config)).toMatchObject({ found: null });
  });

  test('tells the monitor of a token from the future beyond the clock skew, and of no other refused token', () => {
    const refusedAsFuture = vi.fn();
    const monitor = { refusedAsFuture, verified() {}, accepted() {}, aheadOf: () => 0 } as unknown as NonNullable<VerificationConfig['monitor']>;
    const { issuer, config } = scene();
    const monitored = { ...config, monitor };
    for (const claims of [
      { ...GOOD, aud: 'x' },
      { ...GOOD, aud: 'x', iat: NOW + 30 },
      { ...GOOD, iat: '9' },
      { ...GOOD, exp: NOW - 60 },
    ]) {
      expect(isFailure(verify(tokenOf(claims), monitored) as object)).toBe(true);
    }
    expect(refusedAsFuture).not.toHaveBeenCalled();
    expect(verify(tokenOf({ ...GOOD, iat: NOW + 31 }), monitored)).toMatchObject({ reason: 'issued_in_the_future', issuer });
    expect(refusedAsFuture).toHaveBeenCalledExactlyOnceWith(ISSUER, NOW + 31, NOW);
    expect(verify(tokenOf({ ...GOOD, iat: NOW + 31 }), config)).toMatchObject({ reason: 'issued_in_the_future' });
  });

  test('a verified signature marks its issuer as verified, whatever the claims say', () => {
    for (const [token, isVerified] of [
      [tokenOf({ ...GOOD, aud: 'x' }), true],
      [tokenOf(GOOD, { key: others.privateKey }), false],
    ] as const) {
      const { issuer, config } = scene();
      issuer.isVerified = false;
      void verify(token, config);
      expect(issuer.isVerified).toBe(isVerified);
    }
  });

  test('rule 59: a key that is labelled for another issuer verifies nothing, cached or fetched', () => {
    const labelled = parseKeySet(
      { keys: [{ ...ours.publicKey.export({ format: 'jwk' }), kid: 'k-1', issuer: 'https://elsewhere.example.com' }] },
      ['EdDSA'],
      10,
    ).candidates('EdDSA', 'k-1');
    for (const options of [{ cachedKeys: () => labelled }, { cachedKeys: EMPTY, fetchKeys: () => labelled }]) {
      const { issuer, config } = scene(options);
      expect(verify(tokenOf(GOOD), config)).toStrictEqual({ reason: 'unknown_key', cause: 'its key is labelled for another issuer', issuer, found: 'k-1' });
    }
    const { config } = scene({ cachedKeys: () => labelled });
    expect(verify(tokenOf(GOOD, { header: { kid: undefined } }), config)).toMatchObject({ reason: 'unknown_key', found: 'none' });
    const foreign = tokenOf({ ...GOOD, iss: 'https://elsewhere.example.com' });
    expect(verify(foreign, config)).toStrictEqual({ reason: 'issuer_mismatch', cause: 'iss', expected: [ISSUER], found: 'https://elsewhere.example.com' });
  });

  test('the explanation of an unknown key lists the keys that there are, and that of a bad signature lists none', () => {
    const unknown = verify(tokenOf(GOOD, { header: { kid: 'k-2' } }), scene().config) as VerificationFailure;
    expect((unknown.expected as () => unknown)()).toEqual(['k-1']);
    expect(unknown.found).toBe('k-2');
    const bad = verify(tokenOf(GOOD, { key: others.privateKey }), scene().config);
    expect(bad).toMatchObject({ reason: 'bad_signature', expected: undefined, found: 'k-1' });
  });

  test('an outage does not hide a bad signature of a known kid, and hides one without a kid', () => {
    const outage = { retryAfterSeconds: 7, cause: new Error('no answer') };
    const { config } = scene({ cachedKeys: () => OURS.candidates('EdDSA', 'k-1'), fetchKeys: () => outage });
    expect(verify(tokenOf(GOOD, { key: others.privateKey }), config)).toMatchObject({ reason: 'bad_signature' });
    expect(verify(tokenOf(GOOD, { key: others.privateKey, header: { kid: undefined } }), config)).toMatchObject({ reason: 'keys_unavailable' });
  });

  test('refuses a wrong type or algorithm before it looks at keys', () => {
    const { issuer, cachedKeys, config } = scene();
    expect(verify(tokenOf(GOOD, { header: { typ: 'logout+jwt' } }), config)).toMatchObject({ reason: 'wrong_type', cause: 'typ', issuer });
    expect(verify(tokenOf(GOOD, { header: { alg: 'RS256' } }), config)).toMatchObject({ reason: 'algorithm_not_allowed', cause: 'alg', issuer });
    expect(cachedKeys).not.toHaveBeenCalled();
  });

  test('fetches keys once for a bad signature under a known kid, because the key may have been replaced', async () => {
    const token = tokenOf(GOOD, { key: others.privateKey });
    const theirs = keySet({ 'k-1': others.publicKey }).candidates('EdDSA', 'k-1');
    const cause = new Error('no answer');
    for (const [found, expected] of [
      [[], 'bad_signature'],
      [{ retryAfterSeconds: 7, cause }, 'bad_signature'],
      [OURS.candidates('EdDSA', 'k-1'), 'bad_signature'],
      [theirs, 'alice'],
    ] as [FoundKeys, string][]) {
      const { fetchKeys, config } = scene({ fetchKeys: () => found });
      const settled = await verify(token, config);
      expect('reason' in settled ? settled.reason : subjectOf(settled)).toBe(expected);
      expect(fetchKeys).toHaveBeenCalledExactlyOnceWith('EdDSA', 'k-1');
    }
  });

  test('fetches no keys for a bad signature under a known kid if the token claims another issuer', () => {
    const { issuer, fetchKeys, config } = scene();
    expect(verify(tokenOf({ ...GOOD, iss: 'https://elsewhere.example.com' }, { key: others.privateKey }), config)).toMatchObject({
      reason: 'bad_signature',
      issuer,
    });
    expect(fetchKeys).not.toHaveBeenCalled();
  });

  test.each<[string, Record<string, unknown>]>([
    ['unknown', { kid: 'k-2' }],
    ['absent', { kid: undefined }],
  ])('fetches no keys for a token of another issuer whose kid is %s', (_name, header) => {
    const { fetchKeys, config } = scene();
    for (const iss of ['https://elsewhere.example.com', undefined, [ISSUER]]) {
      const token = tokenOf({ ...GOOD, iss }, { header, key: others.privateKey });
      expect(verify(token, config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
    }
    const noJson = tokenOf('no JSON', { header, key: others.privateKey });
    expect(verify(noJson, config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
    expect(fetchKeys).not.toHaveBeenCalled();
  });

  test('a signed payload that is not a JSON object is a malformed token', () => {
    const { issuer, config } = scene();
    for (const payload of ['no JSON', '[]', '{"iss":"a","iss":"b"}'])
      expect(verify(tokenOf(payload), config)).toStrictEqual({
        reason: 'malformed_token',
        issuer,
        cause: 'its payload is signed, but is not a strict JSON object',
      });
    expect(config.cache!.health().entries).toBe(0);
  });

  test('a claim failure names the claim and the issuer, and the token is not cached', () => {
    const { issuer, config } = scene();
    expect(verify(tokenOf({ ...GOOD, aud: 'x' }), config)).toMatchObject({ reason: 'audience_mismatch', cause: 'aud', issuer });
    expect(config.cache!.health().entries).toBe(0);
  });
});

describe('rule 59: fetches keys that are not cached', () => {
  test.each<[string, KeySource['cachedKeys'], Record<string, unknown>, string]>([
    ['no keys are cached', () => undefined, {}, 'unknown_key'],
    ['no cached key has the kid', EMPTY, {}, 'unknown_key'],
    ['the token has no kid and no cached key verifies it', () => OURS.candidates('EdDSA', 'k-1'), { kid: undefined }, 'bad_signature'],
  ])('fetches keys if %s', async (_name, cachedKeys, header, otherwise) => {
    const token = tokenOf(GOOD, { header, key: others.privateKey });
    const answers: [FoundKeys, string][] = [
      [[], otherwise],
      [OURS.candidates('EdDSA', 'k-1'), 'bad_signature'],
    ];
    for (const [found, reason] of answers) {
      const synchronous = scene({ cachedKeys, fetchKeys: () => found });
      expect(verify(token, synchronous.config)).toMatchObject({ reason, issuer: synchronous.issuer });
      const asynchronous = scene({ cachedKeys, fetchKeys: async () => found });
      const pending = verify(token, asynchronous.config);
      expect(pending).toBeInstanceOf(Promise);
      expect(await pending).toMatchObject({ reason, issuer: asynchronous.issuer });
    }
    const theirs = keySet({ 'k-2': others.publicKey }).candidates('EdDSA', 'k-2');
    const { fetchKeys, config } = scene({ cachedKeys, fetchKeys: () => theirs });
    expect(subjectOf(verify(token, config))).toBe('alice');
    expect(fetchKeys).toHaveBeenCalledExactlyOnceWith('EdDSA', 'kid' in header ? undefined : 'k-1');
  });

  test('rule 61: the failure says why the issuer cannot be reached, and when to retry', async () => {
    const cause = new Error('no answer');
    for (const fetchKeys of [() => ({ retryAfterSeconds: 7, cause }), async () => ({ retryAfterSeconds: 7, cause })]) {
      const { issuer, config } = scene({ cachedKeys: EMPTY, fetchKeys });
      expect(await verify(tokenOf(GOOD), config)).toMatchObject({ reason: 'keys_unavailable', cause, retryAfterSeconds: 7, issuer });
    }
  });
});

test('rule 59: says when keys are fetched again, unless the key that the token names is known', () => {
  const token = (header: Record<string, unknown>): string => tokenOf(GOOD, { header, key: others.privateKey });
  const cachedKeys = (): readonly PreparedKey[] => OURS.candidates('EdDSA', 'k-1');
  const fetchKeys = (): FoundKeys => ({ fetchedAgainInSeconds: 7 });
  for (const [cached, header, expected] of [
    [cachedKeys, {}, { reason: 'bad_signature' }],
    [cachedKeys, { kid: undefined }, { reason: 'bad_signature', keysAskedAgainInSeconds: 7 }],
    [EMPTY, {}, { reason: 'unknown_key', keysAskedAgainInSeconds: 7 }],
    [EMPTY, { kid: undefined }, { reason: 'unknown_key', keysAskedAgainInSeconds: 7 }],
  ] as const) {
    const failure = verify(token(header), scene({ cachedKeys: cached, fetchKeys }).config) as VerificationFailure;
    expect({ reason: failure.reason, keysAskedAgainInSeconds: failure.keysAskedAgainInSeconds }).toEqual({ keysAskedAgainInSeconds: undefined, ...expected });
  }
});

test('rule 79: an issuer that introspects every token decides on its JWTs, and sees no token of another issuer', () => {
  const { issuer, cachedKeys, config } = scene();
  const always = { ...issuer, introspection: { always: true } } as unknown as Issuer;
  const answer = { reason: 'inactive_token', issuer: always };
  const introspect = vi.fn(() => answer);
  const introspection = { of: (one: object) => (one === always ? { introspect } : undefined) } as unknown as VerificationConfig['introspection'];
  const introspecting = { ...config, issuers: oneIssuer(always), introspection };
  const token = tokenOf(GOOD);
  expect(verify(token, introspecting)).toBe(answer);
  expect(introspect).toHaveBeenCalledExactlyOnceWith(token, NOW);
  expect(verify(tokenOf({ ...GOOD, iss: 'https://elsewhere.example.com' }), introspecting)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
  expect(introspect).toHaveBeenCalledOnce();
  expect(cachedKeys).not.toHaveBeenCalled();
});

test('rule 261: an introspected JWT with a cnf is refused if the answer has none', async () => {
  const { issuer, config } = scene();
  const always = { ...issuer, introspection: { always: true } } as unknown as Issuer;
  const bound = tokenOf({ ...GOOD, cnf: { jkt: 'x' } });
  const [header64] = bound.split('.');
  const boundWithEscapes = `${header64}.${Buffer.from(`{"iss":"${ISSUER}","\\u0063nf":{"jkt":"x"}}`).toString('base64url')}.AQID`;
  const active = { reason: undefined, issuer: always, confirmation: undefined };
  const inactive = { reason: 'inactive_token', issuer: always };
  const lost = { reason: 'unproven_confirmation', cause: 'the answer of the issuer lacks the cnf that the token has', issuer: always };
  for (const [token, answer, expected] of [
    [bound, active, lost],
    [boundWithEscapes, active, lost],
    [bound, { ...active, confirmation: { jkt: 'x' } }, undefined],
    [bound, inactive, undefined],
    [tokenOf(GOOD), active, undefined],
    [tokenOf({ ...GOOD, cnf: null }), active, undefined],
    [tokenOf({ ...GOOD, sub: 'cnf', other: { cnf: 1 } }), active, undefined],
  ] as const) {
    for (const answered of [answer, Promise.resolve(answer)]) {
      const introspection = { of: () => ({ introspect: () => answered }) } as unknown as NonNullable<VerificationConfig['introspection']>;
      const verifier = createJwtVerifier({ ...config, issuers: oneIssuer(always), introspection });
      expect(await verifier.verify({ scheme: 'Bearer', token }, REQUEST, NOW)).toEqual(expected ?? answer);
    }
  }
});

test('rule 240: the content of an encrypted token is verified as any other JWT, and equals what its header repeats', async () => {
  const { config: cached } = scene();
  const config = { ...cached, cache: undefined };
  const jwe = 'a.b.c.d.e';
  const opened = (text: string, replicated?: JsonObject) => {
    const decrypt = async () => ({ text, ...(replicated && { replicated }) });
    return verify(jwe, { ...config, decryptor: { decrypt } as unknown as NonNullable<VerificationConfig['decryptor']> });
  };
  expect(await opened(tokenOf(GOOD))).toMatchObject({ subject: 'alice' });
  expect(await opened(tokenOf(GOOD), { iss: ISSUER })).toMatchObject({ subject: 'alice' });
  expect(await opened(tokenOf({ ...GOOD, aud: 'x' }))).toMatchObject({ reason: 'audience_mismatch' });
  expect(await opened(tokenOf(GOOD, { key: others.privateKey }))).toMatchObject({ reason: 'bad_signature' });
  expect(await opened('{}')).toEqual({ reason: 'encrypted_token', cause: 'its content is not a signed JWT' });
  expect(await opened(jwe)).toEqual({ reason: 'encrypted_token', cause: 'its content is encrypted again, or contains another token' });
  expect(await opened(tokenOf(GOOD, { header: { crit: ['x'] } }))).toEqual({ reason: 'unsupported_critical_header' });
  expect(await opened(tokenOf(GOOD), { iss: 'https://elsewhere.example.com' })).toMatchObject({ reason: 'encrypted_token', cause: expect.any(String) });
});

test('a token that cannot be decrypted keeps its failure, and an unencrypted one is refused where encryption is required', async () => {
  const { config } = scene();
  const failure = { reason: 'encrypted_token', cause: 'no key' };
  for (const decrypted of [failure, Promise.resolve(failure)]) {
    const decryptor = { decrypt: () => decrypted, isRequired: true } as unknown as NonNullable<VerificationConfig['decryptor']>;
    expect(await verify('a.b.c.d.e', { ...config, decryptor })).toBe(failure);
    expect(await verify(tokenOf(GOOD), { ...config, decryptor })).toEqual({ reason: 'unencrypted_token' });
    for (const other of ['opaque', 'a.b', 'a.b.c.d']) expect(await verify(other, { ...config, decryptor })).toMatchObject({ reason: 'malformed_token' });
  }
});

test('the signal of an Auth is aborted if its verifier cannot tell when the token ends', () => {
  const { config } = scene();
  for (const trust of [undefined, {} as NonNullable<VerificationConfig['trust']>])
    expect((verify(tokenOf(GOOD), { ...config, cache: undefined, trust }) as Auth).signal.aborted).toBe(true);
});

describe('rules 38 and 140: a guard with several issuers finds the one that the token claims', () => {
  const several = (found: Issuer | undefined | Promise<Issuer | undefined>) => {
    const { issuer, config } = scene();
    const find = vi.fn<Issuers['find']>(() => found);
    return { issuer, find, config: { ...config, issuers: { ...oneIssuer(issuer), only: undefined, find } } };
  };

  test('passes the claimed issuer and the request to the lookup, and verifies the token synchronously', () => {
    const { issuer } = scene();
    const { find, config } = several(issuer);
    expect(subjectOf(verify(tokenOf(GOOD), config))).toBe('alice');
    expect(find).toHaveBeenCalledExactlyOnceWith(ISSUER, REQUEST);
  });

  test('waits for an asynchronous lookup, and reports a failed one as issuer_unavailable', async () => {
    const { issuer } = scene();
    expect(subjectOf(await verify(tokenOf(GOOD), several(Promise.resolve(issuer)).config))).toBe('alice');
    expect(await verify(tokenOf(GOOD), several(Promise.resolve(undefined)).config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
    const cause = new Error('the resolver failed');
    expect(await verify(tokenOf(GOOD), several(Promise.reject(cause)).config)).toMatchObject({ reason: 'issuer_unavailable', cause });
  });

  test('refuses an unknown issuer, and looks nothing up for a token without a readable iss', () => {
    const { find, config } = several(undefined);
    expect(verify(tokenOf(GOOD), config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
    expect(find).toHaveBeenCalledOnce();
    for (const iss of [undefined, 7, [ISSUER]]) expect(verify(tokenOf({ ...GOOD, iss }), config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
    expect(verify(tokenOf('no JSON'), config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
    expect(find).toHaveBeenCalledOnce();
  });

  test('refuses a token whose iss differs from the issuer that the lookup returned', () => {
    const { issuer } = scene({ rules: { issuer: 'https://another.example.com' } });
    const { config } = several(issuer);
    expect(verify(tokenOf(GOOD), config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss', issuer });
    expect(verify(tokenOf(GOOD, { header: { kid: 'k-2' } }), config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
  });

  test('rule 65: looks up the issuer of a cached token again, and reuses the result only for the same issuer', async () => {
    const { issuer } = scene();
    const { find, config } = several(issuer);
    const token = tokenOf(GOOD);
    const first = verify(token, config);
    expect(verify(token, config)).toBe(first);
    expect(find).toHaveBeenLastCalledWith(ISSUER, REQUEST);
    find.mockResolvedValueOnce(issuer);
    expect(await verify(token, config)).toBe(first);
    const cause = new Error('the resolver failed');
    find.mockRejectedValueOnce(cause);
    expect(await verify(token, config)).toMatchObject({ reason: 'issuer_unavailable', cause });
    find.mockReturnValue(scene().issuer);
    const verifiedAgain = verify(token, config);
    expect(subjectOf(verifiedAgain)).toBe('alice');
    expect(verifiedAgain).not.toBe(first);
    find.mockReturnValue(undefined);
    expect(verify(token, config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
    expect(config.cache!.health().entries).toBe(0);
  });
});

describe('rules 65 and 67: checks a cached token on every use', () => {
  test('a cached token is refused to the millisecond when it expires or is not yet valid, and leaves the cache', () => {
    let now = NOW * 1000;
    const { issuer, config } = scene({ now: () => now });
    const token = tokenOf({ ...GOOD, nbf: NOW - 10 });
    const first = verify(token, config);
    now = (NOW + 330) * 1000 - 1;
    expect(verify(token, config)).toBe(first);
    now = (NOW - 40) * 1000 - 1;
    expect(verify(token, config)).toMatchObject({ reason: 'not_yet_valid', cause: 'nbf, in 30 s', issuer });
    expect(config.cache!.health().entries).toBe(0);
    now = (NOW + 330) * 1000;
    expect(verify(token, config)).toMatchObject({ reason: 'expired', cause: 'exp, 30 s ago', issuer });
  });

  test('a cached token is verified again when its key is gone', () => {
    let current: KeySet | undefined = OURS;
    const { issuer, config } = scene({ cachedKeys: (algorithm, keyId) => current?.candidates(algorithm, keyId) });
    const token = tokenOf(GOOD);
    const first = verify(token, config);
    expect(verify(token, config)).toBe(first);
    for (const gone of [undefined, keySet({ 'k-2': ours.publicKey })]) {
      current = OURS;
      expect(subjectOf(verify(token, config))).toBe('alice');
      current = gone;
      expect(verify(token, config)).toMatchObject({ reason: 'unknown_key', issuer });
      expect(config.cache!.health().entries).toBe(0);
    }
  });
});

describe('rule 18: caches parsed headers', () => {
  test('caches a header under its encoded text once a signature over it is verified', () => {
    const { config } = scene();
    void verify(tokenOf(GOOD, { key: others.privateKey }), config);
    expect(config.knownHeaders.size).toBe(0);
    const token = tokenOf(GOOD);
    void verify(token, config);
    expect([...config.knownHeaders]).toEqual([[token.split('.')[0], { algorithm: 'EdDSA', keyId: 'k-1', type: 'at+jwt' }]]);
    const [kept] = config.knownHeaders.values();
    void verify(tokenOf({ ...GOOD, sub: 'bob' }), config);
    expect([...config.knownHeaders.values()]).toEqual([kept]);
    expect(config.knownHeaders.get(token.split('.')[0]!)).toBe(kept);
  });

  test('caches an encoded header of at most 512 characters', () => {
    const { config } = scene();
    const ofLength = (length: number) => tokenOf(GOOD, { header: { x: 'x'.repeat((length * 3) / 4 - JSON.stringify(headerOf({ x: '' })).length) } });
    for (const length of [516, 512]) {
      const token = ofLength(length);
      expect(token.indexOf('.')).toBe(length);
      expect(subjectOf(verify(token, config))).toBe('alice');
      expect(config.knownHeaders.size).toBe(length > 512 ? 0 : 1);
    }
  });

  test('caches up to 100 headers, then starts over', () => {
    const { config } = scene();
    for (let number = 0; number < 100; number++) void verify(tokenOf(GOOD, { header: { number } }), config);
    expect(config.knownHeaders.size).toBe(100);
    void verify(tokenOf({ ...GOOD, sub: 'bob' }, { header: { number: 50 } }), config);
    expect(config.knownHeaders.size).toBe(100);
    void verify(tokenOf(GOOD, { header: { number: 100 } }), config);
    expect(config.knownHeaders.size).toBe(1);
  });
});

test('rule 49: a schema failure names the claims, and auth.claims is the output of the schema', () => {
  const { issuer, config } = scene();
  const schema = (result: { value: object } | { issues: { path: string[] }[] }) => ({
    '~standard': { version: 1 as const, vendor: 'here', validate: () => result },
  });
  expect(verify(tokenOf(GOOD), { ...config, claims: schema({ issues: [{ path: ['tenant'] }] }) })).toStrictEqual({
    reason: 'invalid_claim',
    cause: 'claims: tenant',
    issuer,
  });
  expect(config.cache!.health().entries).toBe(0);
  const auth = verify(tokenOf(GOOD), { ...config, claims: schema({ value: { tenant: 't-1' } }) }) as Auth;
  expect(auth).toMatchObject({ subject: 'alice', claims: { tenant: 't-1' } });
  expect(rawClaims(auth)).toEqual(GOOD);
});

test('evaluates the shadow options for every accepted token, cached or not, and for no refused token', () => {
  const refused = vi.fn();
  subscribe('tokenward:shadow-refused', refused);
  onTestFinished(() => void unsubscribe('tokenward:shadow-refused', refused));
  const { config } = scene();
  const shadowed = { ...config, shadow: { rules: { requiredClaims: ['tenant'] }, algorithms: undefined } };
  const token = tokenOf(GOOD);
  for (let times = 1; times <= 2; times++) {
    expect(subjectOf(verify(token, shadowed))).toBe('alice');
    expect(refused).toHaveBeenCalledTimes(times);
  }
  expect(refused).toHaveBeenLastCalledWith(
    expect.objectContaining({ issuer: ISSUER, reason: 'missing_claim', cause: 'tenant', clientId: undefined }),
    'tokenward:shadow-refused',
  );
  void verify(tokenOf({ ...GOOD, aud: 'x' }), shadowed);
  expect(refused).toHaveBeenCalledTimes(2);
});

test('verifies every token again if there is no cache', () => {
  const { cachedKeys, config } = scene();
  const token = tokenOf(GOOD);
  for (let times = 1; times <= 2; times++) {
    expect(subjectOf(verify(token, { ...config, cache: undefined }))).toBe('alice');
    expect(cachedKeys).toHaveBeenCalledTimes(times);
  }
});

interface SceneConfig extends VerificationConfig {
  readonly knownHeaders: Map<string, JoseHeader>;
}

interface SceneOptions {
  readonly cachedKeys?: KeySource['cachedKeys'];
  readonly fetchKeys?: KeySource['fetchKeys'];
  readonly rules?: Partial<ClaimRules>;
  readonly now?: () => number;
}

function scene({ cachedKeys: cached, fetchKeys: fetched = EMPTY, rules = {}, now = () => NOW * 1000 }: SceneOptions = {}) {
  const cachedKeys = vi.fn(cached ?? ((algorithm: string, keyId: string | undefined) => OURS.candidates(algorithm, keyId)));
  const fetchKeys = vi.fn(fetched);
  const issuer: Issuer = {
    algorithms: new Set(['EdDSA']),
    rules: claimRules({ issuer: ISSUER, audiences: new Set(['api']), ...rules }),
    keys: { ...createGivenKeySource(() => OURS), cachedKeys, fetchKeys },
    introspection: undefined,
    isVerified: true,
    release() {},
  };
  const config: SceneConfig = {
    issuers: oneIssuer(issuer),
    claims: undefined,
    proofs: { dpop: false, mtls: false },
    cache: createTokenCache({ maxEntries: 100, maxBytes: 1e6 }),
    shadow: undefined,
    knownHeaders: new Map(),
    now,
  };
  return { issuer, cachedKeys, fetchKeys, config };
}

function verify(token: string, config: SceneConfig): Auth | VerificationFailure | Promise<Auth | VerificationFailure> {
  const verified = createJwtVerifier(config, config.knownHeaders).verify({ scheme: 'Bearer', token }, REQUEST, config.now() / 1000);
  return verified instanceof Promise ? verified.then(authOf) : authOf(verified);
}

function authOf(verified: Verification): Auth | VerificationFailure {
  return isVerified(verified) ? verified.auth : verified;
}

function subjectOf(result: unknown): string | undefined {
  expect(result).not.toBeInstanceOf(Promise);
  return (result as Auth).subject;
}

function keySet(keys: Record<string, KeyObject>): KeySet {
  return parseKeySet({ keys: Object.entries(keys).map(([kid, key]) => ({ ...key.export({ format: 'jwk' }), kid })) }, ['EdDSA'], 10);
}

function headerOf(members: Record<string, unknown>): Record<string, unknown> {
  return { alg: 'EdDSA', kid: 'k-1', typ: 'at+jwt', ...members };
}

function tokenOf(payload: object | string, { header = {}, key = ours.privateKey }: { header?: Record<string, unknown>; key?: KeyObject } = {}): string {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const signed = [JSON.stringify(headerOf(header)), text].map((part) => Buffer.from(part).toString('base64url')).join('.');
  return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`;
}
