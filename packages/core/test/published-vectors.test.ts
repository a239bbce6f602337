import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ALGORITHMS, hasPostQuantum, TRAITS, type Algorithm, type MacAlgorithm } from '../src/access-token/algorithms.js';
import { parseCompactJws, type CompactJws } from '../src/access-token/compact.js';
import { parseStrictObject } from '../src/access-token/json.js';
import { signerOf } from '../src/access-token/signature.js';
import { parseKeySet } from '../src/issuer/key-set.js';
import { readSecret, secretKeySet } from '../src/issuer/shared-secrets.js';

/*
 * What others published, with their verdicts. Each difference from a verdict is explained by a rule that makes us stricter; nothing that they call
 * invalid is accepted.
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

/** Of these files every signature has a salt of another length, or another hash for its mask, than RFC 7518 s3.5 asks for: rule 26. */
const OTHER_PSS: ReadonlySet<string> = new Set(['rsa_pss_2048_sha256_mgf1_0_test.json', 'rsa_pss_2048_sha256_mgf1sha1_20_test.json']);

describe('Wycheproof, signatures', () => {
  const { sets } = read<Published<Signatures>>('wycheproof-signatures');

  test.each(sets)('rules 25 to 28: $file, as $alg', ({ file, alg, groups }) => {
    const counts = { accepted: 0, refused: 0, stricter: 0 };
    for (const { key, tests } of groups) {
      const keys = parseKeySet({ keys: [key] }, [alg], 1).candidates(alg, undefined);
      for (const [id, result, message, signature, comment] of tests) {
        const accepted = signerOf(keys, jwsOf(message, signature)) !== undefined;
        // nothing that is called invalid or merely acceptable; what is wrong under a salt of another length may be right under ours
        if (accepted && OTHER_PSS.has(file)) expect(comment).toBe('s_len changed to 32');
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

describe.runIf(hasPostQuantum())('Wycheproof, ML-DSA', () => {
  const { sets } = read<Published<Signatures>>('wycheproof-ml-dsa');

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

describe('Wycheproof, sets of keys', () => {
  type Token = readonly [id: number, result: string, jws: string, comment: string];
  const { groups } = read<{ readonly groups: readonly { readonly keys: readonly Record<string, string>[]; readonly tests: readonly Token[] }[] }>(
    'wycheproof-keys',
  );

  /** Valid there and refused here, by our rule: a symmetric key never stands beside others in a set, and those of the file count upwards. */
  const STRICTER: ReadonlyMap<number, number> = new Map([
    [2, 32],
    [13, 138],
    [14, 138],
    [15, 138],
  ]);

  test.each(groups.flatMap(({ keys, tests }) => tests.map((token) => ({ keys, id: token[0], comment: token[3], token }))))(
    '$id: $comment',
    ({ keys, token }) => {
      const [id, result, text] = token;
      const accepted = isAcceptedOf(keys, text);
      expect(accepted).toBe(result === 'valid' && !STRICTER.has(id));
    },
  );
});

describe('Wycheproof, HMAC', () => {
  const { sets } = read<Published<{ readonly alg: MacAlgorithm; readonly tests: readonly Mac[] }>>('wycheproof-hmac');

  test.each(sets)('rule 34: $alg', ({ alg, tests }) => {
    const counts = { accepted: 0, cut: 0 };
    for (const [id, result, bits, key, message, tag, comment] of tests) {
      const keys = secretKeySet([Buffer.from(key, 'base64url')], [alg]).candidates(alg, undefined);
      const accepted = signerOf(keys, jwsOf(message, tag)) !== undefined;
      // a MAC that is cut has no place in RFC 7518 s3.2
      const isWhole = bits === TRAITS.get(alg)!.signatureLength! * 8;
      expect(accepted, `${id}: ${comment}`).toBe(result === 'valid' && isWhole);
      if (accepted) counts.accepted++;
      if (result === 'valid' && !isWhole) counts.cut++;
    }
    expect(counts.accepted).toBeGreaterThan(30);
    expect(counts.cut).toBeGreaterThan(30);
  });
});

describe('JSONTestSuite', () => {
  const { cases } = read<{ readonly cases: readonly (readonly [name: string, bytes: string])[] }>('json-test-suite');

  /** What is JSON and refused as a token's: by the rule that refuses it. */
  const STRICTER: Readonly<Record<string, number>> = {
    'y_object_duplicated_key.json': 11,
    'y_object_duplicated_key_and_value.json': 11,
  };

  test.each(cases)('%s', (name, text) => {
    const bytes = Buffer.from(text, 'base64');
    // a token's JSON is an object: everything else is refused as such (rule 12), so it is looked at as the member of one
    const object = parseStrictObject(bytes);
    const member = parseStrictObject(Buffer.concat([Buffer.from('{"a":'), bytes, Buffer.from('}')]));
    if (name.startsWith('n_')) expect(object).toBeUndefined();
    else if (name.startsWith('y_')) {
      expect(member !== undefined).toBe(STRICTER[name] === undefined);
      expect(object !== undefined).toBe(bytes.toString().trim().startsWith('{') && STRICTER[name] === undefined);
    } else {
      // what is left to parsers: not UTF-8, or with half a character, is refused (rule 10), as is what is nested too deep (rule 12)
      const wellFormed = isWellFormed(bytes) && !name.includes('500_nested');
      expect(member !== undefined).toBe(wellFormed);
    }
  });

  test('rule 12: its two largest, a hundred thousand brackets', () => {
    for (const open of ['[', '[{"":']) expect(parseStrictObject(Buffer.from(open.repeat(100_000)))).toBeUndefined();
  });
});

test('rules 10 to 12: naughty strings are read as values and as names, and come back as they were', () => {
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
    return signerOf(parseKeySet({ keys: [key] }, [alg], 1).candidates(alg, undefined), jws) !== undefined;
  } catch {
    // no usable key
    return false;
  }
}

/** As a guard does it: one symmetric key as a shared secret, others as a JWKS. */
function isAcceptedOf(keys: readonly Record<string, string>[], text: string): boolean {
  const jws = parseCompactJws(text);
  if (typeof jws === 'string') return false;
  const { algorithm, keyId } = jws.header;
  try {
    const [only] = keys;
    if (keys.length === 1 && only!['kty'] === 'oct') {
      const alg = only!['alg'] as MacAlgorithm;
      if (alg !== algorithm || !TRAITS.has(alg)) return false;
      const secret = readSecret({ base64url: only!['k'] }, [alg]);
      return typeof secret !== 'string' && signerOf(secretKeySet([secret], [alg]).candidates(alg, keyId), jws) !== undefined;
    }
    return signerOf(parseKeySet({ keys }, ALGORITHMS, 10).candidates(algorithm, keyId), jws) !== undefined;
  } catch {
    return false;
  }
}

function isWellFormed(bytes: Buffer): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    // a half of a character comes back escaped
    return !/\\ud[89a-f]/.test(JSON.stringify(value));
  } catch {
    return false;
  }
}

function jwsOf(message: string, signature: string): CompactJws {
  const header = { algorithm: '', keyId: undefined, type: undefined };
  return { header64: '', header, signed: Buffer.from(message, 'base64url'), payload: Buffer.alloc(0), signature: Buffer.from(signature, 'base64url') };
}

function read<C>(name: string): C {
  return JSON.parse(readFileSync(new URL(`vectors/${name}.json`, import.meta.url), 'utf8')) as C;
}
