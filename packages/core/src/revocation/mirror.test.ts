import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createRevocationMirror, type RevocationMirror, type RevocationOverflow } from './mirror.js';
import { REVOCATION_KINDS } from '../vocabulary/revocation-words.js';
import type { RevocableToken, RevocationRecord } from './revocation.js';

const NOW = 1_900_000_000;

function record(values: Partial<RevocationRecord> = {}): RevocationRecord {
  return { kind: 'subject', issuer: 'https://a.test', value: 's-1', issuedUntil: NOW, until: NOW + 3600, isFinal: false, reason: 'logout', ...values };
}

function sweepAll(mirror: RevocationMirror, nowSeconds: number): void {
  while (!mirror.sweep(nowSeconds));
}

function token(values: Partial<RevocableToken> = {}): RevocableToken {
  return { issuer: 'https://a.test', tokenId: undefined, sessionId: undefined, subject: 's-1', clientId: undefined, issuedAt: NOW - 10, ...values };
}

describe('expired records', () => {
  test('rule 113: an expired open record leaves a cutoff, which covers every token of the issuer that is as old', () => {
    const mirror = createRevocationMirror();
    mirror.apply(record());
    mirror.sweep(NOW + 3599);
    expect(mirror.size).toBe(1);
    mirror.sweep(NOW + 3660);
    expect(mirror.size).toBe(0);
    expect([...mirror.records()]).toEqual([]);
    // it is no longer known whether the record covered a token that old
    for (const subject of ['s-1', 's-2']) expect(mirror.find(token({ subject }), NOW + 3700)).toMatchObject({ kind: 'issuer', issuedUntil: NOW });
    expect(mirror.find(token({ issuedAt: NOW + 1 }), NOW + 3700)).toBeUndefined();
    expect(mirror.find(token({ issuer: 'https://b.test' }), NOW + 3700)).toBeUndefined();
  });

  test('an expired final record leaves no cutoff', () => {
    const mirror = createRevocationMirror();
    mirror.apply(record({ isFinal: true }));
    expect(mirror.find(token(), NOW + 3599)).toBeDefined();
    expect(mirror.find(token(), NOW + 3600)).toBeUndefined();
    mirror.sweep(NOW + 4000);
    expect(mirror.size).toBe(0);
    expect(mirror.find(token(), NOW + 4000)).toBeUndefined();
  });

  test('a late sweep removes all expired records', () => {
    const mirror = createRevocationMirror();
    for (let at = 0; at < 1000; at++) mirror.apply(record({ value: `s-${at}`, until: NOW + at * 10, isFinal: true }));
    mirror.sweep(NOW + 5000);
    // final records stay a little longer, because clocks may differ
    expect(mirror.size).toBeGreaterThan(500);
    expect(mirror.size).toBeLessThan(545);
    mirror.sweep(NOW + 1e6);
    expect(mirror.size).toBe(0);
    mirror.sweep(NOW);
    expect(mirror.size).toBe(0);
  });

  test('many expired records are removed in portions, and cover the same tokens meanwhile', () => {
    const mirror = createRevocationMirror();
    const last = 25_000;
    for (let at = 0; at <= last; at++) mirror.apply(record({ value: `s-${at}`, issuedUntil: NOW - (at % 2), until: NOW + (at % 600), isFinal: at % 5 === 0 }));
    const later = NOW + 1000;
    let before = mirror.size;
    while (!mirror.sweep(later)) {
      expect(before - mirror.size).toBeLessThanOrEqual(1000);
      before = mirror.size;
      // by a record, or by the cut-off of those that are gone
      for (const at of [1, last - 1]) expect(mirror.find(token({ subject: `s-${at}` }), later)).toBeDefined();
      expect(mirror.find(token({ issuedAt: NOW + 1 }), later)).toBeUndefined();
    }
    expect(mirror.size).toBe(0);
    expect(mirror.sweep(later)).toBe(true);
    expect(mirror.find(token(), later)).toMatchObject({ kind: 'issuer', issuedUntil: NOW });
  });

  test('a record that is added or renewed while expired ones are removed is removed only once it has expired', () => {
    const mirror = createRevocationMirror();
    for (let at = 0; at < 5000; at++) mirror.apply(record({ value: `s-${at}` }));
    const later = NOW + 4000;
    expect(mirror.sweep(later)).toBe(false);
    mirror.apply(record({ value: 's-4999', until: later + 600 }));
    mirror.apply(record({ value: 'late', until: NOW - 600 }));
    sweepAll(mirror, later);
    expect([...mirror.records()].map(({ value }) => value)).toEqual(['s-4999']);
  });

  test('rule 171: expired records that are not removed yet make room before live ones are evicted', () => {
    const overflows: RevocationOverflow[] = [];
    const limits = [{ maxEntries: 3000 }, { maxBytes: 3000 * 450 }];
    for (const limit of limits) {
      const mirror = createRevocationMirror({ ...limit, overflowed: (overflow) => overflows.push(overflow) });
      mirror.apply(record({ value: 'live', issuedUntil: NOW + 100, until: NOW + 86_400 }));
      for (let at = 0; at < 2900; at++) mirror.apply(record({ value: `s-${at}`, isFinal: true }));
      const later = NOW + 7200;
      expect(mirror.sweep(later)).toBe(false);
      for (let at = 0; at < 2500; at++) mirror.apply(record({ value: `t-${at}`, issuedUntil: later, until: later + 3600 }));
      expect(overflows).toEqual([]);
      expect(mirror.find(token({ subject: 'other', issuedAt: NOW }), later)).toBeUndefined();
      for (const subject of ['live', 't-0', 't-2499']) expect(mirror.find(token({ subject, issuedAt: NOW }), later)).toBeDefined();
      expect(mirror.sweep(later)).toBe(true);
      expect(mirror.size).toBe(2501);
    }
  });

  test('rule 171: a mirror that nobody sweeps removes expired records before live ones are evicted', () => {
    const overflows: RevocationOverflow[] = [];
    const mirror = createRevocationMirror({ maxEntries: 1000, overflowed: (overflow) => overflows.push(overflow) });
    const later = NOW + 7200;
    mirror.apply(record({ value: 'live', issuedUntil: later, until: later + 3600 }), NOW);
    for (let at = 0; at < 999; at++) mirror.apply(record({ value: `s-${at}` }), NOW);
    for (let at = 0; at < 900; at++) mirror.apply(record({ value: `t-${at}`, issuedUntil: later, until: later + 3600 }), later);
    // as in a full read: what ended long ago arrives between live records
    for (let at = 0; at < 3000; at++) mirror.apply(record({ value: `u-${at}`, isFinal: true }), later);
    for (let at = 0; at < 90; at++) mirror.apply(record({ value: `v-${at}`, issuedUntil: later, until: later + 3600 }), later);
    expect(overflows).toEqual([]);
    expect(mirror.find(token({ subject: 'other', issuedAt: NOW + 1 }), later)).toBeUndefined();
    for (const subject of ['live', 't-0', 't-899', 'v-89']) expect(mirror.find(token({ subject, issuedAt: NOW + 1 }), later)).toBeDefined();
  });

  test('a clock that is set back while expired records are removed makes no token valid that one of them covers', () => {
    const mirror = createRevocationMirror();
    for (let at = 0; at < 2500; at++) mirror.apply(record({ value: `s-${at}`, isFinal: true }));
    expect(mirror.sweep(NOW + 86_400)).toBe(false);
    sweepAll(mirror, NOW);
    for (const subject of ['s-0', 's-2499']) expect(mirror.find(token({ subject }), NOW)).toBeDefined();
    expect(mirror.size).toBe(1500);
  });

  test('a record that arrives after it expired does not make the mirror look through all minutes', () => {
    const mirror = createRevocationMirror();
    for (let minute = 0; minute < 1000; minute++) mirror.apply(record({ value: `s-${minute}`, until: NOW + 3600 + minute * 60 }));
    sweepAll(mirror, NOW);
    const steps = vi.spyOn(Object.getPrototypeOf(new Map().values()) as Iterator<unknown>, 'next');
    onTestFinished(() => steps.mockRestore());
    for (let at = 0; at < 10; at++) {
      mirror.apply(record({ value: `late-${at}`, until: NOW - 60 - at * 60 }));
      sweepAll(mirror, NOW);
    }
    const count = steps.mock.calls.length;
    steps.mockRestore();
    expect([mirror.size, count < 200]).toEqual([1000, true]);
  });

  test('a record that arrives after it expired is removed by the next sweep', () => {
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
  'a token without iat (%s) is covered by every record that names it, and by the cutoff of its issuer',
  (issuedAt) => {
    const withoutIssuedAt = token({ issuedAt, subject: 's-1' });
    const mirror = createRevocationMirror();
    expect(mirror.find(withoutIssuedAt, NOW)).toBeUndefined();
    mirror.apply(record({ issuer: 'https://b.test' }));
    mirror.apply(record({ value: 's-2' }));
    expect(mirror.find(withoutIssuedAt, NOW)).toBeUndefined();
    mirror.apply(record({ issuedUntil: 1 }));
    expect(mirror.find(withoutIssuedAt, NOW)).toMatchObject({ kind: 'subject' });
    // the cutoff that a removed record leaves covers it too
    const swept = createRevocationMirror();
    swept.apply(record({ value: 's-2', issuedUntil: 1 }));
    swept.sweep(NOW + 86_400);
    expect(swept.size).toBe(0);
    expect(swept.find(withoutIssuedAt, NOW + 86_400)).toMatchObject({ kind: 'issuer' });
  },
);

describe('a clock that jumps', () => {
  test('a clock that jumps forward and back does not make a token valid that a final record covers', () => {
    const mirror = createRevocationMirror();
    mirror.apply(record({ kind: 'token', value: 't-1', until: NOW + 300, isFinal: true }));
    mirror.sweep(NOW + 86_400);
    expect(mirror.find(token({ tokenId: 't-1' }), NOW + 86_400)).toBeUndefined();
    mirror.sweep(NOW);
    expect(mirror.find(token({ tokenId: 't-1' }), NOW)).toBeDefined();
    // sweeps use the current time
    mirror.apply(record({ value: 's-2', until: NOW + 120, isFinal: true }));
    mirror.sweep(NOW + 600);
    expect(mirror.size).toBe(0);
  });

  test.each([
    ['no issuer is left', undefined],
    ['another issuer has records', 'https://other.test'],
  ])('rule 113: nor does it after the records of 10,050 issuers have expired, and %s', (_name, other) => {
    const mirror = createRevocationMirror();
    for (let at = 0; at < 10_050; at++) mirror.apply(record({ issuer: `https://t-${at}.test`, until: NOW + 300, isFinal: true }));
    if (other) mirror.apply(record({ issuer: other, until: NOW + 100_000 }));
    sweepAll(mirror, NOW + 86_400);
    expect(mirror.size).toBe(other ? 1 : 0);
    const ofRemoved = token({ issuer: 'https://t-1.test' });
    expect(mirror.find(ofRemoved, NOW + 86_400)).toBeUndefined();
    mirror.sweep(NOW);
    expect(mirror.find(ofRemoved, NOW)).toBeDefined();
    // a new login is accepted
    expect(mirror.find({ ...ofRemoved, issuedAt: NOW + 1 }, NOW)).toBeUndefined();
  });
});

test('a small clock correction does not cause other tokens to be refused', () => {
  const mirror = createRevocationMirror();
  mirror.apply(record({ kind: 'token', value: 't-1', until: NOW + 60, isFinal: true }));
  for (const seconds of [0, 120, 119, 400, 398, 600, 590, 661, 659, 5000, 4800]) {
    mirror.sweep(NOW + seconds);
    expect(mirror.find(token({ subject: 's-2' }), NOW + seconds)).toBeUndefined();
  }
  expect(mirror.size).toBe(0);
});

test('a record that the cutoff covers is not added again, so that reading all records again evicts nothing', () => {
  const overflows: RevocationOverflow[] = [];
  const mirror = createRevocationMirror({ maxEntries: 100, overflowed: (overflow) => overflows.push(overflow) });
  const records = Array.from({ length: 120 }, (_record, at) => record({ value: `s-${at}`, issuedUntil: NOW + at }));
  for (let round = 0; round < 5; round++) for (const each of records) mirror.apply(each);
  expect(overflows.length).toBeLessThanOrEqual(2);
});

test('a final and an open record of the same subject expire separately', () => {
  const mirror = createRevocationMirror();
  mirror.apply(record({ issuedUntil: NOW, until: NOW + 3600 }));
  mirror.apply(record({ issuedUntil: NOW + 3000, until: NOW + 3100, isFinal: true }));
  expect(mirror.size).toBe(2);
  expect(mirror.find(token({ issuedAt: NOW + 2000 }), NOW + 3050)).toMatchObject({ isFinal: true });
  mirror.sweep(NOW + 4000);
  // the later issuedUntil of the final record leaves no cutoff
  expect(mirror.find(token({ subject: 's-2', issuedAt: NOW + 2000 }), NOW + 4000)).toBeUndefined();
  expect(mirror.find(token({ subject: 's-2', issuedAt: NOW }), NOW + 4000)).toBeDefined();
});

describe('with more records than maxEntries', () => {
  function filledMirror(
    issuers: readonly string[],
    recordsPerIssuer: number,
    maxEntries: number,
  ): { mirror: RevocationMirror; overflows: RevocationOverflow[] } {
    const overflows: RevocationOverflow[] = [];
    const mirror = createRevocationMirror({ maxEntries, overflowed: (overflow) => overflows.push(overflow) });
    for (let at = 0; at < recordsPerIssuer; at++) for (const issuer of issuers) mirror.apply(record({ issuer, value: `s-${at}`, issuedUntil: NOW + at }));
    return { mirror, overflows };
  }

  test('evicts and reports records, and refuses every token that they may have covered', () => {
    const { mirror, overflows } = filledMirror(['https://a.test'], 101, 100);
    expect(overflows).toEqual([{ issuer: 'https://a.test', dropped: 50, issuedUntil: NOW + 49 }]);
    sweepAll(mirror, NOW);
    expect(mirror.size).toBe(51);
    for (let at = 0; at < 101; at++) expect(mirror.find(token({ subject: `s-${at}`, issuedAt: NOW + at }), NOW)).toBeDefined();
    expect(mirror.find(token({ subject: 'other', issuedAt: NOW + 49 }), NOW)).toMatchObject({ kind: 'issuer', issuedUntil: NOW + 49 });
    expect(mirror.find(token({ subject: 'other', issuedAt: NOW + 50 }), NOW)).toBeUndefined();
  });

  test('removes a few evicted records at a time, and covers the same tokens meanwhile', () => {
    const { mirror, overflows } = filledMirror(['https://a.test', 'https://b.test'], 5000, 10_000);
    // one that lasts longer than the others is evicted like them
    const addLater = (at: number): void =>
      void mirror.apply(record({ value: `t-${at}`, issuedUntil: NOW + 20_000, until: NOW + 90_000, isFinal: at % 2 === 0 }));
    for (let at = 0; at < 2500; at++) {
      const before = mirror.size;
      addLater(at);
      expect(before - mirror.size).toBeLessThanOrEqual(4);
      if (at % 100 > 0) continue;
      for (const subject of ['s-0', 's-2499', 's-4999', 't-0', `t-${at}`]) expect(mirror.find(token({ subject, issuedAt: NOW }), NOW)).toBeDefined();
      expect(mirror.find(token({ subject: 'other', issuedAt: NOW + 2500 }), NOW)).toBeUndefined();
    }
    expect(overflows).toEqual([{ issuer: 'https://a.test', dropped: 2500, issuedUntil: NOW + 2499 }]);
    expect(mirror.size).toBe(10_000);
    addLater(2500);
    expect(overflows).toHaveLength(2);
    let before = mirror.size;
    while (!mirror.sweep(NOW)) {
      expect(before - mirror.size).toBeLessThanOrEqual(1000);
      before = mirror.size;
    }
    expect(mirror.size).toBe(10_001 - overflows[1]!.dropped);
    for (const issuer of ['https://a.test', 'https://b.test'])
      for (let at = 0; at < 5000; at += 7) expect(mirror.find(token({ issuer, subject: `s-${at}`, issuedAt: NOW + at }), NOW)).toBeDefined();
  });

  test.each<[string, Partial<RevocationRecord>, Partial<RevocationRecord>]>([
    ['of one kind', {}, {}],
    ['of a kind whose records are all newer than those of another', { kind: 'subject' }, { kind: 'token' }],
  ])('no call looks at all records that an eviction spares: %s', (_what, older, newer) => {
    let reads = 0;
    const counting = (values: Partial<RevocationRecord>): RevocationRecord => {
      const { issuedUntil, ...rest } = record(values);
      return {
        ...rest,
        get issuedUntil() {
          reads++;
          return issuedUntil;
        },
      };
    };
    let overflows = 0;
    const mirror = createRevocationMirror({ maxEntries: 1000, overflowed: () => overflows++ });
    for (let at = 0; at < 500; at++) mirror.apply(counting({ ...older, value: `old-${at}`, issuedUntil: NOW }));
    for (let at = 0; at < 2500; at++) {
      const [readsBefore, overflowsBefore] = [reads, overflows];
      mirror.apply(counting({ ...newer, value: `new-${at}`, issuedUntil: NOW + 1 + at }));
      // an eviction reads all of so few records once, for their median
      expect(reads - readsBefore).toBeLessThan(20 + (overflows - overflowsBefore) * 1000);
    }
    expect(overflows).toBeGreaterThan(2);
  });

  test('no call looks at all records that an eviction spares, if these are the oldest entries', () => {
    let reads = 0;
    const counting = (value: string, issuedUntil: number): RevocationRecord => ({
      ...record({ value }),
      get issuedUntil() {
        reads++;
        return issuedUntil;
      },
    });
    const overflows: RevocationOverflow[] = [];
    const mirror = createRevocationMirror({ maxEntries: 20_000, overflowed: (overflow) => overflows.push(overflow) });
    for (let at = 0; at < 20_000; at++) mirror.apply(counting(`old-${at}`, NOW + 20_000 - at));
    let most = 0;
    for (let at = 0; at < 100; at++) {
      const [readsBefore, overflowsBefore] = [reads, overflows.length];
      mirror.apply(counting(`new-${at}`, NOW + 30_000));
      // an eviction reads up to 10,000 once, for their median
      expect(reads - readsBefore).toBeLessThan(1100 + (overflows.length - overflowsBefore) * 10_000);
      most = Math.max(most, mirror.size);
      expect(mirror.find(token({ subject: `new-${at}`, issuedAt: NOW + 25_000 }), NOW)).toBeDefined();
    }
    expect(overflows).toHaveLength(1);
    // it looks at 10,000 that stay before it removes the first one
    expect(most).toBeGreaterThan(20_000);
    expect(most).toBeLessThanOrEqual(20_010);
    expect(mirror.size).toBeLessThanOrEqual(20_000);
  });

  test('evicts about half of the records of a large issuer, and refuses every token that they may have covered', () => {
    const { mirror, overflows } = filledMirror(['https://a.test'], 40_001, 40_000);
    expect(overflows).toHaveLength(1);
    const [{ dropped, issuedUntil }] = overflows as [RevocationOverflow];
    expect(Math.abs(dropped - 20_000)).toBeLessThan(2000);
    const covers = (at: number): boolean => mirror.find(token({ subject: `s-${at}`, issuedAt: NOW + at }), NOW) !== undefined;
    for (let at = 0; at <= 40_000; at += 100) expect(covers(at)).toBe(true);
    sweepAll(mirror, NOW);
    for (let at = 0; at <= 40_000; at += 100) expect(covers(at)).toBe(true);
    expect(Math.abs(40_001 - mirror.size - dropped)).toBeLessThan(10);
    expect(mirror.find(token({ subject: 'other', issuedAt: issuedUntil + 1 }), NOW)).toBeUndefined();
  });

  test('a revocation that is renewed while it waits for its removal stays', () => {
    const { mirror } = filledMirror(['https://a.test'], 101, 100);
    mirror.apply(record({ value: 's-10', issuedUntil: NOW + 500 }));
    sweepAll(mirror, NOW);
    expect(mirror.size).toBe(52);
    expect(mirror.find(token({ subject: 's-10', issuedAt: NOW + 400 }), NOW)).toMatchObject({ kind: 'subject' });
    expect(mirror.find(token({ subject: 's-11', issuedAt: NOW + 400 }), NOW)).toBeUndefined();
  });

  test('evicts records of the issuer that adds many, not of a small issuer', () => {
    const { mirror, overflows } = filledMirror(['https://small.test'], 10, 100);
    for (let at = 0; at < 500; at++) mirror.apply(record({ issuer: 'https://large.test', value: `s-${at}`, issuedUntil: NOW + at }));
    expect(overflows.length).toBeGreaterThan(3);
    expect(overflows.every(({ issuer }) => issuer === 'https://large.test')).toBe(true);
    expect(mirror.size).toBeLessThanOrEqual(100);
    expect(mirror.find(token({ issuer: 'https://small.test', subject: 'other' }), NOW)).toBeUndefined();
    for (let at = 0; at < 10; at++) expect(mirror.find(token({ issuer: 'https://small.test', subject: `s-${at}` }), NOW)).toBeDefined();
  });

  test('a large issuer loses records at most once while a smaller issuer adds many', () => {
    const { mirror, overflows } = filledMirror(['https://large.test'], 60, 100);
    for (let at = 0; at < 300; at++) mirror.apply(record({ issuer: 'https://flood.test', value: `s-${at}`, issuedUntil: NOW + at }));
    expect(mirror.find(token({ issuer: 'https://large.test', subject: 'bystander' }), NOW)).toBeDefined();
    const ofLarge = overflows.filter(({ issuer }) => issuer === 'https://large.test');
    // once the other issuer has more than half of the entries, only its own records are evicted
    expect(ofLarge.length).toBeLessThanOrEqual(1);
    expect(overflows.length).toBeGreaterThan(3);
  });

  test('the overflowed callback may add a record', () => {
    const mirror: RevocationMirror = createRevocationMirror({ maxEntries: 10, overflowed: () => void mirror.apply(record({ value: 's-10' })) });
    for (let at = 0; at <= 10; at++) mirror.apply(record({ value: `s-${at}`, issuedUntil: NOW + at }));
    mirror.sweep(NOW + 10_000);
    expect(mirror.size).toBe(0);
    expect(mirror.find(token({ subject: 's-10' }), NOW + 10_000)).toBeDefined();
  });

  test.each([0, -1, 1.5, Number.NaN, Infinity, 1e9, '10'])('throws for maxEntries %s', (maxEntries) => {
    expect(() => createRevocationMirror({ maxEntries: maxEntries as number })).toThrow(/maxEntries: must be a whole number from 1 to 10000000 \(got /);
  });

  test('many records of one subject take one entry', () => {
    const { mirror, overflows } = filledMirror(['https://a.test'], 1, 2);
    for (let at = 0; at < 100; at++) mirror.apply(record({ value: 's-0', issuedUntil: NOW + at }));
    expect([mirror.size, overflows.length]).toEqual([1, 0]);
  });

  test('old tokens stay covered after the records of 10,050 issuers have expired', () => {
    const mirror = createRevocationMirror();
    for (let at = 0; at < 10_050; at++) mirror.apply(record({ issuer: `https://t-${at}.test`, until: NOW + 60 }));
    sweepAll(mirror, NOW + 120);
    expect(mirror.size).toBe(0);
    // the merged cutoff applies to all issuers, so it covers only tokens that live longer than revocations are kept
    expect(mirror.find(token({ issuer: 'https://t-1.test' }), NOW + 120)).toBeDefined();
    expect(mirror.find(token({ issuer: 'https://t-1.test', issuedAt: NOW + 1 }), NOW + 120)).toBeUndefined();
  });
});

test('issuers() returns the issuers that have records or a cut-off of their own, with that cut-off', () => {
  const mirror = createRevocationMirror();
  expect([...mirror.issuers()]).toEqual([]);
  mirror.apply(record({ until: NOW + 60 }));
  mirror.apply(record({ issuer: 'https://b.test' }));
  mirror.sweep(NOW + 600);
  expect(mirror.size).toBe(1);
  expect([...mirror.issuers()]).toEqual([
    ['https://a.test', NOW],
    ['https://b.test', undefined],
  ]);
});

test('issuers() tells no issuer the cut-off of removed issuers as its own', () => {
  const mirror = createRevocationMirror();
  for (let at = 0; at < 10_050; at++) mirror.apply(record({ issuer: `https://t-${at}.test`, until: NOW + 60 }));
  mirror.apply(record());
  sweepAll(mirror, NOW + 120);
  expect(mirror.find(token({ subject: 's-2' }), NOW + 120)).toMatchObject({ issuedUntil: NOW });
  expect([...mirror.issuers()]).toEqual([['https://a.test', undefined]]);
});

const records = fc.record({
  kind: fc.constantFrom(...REVOCATION_KINDS),
  issuer: fc.constantFrom('https://a.test', 'https://b.test'),
  value: fc.constantFrom('1', '2'),
  issuedUntil: fc.integer({ min: NOW, max: NOW + 50 }),
  until: fc.integer({ min: NOW + 60, max: NOW + 4000 }),
  isFinal: fc.boolean(),
  reason: fc.constantFrom('logout' as const, 'session_revoked' as const, 'compromised' as const),
});

describe('rule 120: the order of records does not matter', () => {
  test('records cover the same tokens in whatever order and however often they arrive', () => {
    fc.assert(
      fc.property(fc.array(records, { maxLength: 12 }), fc.array(fc.nat({ max: 11 }), { maxLength: 12 }), (some, order) => {
        const [one, other] = [createRevocationMirror(), createRevocationMirror()];
        for (const each of some) one.apply(each);
        for (const at of order) if (some[at]) other.apply(some[at]);
        for (const each of some.toReversed()) other.apply(each);
        expect([...other.records()].map((each) => JSON.stringify(each)).sort()).toEqual([...one.records()].map((each) => JSON.stringify(each)).sort());
        for (const name of ['1', '2']) {
          for (const issuedAt of [NOW - 5, NOW + 10, NOW + 30, NOW + 50, NOW + 51]) {
            const presented = token({ tokenId: name, sessionId: name, subject: name, clientId: name, issuedAt });
            expect(one.find(presented, NOW) === undefined).toBe(other.find(presented, NOW) === undefined);
          }
        }
      }),
    );
  });

  test('a session that was logged out stays so, however else it ends before or after', () => {
    const mirrorOf = (...some: RevocationRecord[]): RevocationMirror => {
      const mirror = createRevocationMirror();
      for (const each of some) mirror.apply(each);
      return mirror;
    };
    const logout = record({ kind: 'session', reason: 'logout' });
    for (const issuedUntil of [NOW - 1, NOW, NOW + 1]) {
      const other = record({ kind: 'session', reason: 'session_revoked', issuedUntil });
      const merged = { ...logout, issuedUntil: Math.max(NOW, issuedUntil) };
      expect([...mirrorOf(logout, other).records()]).toEqual([merged]);
      expect([...mirrorOf(other, logout).records()]).toEqual([merged]);
    }
    // a subject has many sessions, and each revocation is about those of its time
    const [early, late] = [record(), record({ reason: 'session_revoked', issuedUntil: NOW + 1 })];
    expect([...mirrorOf(early, late).records()]).toEqual([late]);
  });

  test('a record covers a token until it expires, whatever other records there are', () => {
    fc.assert(
      fc.property(records, fc.array(records, { maxLength: 8 }), fc.nat({ max: 8 }), (mine, others, place) => {
        const mirror = createRevocationMirror();
        for (const each of others.toSpliced(place, 0, mine)) mirror.apply(each);
        const names = { tokenId: mine.value, sessionId: mine.kind === 'sessionless' ? undefined : mine.value, subject: mine.value, clientId: mine.value };
        const presented = token({ ...names, issuer: mine.issuer, issuedAt: mine.issuedUntil });
        for (const later of [NOW, mine.until - 1]) {
          mirror.sweep(later);
          expect(mirror.find(presented, later)).toBeDefined();
        }
      }),
    );
  });
});

describe('rule 171: maxBytes', () => {
  const LONG = 'x'.repeat(2000);

  test('limits the records with long values, and tokens of evicted records are still refused', () => {
    const overflows: RevocationOverflow[] = [];
    const mirror = createRevocationMirror({ maxBytes: 1_000_000, overflowed: (overflow) => overflows.push(overflow) });
    for (let at = 0; at < 2000; at++) mirror.apply(record({ value: `${LONG}${at}`, issuedUntil: NOW + at }));
    expect(mirror.size).toBeGreaterThan(100);
    expect(mirror.size).toBeLessThan(250);
    expect(overflows.length).toBeGreaterThan(5);
    for (let at = 0; at < 2000; at += 100) expect(mirror.find(token({ subject: `${LONG}${at}`, issuedAt: NOW + at }), NOW)).toBeDefined();
  });

  test('evicts records of the issuer with long values, not of the issuer with more records', () => {
    const overflows: RevocationOverflow[] = [];
    const mirror = createRevocationMirror({ maxBytes: 1_000_000, overflowed: (overflow) => overflows.push(overflow) });
    for (let at = 0; at < 800; at++) mirror.apply(record({ issuer: 'https://b.test', value: `s-${at}` }));
    for (let at = 0; at < 1000; at++) mirror.apply(record({ value: `${LONG}${at}`, issuedUntil: NOW - 100 }));
    expect(new Set(overflows.map(({ issuer }) => issuer))).toEqual(new Set(['https://a.test']));
    expect(mirror.find(token({ issuer: 'https://b.test', subject: 'somebody' }), NOW)).toBeUndefined();
  });

  test('evicts enough for one long value, and frees the bytes of expired records', () => {
    const mirror = createRevocationMirror({ maxBytes: 65_536 });
    for (let at = 0; at < 140; at++) mirror.apply(record({ value: `s-${at}`, isFinal: true }));
    mirror.apply(record({ value: 'x'.repeat(20_000) }));
    expect(mirror.find(token({ subject: 'x'.repeat(20_000) }), NOW)).toMatchObject({ kind: 'subject' });
    const overflows: RevocationOverflow[] = [];
    const again = createRevocationMirror({ maxBytes: 65_536, overflowed: (overflow) => overflows.push(overflow) });
    for (let hour = 0; hour < 50; hour++) {
      again.sweep(NOW + hour * 7200);
      for (let at = 0; at < 100; at++) again.apply(record({ value: `s-${at}`, until: NOW + hour * 7200 + 60, isFinal: true }));
    }
    expect(overflows).toEqual([]);
  });

  test.each([0, 65_535, 1e6 + 0.5, 1e15, Number.NaN, '1000000'])('throws for maxBytes %s', (maxBytes) => {
    expect(() => createRevocationMirror({ maxBytes: maxBytes as number })).toThrow(/maxBytes: must be a whole number from 65536 to 1099511627776 \(got /);
  });
});
