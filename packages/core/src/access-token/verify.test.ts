import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { rawClaims, type Auth } from '../auth/auth.js';
import { oneIssuer, type Issuer, type Issuers } from '../issuer/issuer.js';
import { parseKeySet, type KeySet } from '../jose/key-set.js';
import { createGivenKeySource, type FoundKeys, type KeySource } from '../keys/key-source.js';
import type { JoseHeader } from '../jose/compact-jws.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { ClaimRules } from '../issuer/claim-rules.js';
import { createTokenCache } from './token-cache.js';
import { createJwtVerifier, type VerificationConfig } from './verify.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';
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

describe('rules 18 and 52: what a refusal tells, and whether keys are asked for', () => {
  test('a token that could not be one of anybody is told without an issuer', () => {
    const { newer, config } = scene();
    expect(verify('a b', config)).toMatchObject({ reason: 'malformed_credentials' });
    expect(verify('a.b', config)).toMatchObject({ reason: 'malformed_token' });
    expect(verify('a.b.c.d.e', config)).toMatchObject({ reason: 'encrypted_token' });
    expect(verify(`${'a'.repeat(20_000)}.b.c`, config)).toMatchObject({ reason: 'token_too_large' });
    expect(verify(`${'*'.repeat(20_000)}.b.c`, config)).toMatchObject({ reason: 'token_too_large' });
    expect(newer).not.toHaveBeenCalled();
  });

  test('a type or an algorithm that is not accepted is refused ahead of all keys', () => {
    const { issuer, held, config } = scene();
    expect(verify(tokenOf(GOOD, { header: { typ: 'logout+jwt' } }), config)).toMatchObject({ reason: 'wrong_type', cause: 'typ', issuer });
    expect(verify(tokenOf(GOOD, { header: { alg: 'RS256' } }), config)).toMatchObject({ reason: 'algorithm_not_allowed', cause: 'alg', issuer });
    expect(held).not.toHaveBeenCalled();
  });

  test('a bad signature under a known kid is looked up, since the key may be another by now, and stays one where nobody can be asked', async () => {
    const token = tokenOf(GOOD, { key: others.privateKey });
    const theirs = keySet({ 'k-1': others.publicKey }).candidates('EdDSA', 'k-1');
    const cause = new Error('no answer');
    for (const [found, verdict] of [
      [[], 'bad_signature'],
      [{ retryAfterSeconds: 7, cause }, 'bad_signature'],
      [OURS.candidates('EdDSA', 'k-1'), 'bad_signature'],
      [theirs, 'alice'],
    ] as [FoundKeys, string][]) {
      const { newer, config } = scene({ newer: () => found });
      const settled = await verify(token, config);
      expect('reason' in settled ? settled.reason : subjectOf(settled)).toBe(verdict);
      expect(newer).toHaveBeenCalledExactlyOnceWith('EdDSA', 'k-1');
    }
  });

  test('a bad signature under a known kid that claims another issuer is one, and nobody is asked', () => {
    const { issuer, newer, config } = scene();
    expect(verify(tokenOf({ ...GOOD, iss: 'https://elsewhere.example.com' }, { key: others.privateKey }), config)).toMatchObject({
      reason: 'bad_signature',
      issuer,
    });
    expect(newer).not.toHaveBeenCalled();
  });

  test.each<[string, Record<string, unknown>]>([
    ['unknown', { kid: 'k-2' }],
    ['absent', { kid: undefined }],
  ])('a token of somebody else, whose kid is %s, makes nobody ask', (_name, header) => {
    const { newer, config } = scene();
    for (const iss of ['https://elsewhere.example.com', undefined, [ISSUER]]) {
      const token = tokenOf({ ...GOOD, iss }, { header, key: others.privateKey });
      expect(verify(token, config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
    }
    const noJson = tokenOf('no JSON', { header, key: others.privateKey });
    expect(verify(noJson, config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
    expect(newer).not.toHaveBeenCalled();
  });

  test('a good signature over what is no JSON object is a malformed token', () => {
    const { issuer, config } = scene();
    for (const payload of ['no JSON', '[]', '{"iss":"a","iss":"b"}'])
      expect(verify(tokenOf(payload), config)).toMatchObject({ reason: 'malformed_token', issuer });
    expect(config.cache!.health().entries).toBe(0);
  });

  test('a claim that is refused is told with its name and the issuer, and is not remembered', () => {
    const { issuer, config } = scene();
    expect(verify(tokenOf({ ...GOOD, aud: 'x' }), config)).toMatchObject({ reason: 'audience_mismatch', cause: 'aud', issuer });
    expect(config.cache!.health().entries).toBe(0);
  });
});

describe('rule 59: keys that are not at hand', () => {
  test.each<[string, KeySource['held'], Record<string, unknown>, string]>([
    ['none are held', () => undefined, {}, 'unknown_key'],
    ['none of that name', EMPTY, {}, 'unknown_key'],
    ['no name, and none fits', () => OURS.candidates('EdDSA', 'k-1'), { kid: undefined }, 'bad_signature'],
  ])('are asked for where %s', async (_name, held, header, otherwise) => {
    const token = tokenOf(GOOD, { header, key: others.privateKey });
    const answers: [FoundKeys, string][] = [
      [[], otherwise],
      [OURS.candidates('EdDSA', 'k-1'), 'bad_signature'],
    ];
    for (const [found, reason] of answers) {
      const atOnce = scene({ held, newer: () => found });
      expect(verify(token, atOnce.config)).toMatchObject({ reason, issuer: atOnce.issuer });
      const later = scene({ held, newer: async () => found });
      const verdict = verify(token, later.config);
      expect(verdict).toBeInstanceOf(Promise);
      expect(await verdict).toMatchObject({ reason, issuer: later.issuer });
    }
    const theirs = keySet({ 'k-2': others.publicKey }).candidates('EdDSA', 'k-2');
    const { newer, config } = scene({ held, newer: () => theirs });
    expect(subjectOf(verify(token, config))).toBe('alice');
    expect(newer).toHaveBeenCalledExactlyOnceWith('EdDSA', 'kid' in header ? undefined : 'k-1');
  });

  test('rule 61: where their issuer can not be reached it is told when to come again, and why', async () => {
    const cause = new Error('no answer');
    for (const newer of [() => ({ retryAfterSeconds: 7, cause }), async () => ({ retryAfterSeconds: 7, cause })]) {
      const { issuer, config } = scene({ held: EMPTY, newer });
      expect(await verify(tokenOf(GOOD), config)).toMatchObject({ reason: 'keys_unavailable', cause, retryAfterSeconds: 7, issuer });
    }
  });
});

describe('rules 38 and 140: of several issuers, the one that the token claims is asked for', () => {
  const several = (found: Issuer | undefined | Promise<Issuer | undefined>) => {
    const { issuer, config } = scene();
    const find = vi.fn<Issuers['find']>(() => found);
    return { issuer, find, config: { ...config, issuers: { ...oneIssuer(issuer), only: undefined, find } } };
  };

  test('with the request, and at once where that can be', () => {
    const { issuer } = scene();
    const { find, config } = several(issuer);
    expect(subjectOf(verify(tokenOf(GOOD), config))).toBe('alice');
    expect(find).toHaveBeenCalledExactlyOnceWith(ISSUER, REQUEST);
  });

  test('or later', async () => {
    const { issuer } = scene();
    expect(subjectOf(await verify(tokenOf(GOOD), several(Promise.resolve(issuer)).config))).toBe('alice');
    expect(await verify(tokenOf(GOOD), several(Promise.resolve(undefined)).config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
    const cause = new Error('the resolver failed');
    expect(await verify(tokenOf(GOOD), several(Promise.reject(cause)).config)).toMatchObject({ reason: 'issuer_unavailable', cause });
  });

  test('one that is none of ours is foreign, and what claims none is not asked for', () => {
    const { find, config } = several(undefined);
    expect(verify(tokenOf(GOOD), config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
    expect(find).toHaveBeenCalledOnce();
    for (const iss of [undefined, 7, [ISSUER]]) expect(verify(tokenOf({ ...GOOD, iss }), config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
    expect(verify(tokenOf('no JSON'), config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
    expect(find).toHaveBeenCalledOnce();
  });

  test('what it answers is held against iss once more', () => {
    const { issuer } = scene({ rules: { issuer: 'https://another.example.com' } });
    const { config } = several(issuer);
    expect(verify(tokenOf(GOOD), config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss', issuer });
    expect(verify(tokenOf(GOOD, { header: { kid: 'k-2' } }), config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
  });

  test('rule 65: a token that is remembered asks again whose it is, and counts only for that very issuer', async () => {
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
    const anew = verify(token, config);
    expect(subjectOf(anew)).toBe('alice');
    expect(anew).not.toBe(first);
    find.mockReturnValue(undefined);
    expect(verify(token, config)).toMatchObject({ reason: 'issuer_mismatch', cause: 'iss' });
    expect(config.cache!.health().entries).toBe(0);
  });
});

describe('rules 65 and 67: a token that is remembered', () => {
  test('is asked for its time, to the millisecond, and forgotten when that is over', () => {
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

  test('needs its very key, and is looked at anew where that is gone', () => {
    let current: KeySet | undefined = OURS;
    const { issuer, config } = scene({ held: (algorithm, keyId) => current?.candidates(algorithm, keyId) });
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

describe('rule 18: headers are kept once a signature over them holds', () => {
  test('by their text, and not otherwise', () => {
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

  test('up to 512 characters', () => {
    const { config } = scene();
    const ofLength = (length: number) => tokenOf(GOOD, { header: { x: 'x'.repeat((length * 3) / 4 - JSON.stringify(headerOf({ x: '' })).length) } });
    for (const length of [516, 512]) {
      const token = ofLength(length);
      expect(token.indexOf('.')).toBe(length);
      expect(subjectOf(verify(token, config))).toBe('alice');
      expect(config.knownHeaders.size).toBe(length > 512 ? 0 : 1);
    }
  });

  test('a hundred of them, and then from the beginning', () => {
    const { config } = scene();
    for (let number = 0; number < 100; number++) void verify(tokenOf(GOOD, { header: { number } }), config);
    expect(config.knownHeaders.size).toBe(100);
    void verify(tokenOf({ ...GOOD, sub: 'bob' }, { header: { number: 50 } }), config);
    expect(config.knownHeaders.size).toBe(100);
    void verify(tokenOf(GOOD, { header: { number: 100 } }), config);
    expect(config.knownHeaders.size).toBe(1);
  });
});

test('rule 49: claims that a schema refuses are told by their names, and what it makes of them is what the Auth holds', () => {
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

test('a shadow is cast by every token that is admitted, one that is remembered too, and by no other', () => {
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
  expect(refused).toHaveBeenLastCalledWith({ issuer: ISSUER, reason: 'missing_claim', cause: 'tenant', clientId: undefined }, 'tokenward:shadow-refused');
  void verify(tokenOf({ ...GOOD, aud: 'x' }), shadowed);
  expect(refused).toHaveBeenCalledTimes(2);
});

test('without a cache every token is looked at anew', () => {
  const { held, config } = scene();
  const token = tokenOf(GOOD);
  for (let times = 1; times <= 2; times++) {
    expect(subjectOf(verify(token, { ...config, cache: undefined }))).toBe('alice');
    expect(held).toHaveBeenCalledTimes(times);
  }
});

interface SceneConfig extends VerificationConfig {
  readonly knownHeaders: Map<string, JoseHeader>;
}

interface Wishes {
  readonly held?: KeySource['held'];
  readonly newer?: KeySource['newer'];
  readonly rules?: Partial<ClaimRules>;
  readonly now?: () => number;
}

function scene({ held: wished, newer: asked = EMPTY, rules = {}, now = () => NOW * 1000 }: Wishes = {}) {
  const held = vi.fn(wished ?? ((algorithm: string, keyId: string | undefined) => OURS.candidates(algorithm, keyId)));
  const newer = vi.fn(asked);
  const issuer: Issuer = {
    algorithms: new Set(['EdDSA']),
    rules: claimRules({ issuer: ISSUER, audiences: new Set(['api']), ...rules }),
    keys: { ...createGivenKeySource(() => OURS), held, newer },
    isVerified: true,
    release() {},
  };
  const config: SceneConfig = {
    issuers: oneIssuer(issuer),
    claims: undefined,
    cache: createTokenCache({ maxEntries: 100, maxBytes: 1e6 }),
    shadow: undefined,
    knownHeaders: new Map(),
    now,
  };
  return { issuer, held, newer, config };
}

function verify(token: string, config: SceneConfig): Auth | VerificationFailure | Promise<Auth | VerificationFailure> {
  const verified = createJwtVerifier(config, config.knownHeaders).verify({ scheme: 'Bearer', token }, REQUEST, config.now() / 1000);
  return verified instanceof Promise ? verified.then(authOf) : authOf(verified);
}

function authOf(verified: Verification): Auth | VerificationFailure {
  return isVerified(verified) ? verified.auth : verified;
}

function subjectOf(verdict: unknown): string | undefined {
  expect(verdict).not.toBeInstanceOf(Promise);
  return (verdict as Auth).subject;
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
