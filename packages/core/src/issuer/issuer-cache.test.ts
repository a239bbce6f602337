import { expect, test, vi } from 'vitest';
import { createGivenKeySource, type KeySource } from '../keys/key-source.js';
import { markVerified, type Issuer } from './issuer.js';
import { createIssuerCache } from './issuer-cache.js';

const NO_KEYS = createGivenKeySource(() => ({ size: 0, keys: [], keyIds: [], remarks: [], problems: [], candidates: () => [] }));

function issuerOf(name: string, isBusy = false): Issuer {
  const keys: KeySource = { ...NO_KEYS, isBusy: () => isBusy };
  return { algorithms: new Set(), rules: { issuer: name } as Issuer['rules'], keys, introspection: undefined, isVerified: false, release() {} };
}

function scene(maxEntries: { verified: number; unverified: number }) {
  const evicted: string[] = [];
  const cache = createIssuerCache(({ rules }) => evicted.push(rules.issuer), maxEntries);
  const name = (issuer: string, isBusy?: boolean) => cache.get(issuer) ?? cache.add(issuer, issuerOf(issuer, isBusy));
  const verify = (issuer: string) => markVerified(name(issuer));
  return { cache, evicted, name, verify };
}

test('rule 161: an unverified issuer evicts the oldest unverified issuer, and no verified one', () => {
  const { cache, evicted, name, verify } = scene({ verified: 3, unverified: 3 });
  for (const issuer of ['a', 'b', 'c']) verify(issuer);
  for (let at = 0; at < 100; at++) name(`unverified-${at}`);
  expect(evicted).toEqual(Array.from({ length: 97 }, (_, at) => `unverified-${at}`));
  expect(cache.values().map(({ rules }) => rules.issuer)).toEqual(['a', 'b', 'c', 'unverified-97', 'unverified-98', 'unverified-99']);
});

test('rule 161: an eviction spares verified issuers that were used since the last one, even the oldest', () => {
  const { cache, evicted, name, verify } = scene({ verified: 3, unverified: 1 });
  for (const issuer of ['a', 'b', 'c']) {
    verify(issuer);
    name(issuer);
  }
  verify('d');
  name('d');
  // all four were used, so the search clears every flag and evicts the oldest
  expect(evicted).toEqual(['a']);
  name('b');
  verify('e');
  name('e');
  expect(evicted).toEqual(['a', 'c']);
  expect(cache.get('b')).toBeDefined();
});

test('rule 161: a busy unverified issuer is evicted last, so that it keeps its cooldown', () => {
  const { evicted, name } = scene({ verified: 1, unverified: 3 });
  name('busy-issuer', true);
  for (let at = 0; at < 10; at++) name(`unverified-${at}`);
  expect(evicted).not.toContain('busy-issuer');
  const { evicted: all, name: busy } = scene({ verified: 1, unverified: 3 });
  for (let at = 0; at < 5; at++) busy(`unverified-${at}`, true);
  expect(all).toEqual(['unverified-0', 'unverified-1']);
});

test('rule 161: where all unverified issuers are busy, an eviction looks at few of them', () => {
  const isBusy = vi.fn(() => true);
  const cache = createIssuerCache(() => {}, { verified: 1, unverified: 5000 });
  const add = (name: string) => cache.add(name, { ...issuerOf(name), keys: { ...NO_KEYS, isBusy } });
  for (let at = 0; at < 5000; at++) add(`unverified-${at}`);
  isBusy.mockClear();
  add('one more');
  expect(isBusy.mock.calls.length).toBeLessThan(100);
  expect(cache.get('unverified-0')).toBeUndefined();
});
