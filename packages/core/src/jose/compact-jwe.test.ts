import { describe, expect, test } from 'vitest';
import { isJweFailure, parseCompactJwe, type JweFailure } from './compact-jwe.js';
import { CONTENT_ENCRYPTION_ALGORITHMS } from './jwe-algorithms.js';

const ALL = new Set(CONTENT_ENCRYPTION_ALGORITHMS);
const RSA = { alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', kid: 'k' };
const EPK = { kty: 'EC', crv: 'P-256', x: bytes(32), y: bytes(32) };
const ECDH = { alg: 'ECDH-ES', enc: 'A128GCM', cty: 'JWT', epk: EPK };

function bytes(length: number): string {
  return Buffer.alloc(length, 7).toString('base64url');
}

function encoded(header: object | string): string {
  return Buffer.from(typeof header === 'string' ? header : JSON.stringify(header)).toString('base64url');
}

interface Parts {
  readonly key?: string;
  readonly iv?: string;
  readonly content?: string;
  readonly tag?: string;
}

function jwe(header: object | string, { key = bytes(256), iv = bytes(12), content = bytes(32), tag = bytes(16) }: Parts = {}): string {
  return [encoded(header), key, iv, content, tag].join('.');
}

function failureOf(token: string, encryptions = ALL): JweFailure {
  const parsed = parseCompactJwe(token, encryptions);
  expect(isJweFailure(parsed)).toBe(true);
  return parsed as JweFailure;
}

test('reads what selects a key, and the claims that the header repeats', () => {
  expect(parseCompactJwe(jwe({ ...RSA, iss: 'i', sub: 's', aud: ['a'], nbf: 1 }), ALL)).toEqual({
    algorithm: 'RSA-OAEP-256',
    encryption: 'A256GCM',
    keyId: 'k',
    curve: undefined,
    keyBytes: 256,
    replicated: { iss: 'i', sub: 's', aud: ['a'] },
  });
  expect(parseCompactJwe(jwe(ECDH, { key: '' }), ALL)).toMatchObject({ keyId: undefined, curve: 'P-256', keyBytes: 0, replicated: undefined });
  const x25519 = { ...ECDH, alg: 'ECDH-ES+A256KW', epk: { kty: 'OKP', crv: 'X25519', x: bytes(32) }, apu: bytes(5), apv: bytes(6) };
  expect(parseCompactJwe(jwe(x25519, { key: bytes(24) }), ALL)).toMatchObject({ curve: 'X25519' });
});

test.each(['JWT', 'jwt', 'application/jwt', 'at+jwt', 'application/at+JWT'])('rule 16: cty may be %s', (cty) => {
  expect(parseCompactJwe(jwe({ ...RSA, cty, typ: cty }), ALL)).toMatchObject({ keyId: 'k' });
});

const SEGMENTS = 'it does not have 5 segments separated by dots';
const HEADER = 'its header is not a strict JSON object in base64url';
const BASE64URL = 'its segments are not base64url';
const MEMBER = 'a member of its header (alg, enc, kid, typ or cty) is missing or not a string';

describe('rule 17: reads an encrypted key of the length for its alg and enc', () => {
  const wrapping = { iv: bytes(12), tag: bytes(16) };

  test.each<[string, object, string, object?]>([
    ['direct', { alg: 'dir' }, ''],
    ['wrapped', { alg: 'A256KW' }, bytes(40)],
    ['wrapped, for half of the content key', { alg: 'A128KW', enc: 'A128GCM' }, bytes(24)],
    ['wrapped with GCM', { alg: 'A256GCMKW', ...wrapping }, bytes(32)],
    ['agreed and wrapped', { alg: 'ECDH-ES+A128KW', epk: EPK }, bytes(40), { curve: 'P-256' }],
    ['RSA', {}, bytes(1)],
    ['direct, with an epk that says nothing there', { alg: 'dir', epk: EPK }, ''],
    ['agreed, with the longest apu and apv', { alg: 'ECDH-ES', epk: EPK, apu: bytes(384), apv: bytes(384) }, '', { curve: 'P-256' }],
  ])('%s', (_name, header, key, more = { curve: undefined }) => {
    expect(parseCompactJwe(jwe({ ...RSA, ...header }, { key }), ALL)).toMatchObject({ keyId: 'k', ...more });
  });

  test('and a content of whole blocks for CBC', () => {
    expect(parseCompactJwe(jwe({ ...RSA, enc: 'A128CBC-HS256' }, { iv: bytes(16) }), ALL)).toMatchObject({ encryption: 'A128CBC-HS256' });
  });
});

describe('rule 17: refuses', () => {
  test.each<[string, object]>([
    ['RSA1_5', { alg: 'RSA1_5' }],
    ['PBES2', { alg: 'PBES2-HS256+A128KW', p2s: 'AAAA', p2c: 1e9 }],
    ['none', { alg: 'none' }],
    ['a signature algorithm', { alg: 'RS256' }],
    ['another spelling of an algorithm', { alg: 'rsa-oaep-256' }],
    ['a member that every object has', { alg: 'constructor' }],
    ['integrated encryption', { alg: 'HPKE-0' }],
  ])('alg %s', (_name, header) => {
    const { alg } = header as { alg: string };
    expect(failureOf(jwe({ ...RSA, ...header }))).toEqual({ reason: 'encrypted_token', cause: 'its alg is not supported', found: alg });
  });

  test.each(['A256CBC', 'a256gcm', 'A256GCM ', '__proto__', ''])('enc %j', (enc) => {
    expect(failureOf(jwe({ ...RSA, enc }))).toMatchObject({ reason: 'encrypted_token', cause: 'its enc is not allowed', found: enc });
  });

  test('an enc that the options do not list', () => {
    expect(failureOf(jwe(RSA), new Set(['A128GCM']))).toMatchObject({ cause: 'its enc is not allowed', expected: ['A128GCM'] });
  });

  test.each(['DEF', null, '', 'none', 1])('zip %j', (zip) => {
    expect(failureOf(jwe({ ...RSA, zip }))).toMatchObject({ reason: 'encrypted_token', cause: 'it is compressed (zip), which is not supported' });
  });

  test.each([
    ['three parts', 'a.b.c', SEGMENTS],
    ['four parts', 'a.b.c.d', SEGMENTS],
    ['six parts', `${jwe(RSA)}.a`, SEGMENTS],
    ['a dot at the end', `${jwe(RSA)}.`, SEGMENTS],
    ['no dots', 'a', SEGMENTS],
    ['an empty header', jwe('').replace(/^[^.]*/, ''), HEADER],
    ['dots alone', '....', HEADER],
    ['a header in the standard alphabet', jwe(RSA).replace(/^[^.]*/, '+/+/'), HEADER],
    ['100,000 dots', '.'.repeat(100_000), SEGMENTS],
    ['padding', jwe(RSA, { tag: `${bytes(16)}==` }), BASE64URL],
    ['the standard alphabet', jwe(RSA, { content: '+/+/' }), BASE64URL],
    ['a key in the standard alphabet', jwe(RSA, { key: '+/+/' }), BASE64URL],
    ['bits to spare', jwe(RSA, { tag: `${bytes(16).slice(0, -1)}x` }), BASE64URL],
    ['an empty initialization vector', jwe(RSA, { iv: '' }), BASE64URL],
    ['an empty content', jwe(RSA, { content: '' }), BASE64URL],
    ['an empty tag', jwe(RSA, { tag: '' }), BASE64URL],
  ])('%s', (_name, token, cause) => {
    expect(failureOf(token)).toEqual({ reason: 'malformed_token', cause });
  });

  test.each<[string, object, Parts, RegExp]>([
    ['a tag of 12 bytes', RSA, { tag: bytes(12) }, /full length/],
    ['a tag of 17 bytes', RSA, { tag: bytes(17) }, /full length/],
    ['half of the tag of CBC', { ...RSA, enc: 'A256CBC-HS512' }, { iv: bytes(16) }, /full length/],
    ['an initialization vector of 16 bytes for GCM', RSA, { iv: bytes(16) }, /initialization vector/],
    ['an initialization vector of 12 bytes for CBC', { ...RSA, enc: 'A128CBC-HS256' }, {}, /initialization vector/],
    ['a content that is not made of blocks', { ...RSA, enc: 'A128CBC-HS256' }, { iv: bytes(16), content: bytes(33) }, /initialization vector or its content/],
    ['no encrypted key for RSA', RSA, { key: '' }, /encrypted key/],
    ['an encrypted key beside a direct one', { ...RSA, alg: 'dir' }, {}, /encrypted key/],
    ['an encrypted key beside an agreed one', ECDH, {}, /encrypted key/],
    ['a wrapped key of another length', { ...RSA, alg: 'A256KW' }, { key: bytes(32) }, /encrypted key/],
    ['a wrapped key of another length (GCM)', { ...RSA, alg: 'A256GCMKW', iv: bytes(12), tag: bytes(16) }, { key: bytes(40) }, /encrypted key/],
    ['a short tag of a wrapped key', { ...RSA, alg: 'A256GCMKW', iv: bytes(12), tag: bytes(12) }, { key: bytes(32) }, /iv or the tag of its key/],
    ['a wrapped key without a tag', { ...RSA, alg: 'A256GCMKW', iv: bytes(12) }, { key: bytes(32) }, /iv or the tag of its key/],
    ['a missing epk', { ...ECDH, epk: undefined }, { key: '' }, /epk/],
    ['an epk that is a string', { ...ECDH, epk: 'x' }, { key: '' }, /epk/],
    ['an epk on another curve', { ...ECDH, epk: { ...EPK, crv: 'secp256k1' } }, { key: '' }, /epk/],
    ['an epk of another kind', { ...ECDH, epk: { ...EPK, kty: 'OKP' } }, { key: '' }, /epk/],
    ['an epk without y', { ...ECDH, epk: { ...EPK, y: undefined } }, { key: '' }, /epk/],
    ['an epk with a short coordinate', { ...ECDH, epk: { ...EPK, x: bytes(31) } }, { key: '' }, /epk/],
    ['an epk with a long coordinate', { ...ECDH, epk: { ...EPK, x: bytes(3000) } }, { key: '' }, /epk/],
    ['an apu that is not base64url', { ...ECDH, apu: 'a+b' }, { key: '' }, /apu or apv/],
    ['an apv that is no string', { ...ECDH, apv: 7 }, { key: '' }, /apu or apv/],
    ['an apv that is a list', { ...ECDH, apv: ['AAAA'] }, { key: '' }, /apu or apv/],
    ['a long apv', { ...ECDH, apv: bytes(385) }, { key: '' }, /apu or apv/],
    ['an empty initialization vector of a wrapped key', { ...RSA, alg: 'A256GCMKW', iv: '', tag: bytes(16) }, { key: bytes(32) }, /iv or the tag/],
    ['an epk on a curve that is a number', { ...ECDH, epk: { ...EPK, crv: 256 } }, { key: '' }, /epk/],
    ['an epk whose coordinate is a number', { ...ECDH, epk: { ...EPK, y: 7 } }, { key: '' }, /epk/],
  ])('%s', (_name, header, parts, cause) => {
    expect(failureOf(jwe(header, parts))).toMatchObject({ reason: 'encrypted_token', cause: expect.stringMatching(cause) as unknown });
  });
});

describe('the header of a JWE is held to the rules of a JWS header', () => {
  const malformed = (cause: string) => ({ reason: 'malformed_token', cause });
  const critical = { reason: 'unsupported_critical_header' };
  const refused = (cause: string, expected: readonly string[], found?: string) => ({ reason: 'encrypted_token', cause, expected, found });
  const CTY = 'its cty does not say that it contains a signed JWT (RFC 7519 s5.2)';

  test.each<[string, object | string, object]>([
    ['rule 11: a repeated member', '{"alg":"dir","enc":"A256GCM","cty":"JWT","cty":"JWT"}', malformed(HEADER)],
    ['rule 11: a repeated member, escaped', '{"alg":"dir","enc":"A256GCM","cty":"JWT","\\u0063ty":"JWT"}', malformed(HEADER)],
    ['rule 11: a repeated member within epk', `{"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT","epk":{"kty":"EC","kty":"EC"}}`, malformed(HEADER)],
    ['rule 12: a list', '[]', malformed(HEADER)],
    ['rule 12: null', 'null', malformed(HEADER)],
    ['rule 13: __proto__', '{"__proto__":{"alg":"dir"},"enc":"A256GCM","cty":"JWT"}', malformed(HEADER)],
    ['rule 14: alg that is a list', { ...RSA, alg: ['RSA-OAEP-256'] }, malformed(MEMBER)],
    ['rule 14: enc that is missing', { ...RSA, enc: undefined }, malformed(MEMBER)],
    ['rule 14: kid that is a number', { ...RSA, kid: 1 }, malformed(MEMBER)],
    ['rule 14: typ that is an object', { ...RSA, typ: {} }, malformed(MEMBER)],
    ['rule 14: cty that is a list', { ...RSA, cty: ['JWT'] }, malformed(MEMBER)],
    ['rule 15: crit', { ...RSA, crit: ['exp'], exp: 1 }, critical],
    ['rule 15: an empty crit', { ...RSA, crit: [] }, critical],
    ['rule 29: a long kid', { ...RSA, kid: 'k'.repeat(513) }, malformed('its kid is too long')],
    ['rule 16: no cty', { ...RSA, cty: undefined }, refused(CTY, ['JWT'])],
    ['rule 16: cty null', { ...RSA, cty: null }, refused(CTY, ['JWT'])],
    ['rule 16: another cty', { ...RSA, cty: 'json' }, refused(CTY, ['JWT'], 'json')],
    ['rule 16: a cty around a prefix', { ...RSA, cty: 'jwapplication/t' }, refused(CTY, ['JWT'], 'jwapplication/t')],
    ['rule 16: a cty that contains another one', { ...RSA, cty: 'xapplication/jwt' }, refused(CTY, ['JWT'], 'xapplication/jwt')],
    [
      'rule 37: the typ of another kind of token',
      { ...RSA, typ: 'logout+jwt' },
      refused('its typ is not that of an access token', ['at+jwt', 'JWT'], 'logout+jwt'),
    ],
  ])('%s', (_name, header, expected) => {
    expect(failureOf(jwe(header))).toEqual(expected);
  });

  test('rules 8 and 12: a long header is not read', () => {
    const long = { ...RSA, x: 'x'.repeat(9000) };
    const nested = `{"alg":"dir","enc":"A256GCM","cty":"JWT","x":${'['.repeat(9000)}${']'.repeat(9000)}}`;
    for (const header of [long, nested]) expect(failureOf(jwe(header))).toEqual({ reason: 'token_too_large', cause: 'its header is longer than 8 KiB' });
    const ofBytes = (count: number) => parseCompactJwe(jwe(JSON.stringify(RSA).padEnd(count)), ALL);
    expect(ofBytes(8192)).toMatchObject({ keyId: 'k' });
    expect(ofBytes(8193)).toMatchObject({ reason: 'token_too_large' });
  });

  test('rules 29 and 168: reads a kid of 512 characters, and takes null for none', () => {
    const kid = 'k'.repeat(512);
    expect(parseCompactJwe(jwe({ ...RSA, kid }), ALL)).toMatchObject({ keyId: kid });
    expect(parseCompactJwe(jwe({ ...RSA, kid: null, typ: null }), ALL)).toMatchObject({ keyId: undefined });
  });

  test('rule 10: a byte order mark, and bytes that are not UTF-8', () => {
    const text = JSON.stringify(RSA);
    for (const raw of [Buffer.from(`\ufeff${text}`), Buffer.concat([Buffer.from(text.slice(0, -2)), Buffer.from([0xff, 0x22, 0x7d])])])
      expect(failureOf(jwe(RSA).replace(/^[^.]*/, raw.toString('base64url'))).reason).toBe('malformed_token');
  });
});
