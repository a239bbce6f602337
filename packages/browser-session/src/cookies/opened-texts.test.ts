import { expect, test } from 'vitest';
import { createOpenedTexts } from './opened-texts.js';

const LIMITS = { maxEntries: 100, maxBytes: 1_000_000 };

function sealedOf(index: number, length = 200): string {
  return String(index).padStart(length, 'a');
}

test('returns the value of a text, and of no other', () => {
  const opened = createOpenedTexts<number>(LIMITS);
  opened.add(sealedOf(1), 1);
  expect(opened.get(sealedOf(1))).toBe(1);
  expect(opened.get(sealedOf(2))).toBeUndefined();
});

test('rule 64: a text with the same end is another text', () => {
  const opened = createOpenedTexts<number>(LIMITS);
  opened.add(sealedOf(1, 200), 1);
  expect(opened.get(sealedOf(1, 201))).toBeUndefined();
  opened.add(sealedOf(1, 201), 2);
  expect(opened.get(sealedOf(1, 201))).toBe(2);
  expect(opened.size).toBe(1);
});

test('rule 70: keeps a bounded number, and those that are in use', () => {
  const opened = createOpenedTexts<number>(LIMITS);
  opened.add(sealedOf(0), 0);
  for (let index = 1; index < 10_000; index++) {
    opened.add(sealedOf(index), index);
    expect(opened.get(sealedOf(0))).toBe(0);
  }
  expect(opened.size).toBeLessThanOrEqual(100);
  expect(opened.get(sealedOf(1))).toBeUndefined();
});

test('rule 70: keeps a bounded number of bytes', () => {
  const opened = createOpenedTexts<number>({ maxEntries: 1e6, maxBytes: 1_000_000 });
  for (let index = 0; index < 500; index++) opened.add(sealedOf(index, 5000), index);
  expect(opened.bytes).toBeLessThanOrEqual(1_000_000);
  expect(opened.size).toBeGreaterThan(30);
  for (let index = 0; index < 500; index++) opened.add(sealedOf(499, 5000), index);
  expect(opened.bytes).toBeLessThanOrEqual(1_000_000);
  opened.add(sealedOf(1, 600_000), 1);
  expect(opened.get(sealedOf(1, 600_000))).toBeUndefined();
});

test('the bytes go down with the entries', () => {
  const opened = createOpenedTexts<number>({ maxEntries: 4, maxBytes: 1e9 });
  for (let index = 0; index < 1000; index++) {
    opened.add(sealedOf(index % 3), index);
    opened.get(sealedOf((index + 1) % 3));
  }
  expect(opened.bytes).toBeLessThanOrEqual(4 * (800 + 400));
});
