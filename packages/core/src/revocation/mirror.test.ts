import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRevocationMirror, type RevocationMirror, type RevocationOverflow } from './mirror.js';
import { REVOCATION_KINDS } from '../vocabulary/revocation-words.js';
import type { RevocableToken, RevocationRecord } from './revocation.js';

const NOW = 1_900_000_000;

function record(wishes: Partial<RevocationRecord> = {}): RevocationRecord {
  return { kind: 'subject', issuer: 'https://a.test', value: 's-1', issuedUntil: NOW, until: NOW + 3600, isFinal: false, reason: 'logout', ...wishes };
}

function token(wishes: Partial<RevocableToken> = {}): RevocableToken {
  return { issuer: 'https://a.test', tokenId: undefined, sessionId: undefined, subject: 's-1', clientId: undefined, issuedAt: NOW - 10, ...wishes };
}

describe('what ends', () => {
  test('rule 113: no longer counts as an entry, and leaves a moment behind that hits only what lives longer than it was kept', () => {
    const mirror = createRevocationMirror();
    mirror.apply(record());
    mirror.sweep(NOW + 3599);
    expect(mirror.size).toBe(1);
    mirror.sweep(NOW + 3660);
    expect(mirror.size).toBe(0);
    expect([...mirror.records()]).toEqual([]);
    // one that was hit and lives on, and one of somebody else that lives as long: nobody can tell them apart any more
    for (const subject of ['s-1', 's-2']) expect(mirror.find(token({ subject }), NOW + 3700)).toMatchObject({ kind: 'issuer', issuedUntil: NOW });
    expect(mirror.find(token({ issuedAt: NOW + 1 }), NOW + 3700)).toBeUndefined();
    expect(mirror.find(token({ issuer: 'https://b.test' }), NOW + 3700)).toBeUndefined();
  });

  test('one that is final leaves nothing behind', () => {
    const mirror = createRevocationMirror();
    mirror.apply(record({ isFinal: true }));
    expect(mirror.find(token(), NOW + 3599)).toBeDefined();
    expect(mirror.find(token(), NOW + 3600)).toBeUndefined();
    mirror.sweep(NOW + 4000);
    expect(mirror.size).toBe(0);
    expect(mirror.find(token(), NOW + 4000)).toBeUndefined();
  });

  test('a sweep that finds nothing to do costs nothing, and one that was put off does all', () => {
    const mirror = createRevocationMirror();
    for (let at = 0; at < 1000; at++) mirror.apply(record({ value: `s-${at}`, until: NOW + at * 10, isFinal: true }));
    mirror.sweep(NOW + 5000);
    // those that are final stay for as long as clocks may be apart
    expect(mirror.size).toBeGreaterThan(500);
    expect(mirror.size).toBeLessThan(545);
    mirror.sweep(NOW + 1e6);
    expect(mirror.size).toBe(0);
    mirror.sweep(NOW);
    expect(mirror.size).toBe(0);
  });

  test('one that comes when its time is over is over', () => {
    const mirror = createRevocationMirror();
    mirror.sweep(NOW);
    mirror.apply(record({ issuedUntil: NOW - 10_000, until: NOW - 6400 }));
    mirror.sweep(NOW + 120);
    expect(mirror.size).toBe(0);
    expect(mirror.find(token({ issuedAt: NOW - 10_001 }), NOW)).toBeDefined();
    expect(mirror.find(token(), NOW)).toBeUndefined();
  });
});

test.each([undefined, Number.NaN, -Infinity])(
  'a token that does not say when it was issued (%s) falls under whatever has a moment, and under nothing else',
  (issuedAt) => {
    const unnamed = token({ issuedAt, subject: 's-1' });
    const mirror = createRevocationMirror();
    expect(mirror.find(unnamed, NOW)).toBeUndefined();
    mirror.apply(record({ issuer: 'https://b.test' }));
    mirror.apply(record({ value: 's-2' }));
    expect(mirror.find(unnamed, NOW)).toBeUndefined();
    mirror.apply(record({ issuedUntil: 1 }));
    expect(mirror.find(unnamed, NOW)).toMatchObject({ kind: 'subject' });
    // of what is forgotten nobody can tell whom it hit
    const later = createRevocationMirror();
    later.apply(record({ value: 's-2', issuedUntil: 1 }));
    later.sweep(NOW + 86_400);
    expect(later.size).toBe(0);
    expect(later.find(unnamed, NOW + 86_400)).toMatchObject({ kind: 'issuer' });
  },
);

describe('a clock that is set', () => {
  test('forward and back again brings no token back that was revoked for good', () => {
    const mirror = createRevocationMirror();
    mirror.apply(record({ kind: 'token', value: 't-1', until: NOW + 300, isFinal: true }));
    mirror.sweep(NOW + 86_400);
    expect(mirror.find(token({ tokenId: 't-1' }), NOW + 86_400)).toBeUndefined();
    mirror.sweep(NOW);
    expect(mirror.find(token({ tokenId: 't-1' }), NOW)).toBeDefined();
    // and sweeping goes on by the clock as it is now
    mirror.apply(record({ value: 's-2', until: NOW + 120, isFinal: true }));
    mirror.sweep(NOW + 600);
    expect(mirror.size).toBe(0);
  });
});

test('a clock that is corrected, and another one that is a little behind, hit nobody', () => {
  const mirror = createRevocationMirror();
  mirror.apply(record({ kind: 'token', value: 't-1', until: NOW + 60, isFinal: true }));
  for (const seconds of [0, 120, 119, 400, 398, 600, 590, 661, 659, 5000, 4800]) {
    mirror.sweep(NOW + seconds);
    expect(mirror.find(token({ subject: 's-2' }), NOW + seconds)).toBeUndefined();
  }
  expect(mirror.size).toBe(0);
});

test('what an overflow covers is not taken in again, so that reading it anew makes no room for nothing', () => {
  const told: RevocationOverflow[] = [];
  const mirror = createRevocationMirror({ maxEntries: 100, overflowed: (overflow) => told.push(overflow) });
  const records = Array.from({ length: 120 }, (_record, at) => record({ value: `s-${at}`, issuedUntil: NOW + at }));
  for (let round = 0; round < 5; round++) for (const each of records) mirror.apply(each);
  expect(told.length).toBeLessThanOrEqual(2);
});

test('what is final and what is not end apart, under one name', () => {
  const mirror = createRevocationMirror();
  mirror.apply(record({ issuedUntil: NOW, until: NOW + 3600 }));
  mirror.apply(record({ issuedUntil: NOW + 3000, until: NOW + 3100, isFinal: true }));
  expect(mirror.size).toBe(2);
  expect(mirror.find(token({ issuedAt: NOW + 2000 }), NOW + 3050)).toMatchObject({ isFinal: true });
  mirror.sweep(NOW + 4000);
  // nobody who was not meant is hit by the later moment
  expect(mirror.find(token({ subject: 's-2', issuedAt: NOW + 2000 }), NOW + 4000)).toBeUndefined();
  expect(mirror.find(token({ subject: 's-2', issuedAt: NOW }), NOW + 4000)).toBeDefined();
});

describe('what there is no room for', () => {
  function crowded(issuers: readonly string[], each: number, maxEntries: number): { mirror: RevocationMirror; told: RevocationOverflow[] } {
    const told: RevocationOverflow[] = [];
    const mirror = createRevocationMirror({ maxEntries, overflowed: (overflow) => told.push(overflow) });
    for (let at = 0; at < each; at++) for (const issuer of issuers) mirror.apply(record({ issuer, value: `s-${at}`, issuedUntil: NOW + at }));
    return { mirror, told };
  }

  test('is told, and every token that it might hit is refused', () => {
    const { mirror, told } = crowded(['https://a.test'], 101, 100);
    expect(told).toEqual([{ issuer: 'https://a.test', dropped: 50, issuedUntil: NOW + 49 }]);
    expect(mirror.size).toBe(51);
    for (let at = 0; at < 101; at++) expect(mirror.find(token({ subject: `s-${at}`, issuedAt: NOW + at }), NOW)).toBeDefined();
    expect(mirror.find(token({ subject: 'other', issuedAt: NOW + 49 }), NOW)).toMatchObject({ kind: 'issuer', issuedUntil: NOW + 49 });
    expect(mirror.find(token({ subject: 'other', issuedAt: NOW + 50 }), NOW)).toBeUndefined();
  });

  test('is taken from whoever floods, or has most, so that one tenant pays for its own', () => {
    const { mirror, told } = crowded(['https://small.test'], 10, 100);
    for (let at = 0; at < 500; at++) mirror.apply(record({ issuer: 'https://large.test', value: `s-${at}`, issuedUntil: NOW + at }));
    expect(told.length).toBeGreaterThan(3);
    expect(told.every(({ issuer }) => issuer === 'https://large.test')).toBe(true);
    expect(mirror.size).toBeLessThanOrEqual(100);
    expect(mirror.find(token({ issuer: 'https://small.test', subject: 'other' }), NOW)).toBeUndefined();
    for (let at = 0; at < 10; at++) expect(mirror.find(token({ issuer: 'https://small.test', subject: `s-${at}` }), NOW)).toBeDefined();
  });

  test('a large one does not pay for the flood of a smaller one that has its share', () => {
    const { mirror, told } = crowded(['https://large.test'], 60, 100);
    for (let at = 0; at < 300; at++) mirror.apply(record({ issuer: 'https://flood.test', value: `s-${at}`, issuedUntil: NOW + at }));
    expect(mirror.find(token({ issuer: 'https://large.test', subject: 'bystander' }), NOW)).toBeDefined();
    const once = told.filter(({ issuer }) => issuer === 'https://large.test');
    // until the other one has more than half of the room, and never again
    expect(once.length).toBeLessThanOrEqual(1);
    expect(told.length).toBeGreaterThan(3);
  });

  test('whoever is told of it may add more', () => {
    const mirror: RevocationMirror = createRevocationMirror({ maxEntries: 10, overflowed: () => void mirror.apply(record({ value: 's-10' })) });
    for (let at = 0; at <= 10; at++) mirror.apply(record({ value: `s-${at}`, issuedUntil: NOW + at }));
    mirror.sweep(NOW + 10_000);
    expect(mirror.size).toBe(0);
    expect(mirror.find(token({ subject: 's-10' }), NOW + 10_000)).toBeDefined();
  });

  test.each([0, -1, 1.5, Number.NaN, Infinity, '10'])('a bound of %s is none', (maxEntries) => {
    expect(() => createRevocationMirror({ maxEntries: maxEntries as number })).toThrow(/maxEntries: is .*: a whole number, 1 or more, is needed/);
  });

  test('a flood of the same costs no room', () => {
    const { mirror, told } = crowded(['https://a.test'], 1, 2);
    for (let at = 0; at < 100; at++) mirror.apply(record({ value: 's-0', issuedUntil: NOW + at }));
    expect([mirror.size, told.length]).toEqual([1, 0]);
  });

  test('issuers of which nothing is left but a moment do not pile up', () => {
    const mirror = createRevocationMirror();
    for (let at = 0; at < 10_050; at++) mirror.apply(record({ issuer: `https://t-${at}.test`, until: NOW + 60 }));
    mirror.sweep(NOW + 120);
    expect(mirror.size).toBe(0);
    // what was forgotten of one is then refused of all: only tokens that live longer than revocations are kept
    expect(mirror.find(token({ issuer: 'https://t-1.test' }), NOW + 120)).toBeDefined();
    expect(mirror.find(token({ issuer: 'https://t-1.test', issuedAt: NOW + 1 }), NOW + 120)).toBeUndefined();
  });
});

const records = fc.record({
  kind: fc.constantFrom(...REVOCATION_KINDS),
  issuer: fc.constantFrom('https://a.test', 'https://b.test'),
  value: fc.constantFrom('1', '2'),
  issuedUntil: fc.integer({ min: NOW, max: NOW + 50 }),
  until: fc.integer({ min: NOW + 60, max: NOW + 4000 }),
  isFinal: fc.boolean(),
  reason: fc.constantFrom('logout' as const, 'compromised' as const),
});

describe('rule 120', () => {
  test('in whatever order records come, and however often, the same tokens are hit', () => {
    fc.assert(
      fc.property(fc.array(records, { maxLength: 12 }), fc.array(fc.nat({ max: 11 }), { maxLength: 12 }), (some, order) => {
        const [one, other] = [createRevocationMirror(), createRevocationMirror()];
        for (const each of some) one.apply(each);
        for (const at of order) if (some[at]) other.apply(some[at]);
        for (const each of some.toReversed()) other.apply(each);
        expect([...other.records()].map((each) => JSON.stringify(each)).sort()).toEqual([...one.records()].map((each) => JSON.stringify(each)).sort());
        for (const name of ['1', '2']) {
          for (const issuedAt of [NOW - 5, NOW + 10, NOW + 30, NOW + 50, NOW + 51]) {
            const asked = token({ tokenId: name, sessionId: name, subject: name, clientId: name, issuedAt });
            expect(one.find(asked, NOW) === undefined).toBe(other.find(asked, NOW) === undefined);
          }
        }
      }),
    );
  });

  test('what a record hits it hits also beside others, as long as it lives', () => {
    fc.assert(
      fc.property(records, fc.array(records, { maxLength: 8 }), fc.nat({ max: 8 }), (mine, others, place) => {
        const mirror = createRevocationMirror();
        for (const each of others.toSpliced(place, 0, mine)) mirror.apply(each);
        const names = { tokenId: mine.value, sessionId: mine.kind === 'sessionless' ? undefined : mine.value, subject: mine.value, clientId: mine.value };
        const asked = token({ ...names, issuer: mine.issuer, issuedAt: mine.issuedUntil });
        for (const later of [NOW, mine.until - 1]) {
          mirror.sweep(later);
          expect(mirror.find(asked, later)).toBeDefined();
        }
      }),
    );
  });
});

describe('rule 171: bytes', () => {
  const LONG = 'x'.repeat(2000);

  test('long names are given up before the memory is gone, and what they hit is refused', () => {
    const told: RevocationOverflow[] = [];
    const mirror = createRevocationMirror({ maxBytes: 1_000_000, overflowed: (overflow) => told.push(overflow) });
    for (let at = 0; at < 2000; at++) mirror.apply(record({ value: `${LONG}${at}`, issuedUntil: NOW + at }));
    expect(mirror.size).toBeGreaterThan(100);
    expect(mirror.size).toBeLessThan(250);
    expect(told.length).toBeGreaterThan(5);
    for (let at = 0; at < 2000; at += 100) expect(mirror.find(token({ subject: `${LONG}${at}`, issuedAt: NOW + at }), NOW)).toBeDefined();
  });

  test('the issuer whose names are long pays for them, not the one that has more of short ones', () => {
    const told: RevocationOverflow[] = [];
    const mirror = createRevocationMirror({ maxBytes: 1_000_000, overflowed: (overflow) => told.push(overflow) });
    for (let at = 0; at < 800; at++) mirror.apply(record({ issuer: 'https://b.test', value: `s-${at}` }));
    for (let at = 0; at < 1000; at++) mirror.apply(record({ value: `${LONG}${at}`, issuedUntil: NOW - 100 }));
    expect(new Set(told.map(({ issuer }) => issuer))).toEqual(new Set(['https://a.test']));
    expect(mirror.find(token({ issuer: 'https://b.test', subject: 'somebody' }), NOW)).toBeUndefined();
  });

  test('as much room is made as one long name needs, and what ends gives its room back', () => {
    const mirror = createRevocationMirror({ maxBytes: 65_536 });
    for (let at = 0; at < 140; at++) mirror.apply(record({ value: `s-${at}`, isFinal: true }));
    mirror.apply(record({ value: 'x'.repeat(20_000) }));
    expect(mirror.find(token({ subject: 'x'.repeat(20_000) }), NOW)).toMatchObject({ kind: 'subject' });
    const told: RevocationOverflow[] = [];
    const again = createRevocationMirror({ maxBytes: 65_536, overflowed: (overflow) => told.push(overflow) });
    for (let hour = 0; hour < 50; hour++) {
      again.sweep(NOW + hour * 7200);
      for (let at = 0; at < 100; at++) again.apply(record({ value: `s-${at}`, until: NOW + hour * 7200 + 60, isFinal: true }));
    }
    expect(told).toEqual([]);
  });

  test.each([0, 65_535, 1e6 + 0.5, Number.NaN, '1000000'])('%s bytes stop the start', (maxBytes) => {
    expect(() => createRevocationMirror({ maxBytes: maxBytes as number })).toThrow(/maxBytes: is/);
  });
});
