import { createRevocationMirror, type RevocationRecord } from '@tokenward/core/store';
import { expect, test, vi } from 'vitest';
import { cutoffOf, textOf } from './record-text.js';
import { createSharedMirror } from './shared-mirror.js';

const ISSUER = 'https://login.example.test';
const NOW = 1_900_000_000;

async function missingIn(
  shared: ReturnType<typeof createSharedMirror>,
  present: readonly string[],
  cutoffs: ReadonlyMap<string, string>,
  isLoss = false,
): Promise<string[]> {
  const found: string[] = [];
  for await (const portion of shared.missing(new Set(present), cutoffs, isLoss)) found.push(...portion.keys());
  return found;
}

function create(maxEntries = 1000, overflowed = () => {}) {
  return createSharedMirror(
    createRevocationMirror({ maxEntries, overflowed }),
    () => NOW,
    () => {},
    () => {},
  );
}

test('what has ended is not written back, even by a process that checks no requests', async () => {
  const shared = create();
  const record = (value: string, until: number): RevocationRecord => {
    return { kind: 'session', issuer: ISSUER, value, issuedUntil: NOW - 20_000, until, isFinal: true, reason: 'logout' };
  };
  const [ended, lasting] = [record('ended', NOW - 10_000), record('lasting', NOW + 1000)];
  shared.add(ended);
  shared.add(lasting);
  expect(await missingIn(shared, [], new Map())).toEqual([textOf(lasting)]);
});

test('rule 171: a full read of more ended records than there is room for evicts no live ones', () => {
  const overflowed = vi.fn<() => void>();
  const shared = create(1000, overflowed);
  const text = (value: string, issuedUntil: number, until: number): string =>
    textOf({ kind: 'session', issuer: ISSUER, value, issuedUntil, until, isFinal: false, reason: 'logout' });
  for (let page = 0; page < 10; page++) {
    const texts = Array.from({ length: 300 }, (_value, at) => text(`ended-${page}-${at}`, NOW - 10_000, NOW - 1000));
    texts.push(...Array.from({ length: 90 }, (_value, at) => text(`live-${page}-${at}`, NOW - at, NOW + 1000)));
    shared.addTexts(texts, false);
  }
  expect(overflowed).not.toHaveBeenCalled();
});

test('rule 171: a cut-off that came from Redis is written back after Redis has lost it', async () => {
  const shared = create();
  shared.addCutoffs(new Map([[ISSUER, '1000']]));
  expect(await missingIn(shared, [], new Map([[ISSUER, '1000']]))).toEqual([]);
  expect(await missingIn(shared, [], new Map())).toEqual([textOf(cutoffOf(ISSUER, 1000))]);
});

test('rule 171: the cut-off of an issuer is written back, however many issuers were seen before', async () => {
  const shared = create(100_000);
  for (let at = 0; at < 10_050; at++) {
    shared.add({ kind: 'session', issuer: `https://t-${at}.test`, value: 's', issuedUntil: NOW, until: NOW + 1000, isFinal: false, reason: 'logout' });
  }
  const last = 'https://t-10049.test';
  shared.addCutoffs(new Map([[last, '1000']]));
  expect(await missingIn(shared, [], new Map())).toContain(textOf(cutoffOf(last, 1000)));
});

test('rule 171: cut-offs are written back before the records', async () => {
  const shared = create(100_000);
  const record = (value: string, until: number): RevocationRecord => {
    return { kind: 'session', issuer: ISSUER, value, issuedUntil: NOW - 1000, until, isFinal: false, reason: 'logout' };
  };
  for (let at = 0; at < 20_000; at++) shared.add(record(`s-${at}`, NOW + 1000));
  shared.add(record('ended', NOW - 500));
  // sweeps it, so that the next one is a record still
  await missingIn(shared, [], new Map());
  shared.addCutoffs(new Map([['https://other.test', '1000']]));
  const written = await missingIn(shared, [], new Map());
  expect(written).toHaveLength(20_002);
  expect(written.slice(0, 2).sort()).toEqual([textOf(cutoffOf(ISSUER, NOW - 1000)), textOf(cutoffOf('https://other.test', 1000))].sort());
});

test('rule 119: the cut-off of removed issuers is not written back as that of an issuer that the mirror still has', async () => {
  const shared = create(100_000);
  const record = (issuer: string, until: number): RevocationRecord => {
    return { kind: 'session', issuer, value: 's', issuedUntil: NOW - 1000, until, isFinal: false, reason: 'logout' };
  };
  const [own, none] = ['https://own.test', 'https://none.test'];
  // more than are kept, so the last of them is not known by name
  for (let at = 0; at < 10_050; at++) shared.add(record(`https://t-${at}.test`, NOW - 500));
  for (const issuer of [own, none]) shared.add(record(issuer, NOW + 1000));
  shared.addCutoffs(new Map([[own, '1000']]));
  const written = await missingIn(shared, [], new Map());
  const ofOthers = written.filter((text) => text.includes(own) || text.includes(none));
  expect(ofOthers.sort()).toEqual([textOf(cutoffOf(own, 1000)), textOf(record(own, NOW + 1000)), textOf(record(none, NOW + 1000))].sort());
  // a removed issuer has no other
  expect(written).toContain(textOf(cutoffOf('https://t-0.test', NOW - 1000)));
  // one of the two may have been removed and have come back
  const afterLoss = await missingIn(shared, [], new Map(), true);
  for (const issuer of [own, none, 'https://t-0.test']) expect(afterLoss).toContain(textOf(cutoffOf(issuer, NOW - 1000)));
  expect(afterLoss).not.toContain(textOf(cutoffOf(own, 1000)));
});

test('rule 119: after a loss, no revocation of a whole issuer takes the place of its cut-off', async () => {
  const shared = create();
  const cutoff = NOW - 100_000;
  shared.addCutoffs(new Map([[ISSUER, String(cutoff)]]));
  // sweeps it
  await missingIn(shared, [], new Map());
  shared.add({ kind: 'issuer', issuer: ISSUER, value: '', issuedUntil: cutoff - 1000, until: NOW + 1000, isFinal: false, reason: 'unspecified' });
  expect(await missingIn(shared, [], new Map(), true)).toContain(textOf(cutoffOf(ISSUER, cutoff)));
});
