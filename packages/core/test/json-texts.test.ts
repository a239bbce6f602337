import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseStrictObject } from '../src/lib/json.js';
import { membersOf, textChange } from './json-texts.js';
import { readStrictly } from './strict-json.js';

const SEED = 11_012_026;
const RUNS = Number(process.env['TOKENWARD_RUNS'] ?? 5000);

/** Generates the JSON of an object, changed as text and sometimes in one byte. */
const bytes = fc
  .tuple(
    fc.dictionary(
      fc.oneof(fc.constantFrom('iss', 'aud', 'exp', 'alg', 'kid', '__proto__', 'a'), fc.string({ unit: 'binary', maxLength: 5 })),
      fc.jsonValue({ maxDepth: 3 }),
      { maxKeys: 5 },
    ),
    textChange,
    fc.option(fc.tuple(fc.nat(), fc.constantFrom(...Buffer.from('{}[]":,\\u0e- \n'), 0, 0xff, 0xef)), { nil: undefined, freq: 4 }),
  )
  .map(([object, change, other]) => {
    const text = Buffer.from(change(membersOf(object)) as Uint8Array);
    if (other && text.length > 0) text[other[0] % text.length] = other[1];
    return text;
  });

test(`rules 10 to 13: reads ${RUNS} JSON texts like a simple strict parser, and accepts only what JSON.parse accepts`, { timeout: 900_000 }, () => {
  const seen = { accepted: 0, looser: 0, refused: 0 };
  const offences = new Set<string>();
  fc.assert(
    fc.property(bytes, (text) => {
      const value = parseStrictObject(text);
      const reading = readStrictly(text);
      if ('value' in reading) {
        expect(isDeepStrictEqual(value, reading.value)).toBe(true);
        expect(isAcceptedByJsonParse(text)).toBe(true);
        seen.accepted++;
        return;
      }
      expect(value).toBeUndefined();
      if (isAcceptedByJsonParse(text)) {
        offences.add(`${reading.rule}: ${reading.why}`);
        seen.looser++;
      } else seen.refused++;
    }),
    { seed: SEED, numRuns: RUNS },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(RUNS / 20);
  // what JSON.parse accepts and we refuse, by the rule that refuses it
  expect([...offences].sort()).toEqual([
    '10: a lone surrogate',
    '10: it begins with a byte order mark',
    '10: it is not UTF-8',
    '11: a name stands twice',
    '12: it is no object',
    '12: too deep',
    '12: too many items',
    '12: too many members',
    '13: a member is called __proto__',
  ]);
});

/** Parses like most parsers: invalid UTF-8 becomes U+FFFD, and a byte order mark is skipped. */
function isAcceptedByJsonParse(text: Uint8Array): boolean {
  try {
    return JSON.parse(new TextDecoder().decode(text)) !== undefined;
  } catch {
    return false;
  }
}
