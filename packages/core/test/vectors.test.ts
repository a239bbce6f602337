import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { TRAITS, type Algorithm } from '../src/jose/algorithms.js';
import { parseCompactJws, type CompactJws } from '../src/jose/compact-jws.js';
import { findSigningKey } from '../src/jose/signature.js';
import { parseKeySet, type PreparedKey } from '../src/jose/key-set.js';
import { readSecret, secretKeySet } from '../src/keys/shared-secrets.js';

/*
 * Published signatures with their published results. Their payloads are not access tokens, so the tests call the parser and the signature check
 * directly. Where we refuse a valid one, the case names the rule that makes us stricter.
 */
interface Published<C> {
  readonly source: string;
  readonly licence: string;
  readonly cases: readonly C[];
}

interface PublishedKey {
  readonly kty: string;
  readonly k?: string;
}

interface PublishedToken {
  readonly name: string;
  readonly alg: Algorithm;
  readonly key?: PublishedKey;
  readonly token: string;
  /** `valid`, or our reason to refuse it. */
  readonly outcome: string;
  readonly rule?: number;
}

interface PublishedSignature {
  readonly alg: Algorithm;
  readonly key: PublishedKey;
  readonly data: string;
  readonly signature: string;
  /** `P`, or `F` and what was changed. */
  readonly result: string;
}

describe.each(['rfc7515', 'rfc7520', 'rfc8037'])('tokens of %s', (file) => {
  const { source, licence, cases } = read<PublishedToken>(file);

  test.each(cases)('$name: $outcome', ({ alg, key, token, outcome, rule }) => {
    const jws = parseCompactJws(token);
    if (outcome !== 'valid') {
      expect(rule).toBeGreaterThan(0);
      expect(jws).toBe(outcome);
      return;
    }
    expect(jws).toMatchObject({ header: { algorithm: alg } });
    const keys = keysOf(key!, alg);
    expect(findSigningKey(keys, jws as CompactJws)).toBe(keys[0]);
    for (const wrong of changed(token)) {
      const other = parseCompactJws(wrong);
      if (typeof other !== 'string') expect(findSigningKey(keys, other)).toBeUndefined();
    }
  });

  test('the file names its source and licence', () => {
    expect(source).toMatch(/^RFC \d{4} /);
    expect(licence).toMatch(/BSD/);
  });
});

test('rule 22: the keys of RFC 7515 and RFC 7520 cannot be used for an algorithm of another key type', () => {
  for (const { key, alg } of [...read<PublishedToken>('rfc7515').cases, ...read<PublishedToken>('rfc7520').cases]) {
    if (!key || key.kty === 'oct') continue;
    const others = [...TRAITS].filter(([, { keyType }]) => keyType !== TRAITS.get(alg)!.keyType);
    for (const [name] of others) expect(() => keysOf(key, name as Algorithm)).toThrow(/no usable key/);
  }
});

describe('the NIST vectors for ECDSA', () => {
  const { cases } = read<PublishedSignature>('nist-ecdsa');
  test.each(numbered(cases))('rule 28: $alg, number $number: $result', (one) => expectAsPublished(one));

  test('the file has 15 vectors for each of the three curves, valid and invalid', () => {
    for (const alg of ['ES256', 'ES384', 'ES512']) {
      const results = cases.filter((one) => one.alg === alg).map(({ result }) => result.charAt(0));
      expect(new Set(results)).toEqual(new Set(['P', 'F']));
      expect(results).toHaveLength(15);
    }
  });
});

describe('the NIST vectors for RSASSA-PKCS1-v1_5', () => {
  const { cases } = read<PublishedSignature>('nist-rsa-pkcs1');
  const short = cases.filter(({ key }) => modulusBits(key) < 2048);
  test.each(numbered(cases.filter((one) => !short.includes(one))))('$alg, number $number: $result', (one) => expectAsPublished(one));

  test.each(numbered(short))('rule 25: refuses $alg, number $number, with a key of 1024 bits: $result', ({ key, alg, result }) => {
    expect(result).toBe('P');
    expect(() => keysOf(key, alg)).toThrow(/is an RSA key of 1024 bits, fewer than 2048/);
  });
});

describe('the NIST vectors for RSASSA-PSS', () => {
  const { cases } = read<PublishedSignature>('nist-rsa-pss');
  test.each(numbered(cases))('rule 26: refuses $alg, number $number, with a salt of 10 bytes: $result', ({ key, alg, data, signature }) => {
    expect(findSigningKey(keysOf(key, alg), jwsOf(data, signature))).toBeUndefined();
  });

  test('rule 26: the valid signatures verify if the salt length is set to 10', () => {
    const valid = cases.filter(({ result }) => result.startsWith('P'));
    expect(valid).toHaveLength(3);
    for (const { key, alg, data, signature } of valid) {
      const [prepared] = keysOf(key, alg);
      Object.assign(prepared!.input, { saltLength: 10 });
      expect(findSigningKey([prepared!], jwsOf(data, signature))).toBe(prepared);
    }
  });
});

describe('the Ed25519 vectors of its authors', () => {
  const { cases } = read<PublishedSignature>('ed25519');

  test.each(['EdDSA', 'Ed25519'] as const)('accepts all of them as %s, and none with a changed bit', (alg) => {
    expect(cases).toHaveLength(128);
    for (const [index, { key, data, signature }] of cases.entries()) {
      const keys = keysOf(key, alg);
      expect(findSigningKey(keys, jwsOf(data, signature))).toBe(keys[0]);
      const bytes = Buffer.from(signature, 'base64url');
      bytes[index % 64]! ^= 1;
      expect(findSigningKey(keys, jwsOf(data, bytes.toString('base64url')))).toBeUndefined();
    }
  });
});

describe('the HMAC vectors of RFC 4231', () => {
  const { cases } = read<PublishedSignature>('rfc4231');

  test.each(numbered(cases))('rule 34: accepts $alg, number $number, unless its MAC is truncated', ({ alg, key, data, signature }) => {
    const [prepared] = secretKeySet([Buffer.from(key.k!, 'base64url')], [alg as 'HS256']).candidates(alg, undefined);
    const whole = Buffer.from(signature, 'base64url').length === TRAITS.get(alg)!.signatureLength;
    // section 4.6 truncates its MAC to 128 bits, which RFC 7518 s3.2 does not allow
    expect(findSigningKey([prepared!], jwsOf(data, signature))).toBe(whole ? prepared : undefined);
  });

  test('rule 138: their keys are too short or too simple for shared secrets', () => {
    for (const { alg, key } of cases) expect(readSecret({ base64url: key.k }, [alg as 'HS256'])).toMatch(/fewer than|repeats itself|counts up or down/);
  });
});

function expectAsPublished({ key, alg, data, signature, result }: PublishedSignature): void {
  let keys: readonly PreparedKey[];
  try {
    keys = keysOf(key, alg);
  } catch {
    // a changed key may be unusable
    expect(result).toMatch(/^F .*(?:Q changed|Public Key e changed)/);
    return;
  }
  expect(findSigningKey(keys, jwsOf(data, signature)) !== undefined).toBe(result.startsWith('P'));
}

function keysOf(key: PublishedKey, alg: Algorithm): readonly PreparedKey[] {
  if (key.k !== undefined) {
    const secret = readSecret({ base64url: key.k }, [alg as 'HS256']);
    if (typeof secret === 'string') throw new Error(secret);
    return secretKeySet([secret], [alg as 'HS256']).candidates(alg, undefined);
  }
  return parseKeySet({ keys: [key] }, [alg], 1).candidates(alg, undefined);
}

/** Returns copies of the token with one character of a segment changed: the first, or the last one without spare bits. */
function changed(token: string): readonly string[] {
  const segments = token.split('.');
  return segments.flatMap((segment, index) =>
    [0, segment.length - 2].map((at) => {
      const other = `${segment.slice(0, at)}${segment[at] === 'A' ? 'B' : 'A'}${segment.slice(at + 1)}`;
      return segments.with(index, other).join('.');
    }),
  );
}

function jwsOf(data: string, signature: string): CompactJws {
  const header = { algorithm: '', keyId: undefined, type: undefined };
  return {
    header64: '',
    header,
    signed: Buffer.from(data, 'base64url').toString('latin1'),
    payload: Buffer.alloc(0),
    signature: Buffer.from(signature, 'base64url'),
  };
}

function modulusBits(key: PublishedKey): number {
  return Buffer.from((key as unknown as { n: string }).n, 'base64url').length * 8;
}

function numbered<C>(cases: readonly C[]): (C & { readonly number: number })[] {
  return cases.map((one, index) => ({ ...one, number: index + 1 }));
}

function read<C>(name: string): Published<C> {
  return JSON.parse(readFileSync(new URL(`vectors/${name}.json`, import.meta.url), 'utf8')) as Published<C>;
}
