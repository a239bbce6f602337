import { generateKeyPairSync } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { ALGORITHMS, hasPostQuantum, publicKeyAlgorithms } from './algorithms.js';

vi.mock(import('node:crypto'), async (original) => {
  const crypto = await original();
  return { ...crypto, generateKeyPairSync: vi.fn() as never };
});

test('rule 22: offers no ML-DSA algorithm on a runtime that cannot make such keys, as before Node 24.6', () => {
  // the error of Node 20
  vi.mocked(generateKeyPairSync).mockImplementation(() => {
    throw new TypeError("The argument 'type' must be a supported key type. Received 'ml-dsa-44'");
  });
  expect(hasPostQuantum()).toBe(false);
  expect(publicKeyAlgorithms()).toEqual([...ALGORITHMS]);
  // found out once
  expect(hasPostQuantum()).toBe(false);
  expect(generateKeyPairSync).toHaveBeenCalledTimes(1);
});
