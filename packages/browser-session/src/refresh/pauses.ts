import type { Clock } from '@tokenward/core';
import { createLruMap } from '@tokenward/core/store';

/** When a refresh may be tried again after a failure, so that requests do not flood the issuer. */
export interface Pauses {
  /** Returns for how many seconds a session must not be refreshed; 0 if it may be now. */
  secondsLeft(id: string): number;
  /**
   * Notes a failure. If the issuer asks to wait, that applies to the whole app: this process refreshes no session during that time.
   *
   * @param isUsable whether the access token is still valid
   */
  add(id: string, isUsable: boolean, retryAfterSeconds: number | undefined): void;
  delete(id: string): void;
}

const MAX_PAUSES = 10_000;
/** After a failure, a token that is still valid is used for this time before the next attempt. */
const WHILE_VALID_SECONDS = 5;
/** If the token has expired, the next attempt comes sooner, but not with every request. */
const WHEN_ENDED_SECONDS = 1;
/** If the issuer asks for a longer wait, the next attempt still comes after this time, because users wait. */
const MAX_RETRY_AFTER_SECONDS = 60;

export function createPauses({ monotonic }: Pick<Clock, 'monotonic'>): Pauses {
  /** Until when, by the monotonic clock. */
  const ofSessions = createLruMap<number>(MAX_PAUSES);
  let ofIssuer = -Infinity;

  return {
    secondsLeft: (id) => Math.max(0, (Math.max(ofIssuer, ofSessions.get(id) ?? -Infinity) - monotonic()) / 1000),
    add(id, isUsable, retryAfterSeconds) {
      ofSessions.set(id, monotonic() + (isUsable ? WHILE_VALID_SECONDS : WHEN_ENDED_SECONDS) * 1000);
      if (retryAfterSeconds !== undefined) ofIssuer = Math.max(ofIssuer, monotonic() + Math.min(retryAfterSeconds, MAX_RETRY_AFTER_SECONDS) * 1000);
    },
    delete: ofSessions.delete,
  };
}
