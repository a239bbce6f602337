import { expect, test, vi } from 'vitest';
import type { RevocationRecord } from '@tokenward/core/store';
import { createAcknowledged } from './acknowledged.js';

function recordsOf(...values: readonly string[]): ReadonlyMap<string, RevocationRecord> {
  const rest = { kind: 'session', issuer: 'https://login.example.test', issuedUntil: 1, until: 2, isFinal: false, reason: 'logout' } as const;
  return new Map(values.map((value) => [value, { ...rest, value }]));
}

test('rule 115: keeps what was acknowledged after the count that is confirmed', () => {
  const acknowledged = createAcknowledged(() => {});
  acknowledged.add(recordsOf('a', 'b'));
  const { count } = acknowledged;
  acknowledged.add(recordsOf('b', 'c'));
  acknowledged.confirm(count);
  expect(acknowledged.take().map(({ value }) => value)).toEqual(['b', 'c']);
  expect(acknowledged.take()).toEqual([]);
});

test('rule 115: asks for a full read once there are too many records to keep', () => {
  const overflowed = vi.fn<() => void>();
  const acknowledged = createAcknowledged(overflowed);
  for (let at = 0; at <= 100; at++) acknowledged.add(recordsOf(...Array.from({ length: 1000 }, (_value, index) => `${at}-${index}`)));
  expect(overflowed).toHaveBeenCalledOnce();
  expect(acknowledged.take()).toEqual([]);
});
