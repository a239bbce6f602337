import { expect, test } from 'vitest';
import { leaseSeconds } from './refresh-sharing.js';

test.each([0.1, 5, 60])('rule 130: a lease outlasts the longest refresh, with calls of up to %d s', (timeoutSeconds) => {
  // the lease begins when the store takes it, and the answer may be late
  const answerOfLease = 3;
  const look = 3;
  const metadata = timeoutSeconds;
  const lateAnswer = 2 * timeoutSeconds;
  const keysOfUnknownSignature = 2 * timeoutSeconds;
  // each with all its calls of the store: see the test of a write after a fail-over
  const threeWrites = 3 * 3 + 0.5;
  expect(leaseSeconds({ timeoutSeconds })).toBeGreaterThan(answerOfLease + look + metadata + lateAnswer + keysOfUnknownSignature + threeWrites);
});
