import { generateKeyPairSync } from 'node:crypto';
import { expect, test, vi } from 'vitest';

vi.mock(import('node:crypto'), async (original) => {
  const crypto = await original();
  return { ...crypto, generateKeyPairSync: vi.fn() as never };
});

test('rule 22: offers no ML-DSA algorithm on a runtime that cannot make such keys, as before Node 24.6', async () => {
  // the error of Node 20
  vi.mocked(generateKeyPairSync).mockImplementation(() => {
    throw new TypeError("The argument 'type' must be a supported key type. Received 'ml-dsa-44'");
  });
  const { ALGORITHMS, hasPostQuantum, publicKeyAlgorithms } = await import('./algorithms.js');
  expect(hasPostQuantum()).toBe(false);
  expect(publicKeyAlgorithms()).toEqual([...ALGORITHMS]);
  // found out once
  expect(hasPostQuantum()).toBe(false);
  expect(generateKeyPairSync).toHaveBeenCalledTimes(1);
});
