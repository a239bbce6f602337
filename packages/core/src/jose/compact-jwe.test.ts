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
  expect(parseCompactJwe(jwe({ ...RSA, iss: 'i', aud: ['a'], nbf: 1 }), ALL)).toEqual({
    algorithm: 'RSA-OAEP-256',
    encryption: 'A256GCM',
    keyId: 'k',
    curve: undefined,
    keyBytes: 256,
    replicated: { iss: 'i', aud: ['a'] },
  });
  expect(parseCompactJwe(jwe(ECDH, { key: '' }), ALL)).toMatchObject({ keyId: undefined, curve: 'P-256', keyBytes: 0, replicated: undefined });
  const x25519 = { ...ECDH, alg: 'ECDH-ES+A256KW', epk: { kty: 'OKP', crv: 'X25519', x: bytes(32) }, apu: bytes(5), apv: bytes(6) };
  expect(parseCompactJwe(jwe(x25519, { key: bytes(24) }), ALL)).toMatchObject({ curve: 'X25519' });
});

test.each(['JWT', 'jwt', 'application/jwt', 'at+jwt', 'application/at+JWT'])('rule 16: cty may be %s', (cty) => {
  expect(parseCompactJwe(jwe({ ...RSA, cty, typ: cty }), ALL)).toMatchObject({ keyId: 'k' });
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
    expect(failureOf(jwe({ ...RSA, ...header }))).toMatchObject({ reason: 'encrypted_token', cause: 'its alg is not supported' });
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
    ['three parts', 'a.b.c'],
    ['four parts', 'a.b.c.d'],
    ['six parts', `${jwe(RSA)}.a`],
    ['a dot at the end', `${jwe(RSA)}.`],
    ['an empty header', jwe('').replace(/^[^.]*/, '')],
    ['dots alone', '....'],
    ['100,000 dots', '.'.repeat(100_000)],
    ['padding', jwe(RSA, { tag: `${bytes(16)}==` })],
    ['the standard alphabet', jwe(RSA, { content: '+/+/' })],
    ['bits to spare', jwe(RSA, { tag: `${bytes(16).slice(0, -1)}x` })],
    ['an empty initialization vector', jwe(RSA, { iv: '' })],
    ['an empty content', jwe(RSA, { content: '' })],
    ['an empty tag', jwe(RSA, { tag: '' })],
  ])('%s', (_name, token) => {
    expect(failureOf(token).reason).toBe('malformed_token');
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
    ['a long apv', { ...ECDH, apv: bytes(600) }, { key: '' }, /apu or apv/],
  ])('%s', (_name, header, parts, cause) => {
    expect(failureOf(jwe(header, parts))).toMatchObject({ reason: 'encrypted_token', cause: expect.stringMatching(cause) as unknown });
  });
});

describe('the header of a JWE is held to the rules of a JWS header', () => {
  test.each<[string, object | string, JweFailure['reason']]>([
    ['rule 11: a repeated member', '{"alg":"dir","enc":"A256GCM","cty":"JWT","cty":"JWT"}', 'malformed_token'],
    ['rule 11: a repeated member, escaped', '{"alg":"dir","enc":"A256GCM","cty":"JWT","\\u0063ty":"JWT"}', 'malformed_token'],
    ['rule 11: a repeated member within epk', `{"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT","epk":{"kty":"EC","kty":"EC"}}`, 'malformed_token'],
    ['rule 12: a list', '[]', 'malformed_token'],
    ['rule 12: null', 'null', 'malformed_token'],
    ['rule 12: deep nesting', `{"alg":"dir","enc":"A256GCM","cty":"JWT","x":${'['.repeat(9000)}${']'.repeat(9000)}}`, 'token_too_large'],
    ['rule 13: __proto__', '{"__proto__":{"alg":"dir"},"enc":"A256GCM","cty":"JWT"}', 'malformed_token'],
    ['rule 14: alg that is a list', { ...RSA, alg: ['RSA-OAEP-256'] }, 'malformed_token'],
    ['rule 14: enc that is missing', { ...RSA, enc: undefined }, 'malformed_token'],
    ['rule 14: kid that is a number', { ...RSA, kid: 1 }, 'malformed_token'],
    ['rule 14: typ that is an object', { ...RSA, typ: {} }, 'malformed_token'],
    ['rule 14: cty that is a list', { ...RSA, cty: ['JWT'] }, 'malformed_token'],
    ['rule 15: crit', { ...RSA, crit: ['exp'], exp: 1 }, 'unsupported_critical_header'],
    ['rule 15: an empty crit', { ...RSA, crit: [] }, 'unsupported_critical_header'],
    ['rule 29: a long kid', { ...RSA, kid: 'k'.repeat(513) }, 'malformed_token'],
    ['rule 8: a long header', { ...RSA, x: 'x'.repeat(9000) }, 'token_too_large'],
    ['rule 16: no cty', { ...RSA, cty: undefined }, 'encrypted_token'],
    ['rule 16: cty null', { ...RSA, cty: null }, 'encrypted_token'],
    ['rule 16: another cty', { ...RSA, cty: 'json' }, 'encrypted_token'],
    ['rule 37: the typ of another kind of token', { ...RSA, typ: 'logout+jwt' }, 'encrypted_token'],
  ])('%s', (_name, header, reason) => {
    expect(failureOf(jwe(header)).reason).toBe(reason);
  });

  test('rule 10: a byte order mark, and bytes that are not UTF-8', () => {
    const text = JSON.stringify(RSA);
    for (const raw of [Buffer.from(`\ufeff${text}`), Buffer.concat([Buffer.from(text.slice(0, -2)), Buffer.from([0xff, 0x22, 0x7d])])])
      expect(failureOf(jwe(RSA).replace(/^[^.]*/, raw.toString('base64url'))).reason).toBe('malformed_token');
  });
});
