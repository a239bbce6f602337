import { createVerify, verify } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { publicKeyAlgorithms } from './algorithms.js';

vi.mock(import('node:crypto'), async (original) => {
  const crypto = await original();
  return { ...crypto, verify: vi.fn() as never, createVerify: vi.fn() };
});

test('rule 26: offers no PSS algorithm on a runtime that has no way to verify them', () => {
  vi.mocked(verify).mockImplementation(() => false);
  vi.mocked(createVerify).mockImplementation(() => {
    throw new Error('not implemented');
  });
  expect(publicKeyAlgorithms()).toContain('RS256');
  expect(publicKeyAlgorithms().filter((name) => name.startsWith('PS'))).toEqual([]);
});
