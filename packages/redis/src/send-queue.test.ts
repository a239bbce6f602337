import type { RevocationRecord } from '@tokenward/core/store';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createSendQueue } from './send-queue.js';

const TIMEOUT_MS = 3000;

function recordOf(value: string): RevocationRecord {
  return { kind: 'session', issuer: 'https://login.example.test', value, issuedUntil: 1, until: 2, isFinal: false, reason: 'logout' };
}

test('a caller hears within the timeout that a record was not sent, whenever others began to wait', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const queue = createSendQueue(TIMEOUT_MS, () => {});
  const failedAtMs: number[] = [];
  const startMs = performance.now();
  for (let at = 0; at < 10; at++) {
    const addedAtMs = performance.now();
    queue.add(recordOf(`session-${at}`)).catch(() => failedAtMs.push(performance.now() - addedAtMs));
    await vi.advanceTimersByTimeAsync(70);
  }
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS * 2);
  expect(failedAtMs).toHaveLength(10);
  // within a twentieth: deadlines are not looked at one by one
  expect(Math.max(...failedAtMs)).toBeLessThanOrEqual(TIMEOUT_MS * 1.05 + 1);
  expect(performance.now() - startMs).toBeGreaterThan(TIMEOUT_MS);
});
