import { afterEach, describe, expect, test, vi } from 'vitest';
import { parseCompactJws, type JoseHeader } from './compact-jws.js';

afterEach(() => vi.restoreAllMocks());

test('returns the parsed header of a token, and its signing input, payload and signature as bytes', () => {
  const header64 = segment({ alg: 'RS256', kid: 'k-1', typ: 'at+jwt' });
  expect(parseCompactJws(`${header64}.${segment({ sub: 'a' })}.AQID`)).toEqual({
    header64,
    header: { algorithm: 'RS256', keyId: 'k-1', type: 'at+jwt' },
    signed: `${header64}.${segment({ sub: 'a' })}`,
    payload: Buffer.from('{"sub":"a"}'),
    signature: Buffer.of(1, 2, 3),
  });
});

describe('rules 12 and 21: refuses a token without three segments', () => {
  const good = segment({ alg: 'RS256' });
  test.each([
    ['an empty string', ''],
    ['one dot', '.'],
    ['two dots', '..'],
    ['three dots', '...'],
    ['five dots', '.....'],
    ['one segment', good],
    ['one segment that starts with a valid header', `${segment('{"alg":"RS256" }')}A`],
    ['two segments', `${good}.${good}`],
    ['an empty header', `.${good}.AQID`],
    ['an empty payload', `${good}..AQID`],
    ['an empty signature', `${good}.${good}.`],
    ['four segments', `${good}.${good}.AQID.AQID`],
    ['a trailing dot', `${good}.${good}.AQID.`],
    ['five segments, the first of them empty', '.a.b.c.d'],
    ['six segments', `${good}.a.b.c.d.e`],
    ['a signature with a line break', `${good}.${good}.AQID\n`],
    ['a payload in the standard alphabet', `${good}.+/+/.AQID`],
    ['a header with padding', `${good}==.${good}.AQID`],
    ['spare bits in the signature', `${good}.${good}.AQJ`],
  ])('refuses %s', (_name, token) => {
    expect(parseCompactJws(token)).toBe('malformed_token');
  });
});

describe('rule 16: refuses a token that is encrypted, nested or not compact', () => {
  const good = segment({ alg: 'RSA-OAEP', enc: 'A256GCM' });
  test.each([
    ['a compact JWE', `${good}.a.b.c.d`],
    ['a JWE with direct encryption, whose key is empty', `${good}..b.c.d`],
    ['cty JWT', `${segment({ alg: 'RS256', cty: 'JWT' })}.e30.AQID`],
    ['cty jwt', `${segment({ alg: 'RS256', cty: 'jwt' })}.e30.AQID`],
    ['cty application/jwt', `${segment({ alg: 'RS256', cty: 'Application/JWT' })}.e30.AQID`],
  ])('refuses %s', (_name, token) => {
    expect(parseCompactJws(token)).toBe('encrypted_token');
  });

  test.each([
    ['the flattened JSON serialization', JSON.stringify({ protected: segment({ alg: 'RS256' }), payload: 'e30', signature: 'AQID' })],
    ['the general JSON serialization with dots in it', '{"payload":"a.b.c","signatures":[]}'],
    ['JSON around a compact token', `{"a":"${segment({ alg: 'RS256' })}.e30.AQID"}`],
  ])('refuses %s', (_name, token) => {
    expect(parseCompactJws(token)).toBe('malformed_token');
  });

  test.each(['json', 'application/json', 'japplication/wt'])('accepts another content type: %s', (cty) => {
    expect(parseCompactJws(`${segment({ alg: 'RS256', cty })}.e30.AQID`)).toBeTypeOf('object');
  });
});

describe('rule 12: refuses a header that is not a JSON object', () => {
  test.each(['', ' ', '[]', 'null', '1', '"alg"', '{', '{"alg":"RS256"} x', '\ufeff{"alg":"RS256"}', '{"alg":"RS256","alg":"RS256"}'])(
    'refuses the header %j',
    (text) => {
      expect(parseCompactJws(`${segment(text)}.e30.AQID`)).toBe('malformed_token');
    },
  );

  test('refuses a deeply nested header', () => {
    expect(parseCompactJws(`${segment('['.repeat(4_000))}.e30.AQID`)).toBe('malformed_token');
    expect(parseCompactJws(`${segment(`{"alg":"RS256","a":${'['.repeat(3_000)}${']'.repeat(3_000)}}`)}.e30.AQID`)).toBe('malformed_token');
  });
});

describe('rule 14: checks the types of header parameters', () => {
  test.each(['kid', 'typ', 'cty', 'alg'])('refuses a %s that is not a string', (name) => {
    for (const value of [0, 1, true, false, [], ['RS256'], {}, { toString: 'RS256' }]) {
      expect(parseCompactJws(`${segment({ alg: 'RS256', [name]: value })}.e30.AQID`)).toBe('malformed_token');
    }
  });

  test('refuses a header whose alg is absent or null', () => {
    expect(parseCompactJws(`${segment({ kid: 'k-1' })}.e30.AQID`)).toBe('malformed_token');
    expect(parseCompactJws(`${segment({ alg: null, kid: 'k-1' })}.e30.AQID`)).toBe('malformed_token');
  });

  test.each(['kid', 'typ', 'cty'])('rule 168: a %s that is null counts as absent', (name) => {
    const whole = { alg: 'RS256', kid: 'k-1', typ: 'JWT', cty: 'json' };
    const { header } = parseCompactJws(`${segment({ ...whole, [name]: undefined })}.e30.AQID`) as { header: object };
    expect(parseCompactJws(`${segment({ ...whole, [name]: null })}.e30.AQID`)).toMatchObject({ header });
  });

  test('rule 29: accepts a kid of 512 characters, and refuses one of 513', () => {
    const withKid = (length: number) => parseCompactJws(`${segment({ alg: 'RS256', kid: 'k'.repeat(length) })}.e30.AQID`);
    expect(withKid(512)).toMatchObject({ header: { keyId: 'k'.repeat(512) } });
    expect(withKid(513)).toBe('malformed_token');
  });

  test('rule 13: refuses a header with a member named __proto__', () => {
    expect(parseCompactJws(`${segment('{"__proto__":{"alg":"RS256"}}')}.e30.AQID`)).toBe('malformed_token');
    expect(parseCompactJws(`${segment('{"alg":"RS256","__proto__":{"kid":"k-1"}}')}.e30.AQID`)).toBe('malformed_token');
  });
});

describe('rule 15: refuses any crit, and an unencoded payload', () => {
  test.each<[string, object]>([
    ['an empty crit', { crit: [] }],
    ['a crit that is null', { crit: null }],
    ['a crit that is a string', { crit: 'exp' }],
    ['a crit of numbers', { crit: [1] }],
    ['a crit that repeats', { crit: ['exp', 'exp'], exp: 1 }],
    ['a crit that names an unknown header', { crit: ['x-unheard'], 'x-unheard': 1 }],
    ['a crit that names an absent header', { crit: ['exp'] }],
    ['a crit that names a registered header', { crit: ['alg'] }],
    ['b64 false', { b64: false }],
    ['b64 false with crit', { b64: false, crit: ['b64'] }],
    ['b64 true with crit', { b64: true, crit: ['b64'] }],
    ['a b64 that is null', { b64: null }],
    ['a b64 that is 1', { b64: 1 }],
  ])('refuses %s', (_name, members) => {
    expect(parseCompactJws(`${segment({ alg: 'RS256', ...members })}.e30.AQID`)).toBe('unsupported_critical_header');
  });

  test('accepts b64 true, which is the default', () => {
    expect(parseCompactJws(`${segment({ alg: 'RS256', b64: true })}.e30.AQID`)).toBeTypeOf('object');
  });
});

describe('rule 8: checks lengths before decoding', () => {
  test('refuses 100,000 dots without splitting or decoding the token', () => {
    const split = vi.spyOn(String.prototype, 'split');
    const from = vi.spyOn(Buffer, 'from');
    const dots = '.'.repeat(100_000);
    expect(parseCompactJws(dots)).toBe('malformed_token');
    expect(parseCompactJws(`a${dots}`)).toBe('malformed_token');
    expect(parseCompactJws(`a.b.c${dots}`)).toBe('malformed_token');
    expect(split).not.toHaveBeenCalled();
    expect(from).not.toHaveBeenCalled();
  });

  test('accepts a header of 8192 bytes, and refuses one of 8193 without decoding it', () => {
    const ofLength = (bytes: number) => segment(`{"alg":"RS256"}`.padEnd(bytes));
    const from = vi.spyOn(Buffer, 'from');
    expect(parseCompactJws(`${ofLength(8_192)}.e30.AQID`)).toMatchObject({ header: { algorithm: 'RS256' } });
    const tooLong = `${ofLength(8_193)}.e30.AQID`;
    from.mockClear();
    expect(parseCompactJws(tooLong)).toBe('token_too_large');
    expect(from).not.toHaveBeenCalled();
  });
});

describe('with a cache of known headers', () => {
  test('returns the cached header for the same encoded text only', () => {
    const header64 = segment({ alg: 'RS256', kid: 'k-1' });
    const header: JoseHeader = { algorithm: 'RS256', keyId: 'k-1', type: undefined };
    const known = new Map([[header64, header]]);
    const jws = parseCompactJws(`${header64}.e30.AQID`, known);
    expect(jws).toMatchObject({ header64 });
    expect((jws as { header: JoseHeader }).header).toBe(header);
    const other = parseCompactJws(`${segment({ alg: 'RS256', kid: 'k-10' })}.e30.AQID`, known);
    expect(other).toMatchObject({ header: { keyId: 'k-10' } });
    expect([...known.keys()]).toEqual([header64]);
  });

  test('still checks the payload, the signature and the number of segments', () => {
    const header64 = segment({ alg: 'RS256' });
    const known = new Map([[header64, { algorithm: 'RS256', keyId: undefined, type: undefined }]]);
    expect(parseCompactJws(`${header64}.e31.AQID`, known)).toBe('malformed_token');
    expect(parseCompactJws(`${header64}.e30.AQID=`, known)).toBe('malformed_token');
    expect(parseCompactJws(`${header64}.a.b.c.d`, known)).toBe('encrypted_token');
  });
});

function segment(content: object | string): string {
  return Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)).toString('base64url');
}
