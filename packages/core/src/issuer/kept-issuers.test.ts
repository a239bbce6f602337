import { expect, test } from 'vitest';
import { createGivenKeySource, type KeySource } from '../keys/key-source.js';
import { markVerified, type Issuer } from './issuer.js';
import { keptIssuers } from './kept-issuers.js';

const NO_KEYS = createGivenKeySource(() => ({ size: 0, keys: [], keyIds: [], remarks: [], faults: [], candidates: () => [] }));

function issuerOf(name: string, isBusy = false): Issuer {
  const keys: KeySource = { ...NO_KEYS, isBusy: () => isBusy };
  return { algorithms: new Set(), rules: { issuer: name } as Issuer['rules'], keys, isVerified: false, release() {} };
}

function scene(room: { verified: number; named: number }) {
  const evicted: string[] = [];
  const kept = keptIssuers(({ rules }) => evicted.push(rules.issuer), room);
  const name = (issuer: string, isBusy?: boolean) => kept.get(issuer) ?? kept.add(issuer, issuerOf(issuer, isBusy));
  const verify = (issuer: string) => markVerified(name(issuer));
  return { kept, evicted, name, verify };
}

test('rule 161: names that nobody verified evict one another, the oldest first, and nothing that was verified', () => {
  const { kept, evicted, name, verify } = scene({ verified: 3, named: 3 });
  for (const issuer of ['a', 'b', 'c']) verify(issuer);
  for (let stranger = 0; stranger < 100; stranger++) name(`stranger-${stranger}`);
  expect(evicted).toEqual(Array.from({ length: 97 }, (_, stranger) => `stranger-${stranger}`));
  expect(kept.values().map(({ rules }) => rules.issuer)).toEqual(['a', 'b', 'c', 'stranger-97', 'stranger-98', 'stranger-99']);
});

test('rule 161: of the verified ones, those that were used since stay, also where they were built first', () => {
  const { kept, evicted, name, verify } = scene({ verified: 3, named: 1 });
  for (const issuer of ['a', 'b', 'c']) {
    verify(issuer);
    name(issuer);
  }
  verify('d');
  name('d');
  // all four were used: a full round takes the mark from each, and the oldest goes
  expect(evicted).toEqual(['a']);
  name('b');
  verify('e');
  name('e');
  expect(evicted).toEqual(['a', 'c']);
  expect(kept.get('b')).toBeDefined();
});

test('rule 161: one that is asked just now gives way last, so that it keeps its cooldown', () => {
  const { evicted, name } = scene({ verified: 1, named: 3 });
  name('asked', true);
  for (let stranger = 0; stranger < 10; stranger++) name(`stranger-${stranger}`);
  expect(evicted).not.toContain('asked');
  const { evicted: all, name: busy } = scene({ verified: 1, named: 3 });
  for (let stranger = 0; stranger < 5; stranger++) busy(`stranger-${stranger}`, true);
  expect(all).toEqual(['stranger-0', 'stranger-1']);
});
