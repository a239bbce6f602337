import { expect, test } from 'vitest';
import { collectBytes } from './collect-bytes.js';

test.each([0, 1, 4095, 4096, 4097, 10_000])('collects %i bytes in pieces of any size, and not one more', (total) => {
  const wanted = Uint8Array.from({ length: total }, (_value, at) => at % 251);
  for (const size of [1, 7, 4096, 20_000]) {
    const collected = collectBytes(total);
    for (let at = 0; at < total; at += size) expect(collected.add(wanted.subarray(at, at + size))).toBe(true);
    expect(collected.add(Uint8Array.of(1))).toBe(false);
    expect(collected.add(new Uint8Array())).toBe(true);
    expect(Buffer.compare(collected.all(), wanted)).toBe(0);
  }
});

test('rule 262: keeps no piece, which its sender may change or which may hold a larger buffer', () => {
  const collected = collectBytes(10);
  const piece = Uint8Array.of(1, 2);
  collected.add(piece);
  piece.fill(9);
  expect([...collected.all()]).toEqual([1, 2]);
});

test.each([-1, 1.5, Number.NaN, Infinity, 1e12, null, '10'])('rule 262: a limit of %s bytes is none, and is refused', (maxBytes) => {
  expect(() => collectBytes(maxBytes as number)).toThrow(/^tokenward: collectBytes\(maxBytes\): must be a whole number from 0 to 1073741824 \(got /);
});
