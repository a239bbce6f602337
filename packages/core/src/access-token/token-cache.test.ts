import { describe, expect, test } from 'vitest';
import { createTokenCache, type TokenCache, type VerifiedJwt } from './token-cache.js';
import { weightOf } from './token-weight.js';
import { authFrom } from '../../test/auth-from.js';
import { claimRules } from '../../test/claim-rules.js';

const RULES = claimRules({ issuer: 'i', audiences: new Set(['a']), clockSkewSeconds: 0 });
const auth = authFrom({ iss: 'i', aud: 'a', iat: 1, exp: 100 }, RULES, 50);
/** The cache reads only `auth`. */
const verified = { auth } as unknown as VerifiedJwt;
const large = { maxEntries: 1_000_000, maxBytes: 1e12 };

function fill(cache: TokenCache, tokens: number, prefix = 'token'): void {
  for (let number = 0; number < tokens; number++) cache.set(`${prefix}-${number}`, verified);
}

test('rule 64: finds a token only by its exact text', () => {
  const cache = createTokenCache(large);
  cache.set('header.payload.signature', verified);
  expect(cache.get('header.payload.signature')).toBe(verified);
  for (const other of ['header.payload.signaturf', 'header.payload.Signature', 'header.payload.signature ', 'Header.payload.signature', 'signature', '']) {
    expect(cache.get(other)).toBeUndefined();
  }
  expect(cache.health()).toMatchObject({ entries: 1, hits: 1, misses: 6 });
});

test.each(['__proto__', 'constructor', 'hasOwnProperty', 'toString'])('rule 13: does not find a token named %s until it is added', (name) => {
  const cache = createTokenCache(large);
  expect(cache.get(name)).toBeUndefined();
  cache.set(name, verified);
  expect(cache.get(name)).toBe(verified);
});

test('rule 70: never has more entries than allowed, down to two', () => {
  for (const maxEntries of [2, 3, 10, 1001]) {
    const cache = createTokenCache({ ...large, maxEntries });
    let most = 0;
    for (let number = 0; number < 5000; number++) {
      cache.set(`token-${number}`, verified);
      most = Math.max(most, cache.health().entries);
    }
    expect(most).toBeLessThanOrEqual(maxEntries);
    expect(most).toBeGreaterThanOrEqual(maxEntries - 1);
    expect(cache.get('token-4999')).toBe(verified);
  }
});

test('rule 70: never takes more bytes than allowed, and frees those of deleted tokens', () => {
  const cache = createTokenCache({ ...large, maxBytes: 100_000 });
  for (let number = 0; number < 1000; number++) {
    cache.set(`${'x'.repeat(number)}-${number}`, verified);
    expect(cache.health().bytes).toBeLessThanOrEqual(100_000);
  }
  expect(cache.health().entries).toBeGreaterThan(10);
  for (let number = 0; number < 1000; number++) cache.delete(`${'x'.repeat(number)}-${number}`);
  expect(cache.health()).toMatchObject({ entries: 0, bytes: 0 });
});

test('rule 70: does not keep a token that needs more than half of maxBytes, and evicts nothing for it', () => {
  const cache = createTokenCache({ ...large, maxBytes: 65_536 });
  cache.set('small', verified);
  cache.set('x'.repeat(20_000), verified);
  expect(cache.get('x'.repeat(20_000))).toBeUndefined();
  expect(cache.get('small')).toBe(verified);
});

test('rule 70: keeps a token that fits exactly, and drops it if the limit is one byte lower', () => {
  const weight = weightOf('token-0', auth);
  const cache = createTokenCache({ ...large, maxBytes: 4 * weight });
  fill(cache, 4);
  expect(cache.health()).toMatchObject({ entries: 4, bytes: 4 * weight });
  fill(cache, 1, 'other');
  expect(cache.health()).toMatchObject({ entries: 3 });
  for (const [maxBytes, entries] of [
    [2 * weight, 1],
    [2 * weight - 1, 0],
  ] as const) {
    const small = createTokenCache({ ...large, maxBytes });
    fill(small, 1);
    expect(small.health()).toMatchObject({ entries, bytes: entries * weight });
  }
});

test('rule 70: counts a token only once after a hit moves it to the current generation', () => {
  const weight = weightOf('token-0', auth);
  const cache = createTokenCache({ ...large, maxEntries: 6 });
  fill(cache, 4);
  expect(cache.get('token-0')).toBe(verified);
  expect(cache.health()).toMatchObject({ entries: 4, bytes: 4 * weight });
});

test('keeps one entry for a token that is added twice', () => {
  const cache = createTokenCache(large);
  cache.set('token', verified);
  const { bytes } = cache.health();
  fill(cache, 3, 'token');
  cache.set('token', { ...verified });
  cache.delete('token-0');
  cache.delete('token-1');
  cache.delete('token-2');
  expect(cache.health()).toMatchObject({ entries: 1, bytes });
  expect(cache.get('token')).not.toBe(verified);
});

test('rule 70: keeps a token in use while many tokens are used once', () => {
  const cache = createTokenCache({ ...large, maxEntries: 1000 });
  cache.set('used', verified);
  cache.set('unused', verified);
  for (let wave = 0; wave < 100; wave++) {
    fill(cache, 499, `wave-${wave}`);
    expect(cache.get('used')).toBe(verified);
  }
  expect(cache.get('unused')).toBeUndefined();
});

test('rule 70: adding a token takes about as long in a large cache as in a small one', () => {
  function millisecondsFor(maxEntries: number): number {
    const cache = createTokenCache({ ...large, maxEntries });
    fill(cache, maxEntries, 'first');
    const start = performance.now();
    fill(cache, 50_000);
    return performance.now() - start;
  }
  const best = (maxEntries: number): number => Math.min(...Array.from({ length: 5 }, () => millisecondsFor(maxEntries)));
  millisecondsFor(100);
  // walking through all entries would take 200 times as long
  expect(best(20_000)).toBeLessThan(best(100) * 20);
});

describe('rule 184: two tokens with the same last characters', () => {
  const END = `.${'s'.repeat(43)}`;
  const one = `header.one${END}`;
  const other = `header.other${END}`;
  const ofOther = { ...verified };

  test('neither the second one nor the last characters find the first one', () => {
    const cache = createTokenCache(large);
    cache.set(one, verified);
    for (const crafted of [other, END, END.slice(-32), `${one}${END}`, one.replace('h', 'H')]) expect(cache.get(crafted)).toBeUndefined();
    expect(cache.get(one)).toBe(verified);
    expect(cache.health()).toMatchObject({ entries: 1, hits: 1, misses: 5 });
  });

  test('the second one does not replace the first one, in either generation', () => {
    const cache = createTokenCache({ ...large, maxEntries: 10 });
    cache.set(one, verified);
    const { bytes } = cache.health();
    for (let again = 0; again < 3; again++) cache.set(other, ofOther);
    expect(cache.get(one)).toBe(verified);
    expect(cache.get(other)).toBeUndefined();
    expect(cache.health()).toMatchObject({ entries: 1, bytes });
    // this moves the first token to the old generation
    fill(cache, 5);
    cache.set(other, ofOther);
    expect(cache.get(other)).toBeUndefined();
    expect(cache.get(one)).toBe(verified);
  });

  test('deleting the second one does not delete the first one', () => {
    const cache = createTokenCache(large);
    cache.set(one, verified);
    cache.delete(other);
    expect(cache.get(one)).toBe(verified);
    cache.delete(one);
    expect(cache.health()).toMatchObject({ entries: 0, bytes: 0 });
  });

  test('the second one is added after the first one was deleted or evicted', () => {
    const cache = createTokenCache({ ...large, maxEntries: 10 });
    cache.set(one, verified);
    cache.delete(one);
    cache.set(other, ofOther);
    expect(cache.get(other)).toBe(ofOther);
    fill(cache, 20);
    cache.set(one, verified);
    expect(cache.get(one)).toBe(verified);
    expect(cache.get(other)).toBeUndefined();
  });
});
