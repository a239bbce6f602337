import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ALGORITHMS, hasPostQuantum, TRAITS, type Algorithm, type MacAlgorithm } from '../src/jose/algorithms.js';
import { parseCompactJws, type CompactJws } from '../src/jose/compact-jws.js';
import { parseStrictObject } from '../src/lib/json.js';
import { findSigningKey } from '../src/jose/signature.js';
import { parseKeySet } from '../src/jose/key-set.js';
import { readSecret, secretKeySet } from '../src/keys/shared-secrets.js';

/*
 * Published test vectors with their results. Where our result differs, a rule makes us stricter or the case itself is broken. We accept nothing
 * that they call invalid.
 */
interface Published<S> {
  readonly source: string;
  readonly licence: string;
  readonly sets: readonly S[];
}
type Signature = readonly [id: number, result: string, message: string, signature: string, comment: string];
type Mac = readonly [id: number, result: string, bits: number, key: string, message: string, tag: string, comment: string];
interface Signatures {
  readonly file: string;
  readonly alg: Algorithm;
  readonly groups: readonly { readonly key: Readonly<Record<string, string>>; readonly tests: readonly Signature[] }[];
}

/** Every signature in these files has another salt length or mask hash than RFC 7518 s3.5 requires (rule 26). */
const OTHER_PSS: ReadonlySet<string> = new Set([
  'rsa_pss_2048_sha256_mgf1_0_test.json',
  'rsa_pss_2048_sha256_mgf1sha1_20_test.json',
  'rsa_pss_4096_sha512_mgf1_32_test.json',
]);

describe.each(['wycheproof-signatures', 'wycheproof-long-rsa'])('Wycheproof, the signatures of %s', (name) => {
  const { sets } = read<Published<Signatures>>(name);

  test.each(sets)('rules 25 to 28: $file, as $alg', ({ file, alg, groups }) => {
    const counts = { accepted: 0, refused: 0, stricter: 0 };
    for (const { key, tests } of groups) {
      const keys = parseKeySet({ keys: [key] }, [alg], 1).candidates(alg, undefined);
      for (const [id, result, message, signature, comment] of tests) {
        const accepted = findSigningKey(keys, jwsOf(message, signature)) !== undefined;
        // accept nothing that is called invalid or acceptable, but a signature that is wrong for their salt length may be right for ours
        if (accepted && OTHER_PSS.has(file)) expect(comment).toBe(`s_len changed to ${TRAITS.get(alg)!.hash === 'sha512' ? 64 : 32}`);
        else if (accepted) expect(result, `${id}: ${comment}`).toBe('valid');
        else if (result === 'valid') {
          expect(OTHER_PSS.has(file), `${id}: ${comment}`).toBe(true);
          counts.stricter++;
        }
        counts[accepted ? 'accepted' : 'refused']++;
      }
    }
    if (!OTHER_PSS.has(file)) expect(counts).toMatchObject({ stricter: 0 });
    expect(counts.refused).toBeGreaterThan(10);
    expect(counts.accepted + counts.stricter).toBeGreaterThan(5);
  });
});

test('rule 26: each PS algorithm accepts only its own salt length and mask hash', () => {
  type Parameters = readonly [id: number, result: string, alg: Algorithm, maskHash: string, saltLength: number, message: string, signature: string];
  const { key, cases } = read<{ readonly key: Readonly<Record<string, string>>; readonly cases: readonly Parameters[] }>('wycheproof-pss-parameters');
  const accepted = cases.filter(([, , alg, , , message, signature]) => isAccepted(key, alg, jwsOf(message, signature)));
  // every case is valid under its own parameters
  expect(new Set(cases.map(([, result]) => result))).toEqual(new Set(['valid']));
  expect(cases).toHaveLength(90);
  expect(accepted.map(([, , alg, maskHash, saltLength]) => [alg, maskHash, saltLength])).toEqual([
    ['PS256', 'SHA-256', 32],
    ['PS384', 'SHA-384', 48],
    ['PS512', 'SHA-512', 64],
  ]);
});

describe.runIf(hasPostQuantum()).each(['wycheproof-ml-dsa', 'wycheproof-large-ml-dsa'])('Wycheproof, the ML-DSA signatures of %s', (name) => {
  const { sets } = read<Published<Signatures>>(name);

  test.each(sets)('$file', ({ alg, groups }) => {
    const counts = { accepted: 0, refused: 0 };
    for (const { key, tests } of groups) {
      for (const [id, result, message, signature, comment] of tests) {
        const accepted = isAccepted(key, alg, jwsOf(message, signature));
        expect(accepted, `${id}: ${comment}`).toBe(result === 'valid');
        counts[accepted ? 'accepted' : 'refused']++;
      }
    }
    expect(counts.accepted).toBeGreaterThan(10);
    expect(counts.refused).toBeGreaterThan(10);
  });
});

/** Why our result differs: the number of the rule that makes us stricter, or what is wrong with the case itself. */
type Differences = ReadonlyMap<number, number | string>;

/** A symmetric key cannot be combined with others in a set, and the symmetric keys of the files count upwards. */
const OF_KEYS: Differences = new Map([
  [2, 32],
  [13, 138],
  [14, 138],
  [15, 138],
]);
const OF_TOKENS: Differences = new Map<number, number | string>([
  // an empty payload is not an object
  ...[259, 264, 268, 272, 320, 325].map((id) => [id, 12] as const),
  // called valid, although the key names another algorithm than the token, or ES521, which does not exist
  ...[346, 347, 350, 351].map((id) => [id, "broken: the key's alg is not the token's"] as const),
  // their key is 32 bytes of zero
  ...[357, 358, 359, 372, 373, 376, 377].map((id) => [id, 138] as const),
]);
const OF_CRYPTO: Differences = new Map([[48, 32]]);
/** The differences that remain if the key of zeros is accepted. */
const OF_SIMPLE_SECRETS: Differences = new Map<number, number | string>([
  // a question mark within base64url
  [372, 9],
  [373, 9],
  [367, 'broken: byte for byte the valid 357'],
  [370, 'broken: byte for byte the valid 357'],
]);

interface TokensOf {
  readonly groups: readonly { readonly keys: readonly Record<string, string>[]; readonly tests: readonly Token[] }[];
}
type Token = readonly [id: number, result: string, jws: string, comment: string];

describe.each([
  ['wycheproof-keys', OF_KEYS],
  ['wycheproof-tokens', OF_TOKENS],
  ['wycheproof-crypto', OF_CRYPTO],
])('Wycheproof, %s', (name, differences) => {
  const { groups } = read<TokensOf>(name);
  const tokens = groups.flatMap(({ keys, tests }) => tests.map((token) => ({ keys, id: token[0], comment: token[3], token })));

  test.each(tokens)('$id: $comment', ({ keys, token }) => {
    const [id, result, text] = token;
    expect(isTokenAccepted(keys, text)).toBe((result === 'valid') !== differences.has(id));
  });

  test('the file has valid and invalid cases, and all our differences are from valid ones', () => {
    const results = new Map(tokens.map(({ id, token }) => [id, token[1]]));
    // the files call the broken cases valid too
    for (const id of differences.keys()) expect(results.get(id), String(id)).toBe('valid');
    expect(new Set(tokens.map(({ token }) => token[1]))).toEqual(new Set(['valid', 'invalid']));
  });
});

describe('Wycheproof, the wycheproof-tokens with a secret that is too simple', () => {
  const zeros = 'A'.repeat(43);
  const tokens = read<TokensOf>('wycheproof-tokens').groups.flatMap(({ keys, tests }) => (keys[0]!['k'] === zeros ? tests : []));
  const keys = secretKeySet([Buffer.alloc(32)], ['HS256']);

  test.each(tokens)('%i: %s, %s', (id, result, text) => {
    const jws = parseCompactJws(text);
    const isAccepted = typeof jws !== 'string' && findSigningKey(keys.candidates('HS256', jws.header.keyId), jws) !== undefined;
    expect(isAccepted).toBe((result === 'valid') !== OF_SIMPLE_SECRETS.has(id));
  });

  test('the broken cases equal the valid case 357, and their secret is refused', () => {
    const of = (id: number): string => tokens.find(([other]) => other === id)![2];
    expect([of(367), of(370)]).toEqual([of(357), of(357)]);
    expect(readSecret({ base64url: zeros }, ['HS256'])).toMatch(/repeats itself/);
  });
});

describe('Wycheproof, HMAC', () => {
  const { sets } = read<Published<{ readonly alg: MacAlgorithm; readonly tests: readonly Mac[] }>>('wycheproof-hmac');

  test.each(sets)('rule 34: accepts the valid $alg tags of full length, and no other', ({ alg, tests }) => {
    const counts = { accepted: 0, truncated: 0 };
    for (const [id, result, bits, key, message, tag, comment] of tests) {
      const keys = secretKeySet([Buffer.from(key, 'base64url')], [alg]).candidates(alg, undefined);
      const accepted = findSigningKey(keys, jwsOf(message, tag)) !== undefined;
      // RFC 7518 s3.2 allows no truncated MAC
      const isWhole = bits === TRAITS.get(alg)!.signatureLength! * 8;
      expect(accepted, `${id}: ${comment}`).toBe(result === 'valid' && isWhole);
      if (accepted) counts.accepted++;
      if (result === 'valid' && !isWhole) counts.truncated++;
    }
    expect(counts.accepted).toBeGreaterThan(30);
    expect(counts.truncated).toBeGreaterThan(30);
  });
});

/**
 * Implementations differ on these special cases, so the file has no results. We compare the bytes of R, use the equation without a cofactor, and refuse
 * keys of low order (rule 26). We accept a key or an R with a low-order component if the equation holds. If a signature is otherwise right, only newer
 * OpenSSL (not 3.0) refuses an R of low order. Only the owner of the private key can create such a signature.
 */
describe('the Ed25519 vectors of CCTV', () => {
  type Special = readonly [number: number, key: string, message: string, signature: string];
  const { sets } = read<Published<{ readonly flags: string; readonly tests: readonly Special[] }>>('cctv-ed25519');
  const REFUSED = new Set(['low_order_A', 'low_order_residue', 'non_canonical_A', 'non_canonical_R', 'reencoded_k']);

  test.each(['EdDSA', 'Ed25519'] as const)('rule 26: %s refuses keys of low order and non-canonical encodings', (alg) => {
    const counts = { accepted: 0, refused: 0 };
    const ofLowOrder = new Set<boolean>();
    for (const { flags, tests } of sets) {
      const isRefused = flags.split(' ').some((flag) => REFUSED.has(flag));
      for (const [number, x, message, signature] of tests) {
        const jws = jwsOf(Buffer.from(message).toString('base64url'), signature);
        const accepted = isAccepted({ kty: 'OKP', crv: 'Ed25519', x }, alg, jws);
        if (!isRefused && flags.includes('low_order_R')) ofLowOrder.add(accepted);
        else expect(accepted, `${number}: ${flags}`).toBe(!isRefused);
        counts[isRefused ? 'refused' : 'accepted']++;
      }
    }
    // the runtime accepts all of them or none
    expect(ofLowOrder.size).toBe(1);
    expect(counts.accepted).toBeGreaterThan(20);
    expect(counts.refused).toBeGreaterThan(500);
  });
});

describe('JSONTestSuite', () => {
  const { cases } = read<{ readonly cases: readonly (readonly [name: string, bytes: string])[] }>('json-test-suite');

  /** Valid JSON that we refuse in a token, with the rule that refuses it. */
  const STRICTER: Readonly<Record<string, number>> = {
    'y_object_duplicated_key.json': 11,
    'y_object_duplicated_key_and_value.json': 11,
  };

  test.each(cases)('%s', (name, text) => {
    const bytes = Buffer.from(text, 'base64');
    // rule 12 refuses everything but an object, so other values are tested as a member of an object
    const object = parseStrictObject(bytes);
    const member = parseStrictObject(Buffer.concat([Buffer.from('{"a":'), bytes, Buffer.from('}')]));
    if (name.startsWith('n_')) expect(object).toBeUndefined();
    else if (name.startsWith('y_')) {
      expect(member !== undefined).toBe(STRICTER[name] === undefined);
      expect(object !== undefined).toBe(bytes.toString().trim().startsWith('{') && STRICTER[name] === undefined);
    } else {
      // the suite leaves these to the parser: we refuse invalid UTF-8 and lone surrogates (rule 10), and deep nesting (rule 12)
      const wellFormed = isWellFormed(bytes) && !name.includes('500_nested');
      expect(member !== undefined).toBe(wellFormed);
    }
  });

  test('rule 12: refuses a hundred thousand open brackets', () => {
    for (const open of ['[', '[{"":']) expect(parseStrictObject(Buffer.from(open.repeat(100_000)))).toBeUndefined();
  });
});

test('rules 10 to 12: parses naughty strings as values and as names without change, and refuses __proto__ as a name', () => {
  const { cases } = read<{ readonly cases: readonly string[] }>('naughty-strings');
  const texts = new Set(cases.map((text) => Buffer.from(text, 'base64').toString()));
  expect(texts.size).toBeGreaterThan(400);
  for (const text of texts) {
    const written = JSON.stringify({ value: text, names: { [text]: [text] } });
    const read = parseStrictObject(Buffer.from(written));
    if (text === '__proto__') expect(read).toBeUndefined();
    else expect(JSON.stringify(read)).toBe(written);
  }
});

function isAccepted(key: Readonly<Record<string, string>>, alg: Algorithm, jws: CompactJws): boolean {
  try {
    return findSigningKey(parseKeySet({ keys: [key] }, [alg], 1).candidates(alg, undefined), jws) !== undefined;
  } catch {
    // no usable key
    return false;
  }
}

/** Verifies as a guard does: with one symmetric key as a shared secret, or with other keys as a JWKS. */
function isTokenAccepted(keys: readonly Record<string, string>[], text: string): boolean {
  const jws = parseCompactJws(text);
  if (typeof jws === 'string') return false;
  const { algorithm, keyId } = jws.header;
  try {
    const [only] = keys;
    if (keys.length === 1 && only!['kty'] === 'oct') {
      const alg = only!['alg'] as MacAlgorithm;
      if (alg !== algorithm || !TRAITS.has(alg)) return false;
      const secret = readSecret({ base64url: only!['k'] }, [alg]);
      return typeof secret !== 'string' && findSigningKey(secretKeySet([secret], [alg]).candidates(alg, keyId), jws) !== undefined;
    }
    return findSigningKey(parseKeySet({ keys }, ALGORITHMS, 10).candidates(algorithm, keyId), jws) !== undefined;
  } catch {
    return false;
  }
}

function isWellFormed(bytes: Buffer): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    // a lone surrogate comes back escaped
    return !/\\ud[89a-f]/.test(JSON.stringify(value));
  } catch {
    return false;
  }
}

function jwsOf(message: string, signature: string): CompactJws {
  const header = { algorithm: '', keyId: undefined, type: undefined };
  return {
    header64: '',
    header,
    signed: Buffer.from(message, 'base64url').toString('latin1'),
    payload: Buffer.alloc(0),
    signature: Buffer.from(signature, 'base64url'),
  };
}

function read<C>(name: string): C {
  return JSON.parse(readFileSync(new URL(`vectors/${name}.json`, import.meta.url), 'utf8')) as C;
}
