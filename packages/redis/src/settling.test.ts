import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Look } from './replies.js';
import { createSettling } from './settling.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

function lookWith(isWrittenBack: boolean): Look {
  return {
    epoch: '1700000000.00000000-0000-4000-8000-000000000000',
    lastId: '0-0',
    added: 0,
    entries: { count: 0, lastId: undefined, texts: [] },
    serverSeconds: 1_900_000_000,
    isWrittenBack,
    isRecentWrittenBack: false,
    uptimeSeconds: 1000,
    hasMore: false,
    isRewound: false,
    isLastEntry: false,
  };
}

test('rule 115: a process that starts waits for minutes if many revocations are written back, but not forever', () => {
  const settling = createSettling();
  let waitedMs = 0;
  for (; waitedMs < 3_600_000; waitedMs += 100) {
    settling.observe(lookWith(waitedMs < 300_000));
    if (settling.remainingMs === 0) break;
    vi.advanceTimersByTime(100);
  }
  expect(waitedMs).toBeGreaterThanOrEqual(300_000);
  expect(waitedMs).toBeLessThan(301_000);
  const endless = createSettling();
  for (waitedMs = 0; waitedMs < 3_600_000; waitedMs += 100) {
    endless.observe(lookWith(true));
    if (endless.remainingMs === 0) break;
    vi.advanceTimersByTime(100);
  }
  expect(waitedMs).toBeLessThan(660_000);
});
