import type { Clock } from '@tokenward/core';
import type { SessionState } from '../session-state.js';

const WRITTEN_AFTER_SHARE = 0.1;

/** Whether it is time to write that a session was used. To write it for each request would cost a cookie or a store call each time. */
export function isUseWorthWriting({ usedAt }: SessionState, clock: Pick<Clock, 'now'>, idleSeconds: number): boolean {
  return clock.now() / 1000 - usedAt >= idleSeconds * WRITTEN_AFTER_SHARE;
}
