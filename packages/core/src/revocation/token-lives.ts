import { getEventListeners } from 'node:events';
import type { Clock } from '../clock.js';
import { acceptedUntil, type Auth } from '../auth.js';

/** Ends what was begun with a token when the token ends. */
export interface TokenLives {
  /** Aborts when the token expires or is revoked, or the guard is closed. The same one for the same Auth. */
  signalOf(auth: Auth<object>): AbortSignal;
  /** Looks at all of them again, soon, and once for many calls. */
  look(): void;
  close(): void;
}

/** Why a signal aborted: its `reason`. */
export class TokenEndedError extends Error {
  override readonly name = 'TokenEndedError';
  readonly code = 'TOKENWARD_TOKEN_ENDED';
  readonly reason: 'expired' | 'revoked' | 'guard_closed' | 'too_many';

  constructor(reason: TokenEndedError['reason']) {
    super(`the access token that this was begun with has ended: ${reason}`);
    this.reason = reason;
  }
}

/** No longer than a clock that jumps may be wrong: a machine was suspended, or NTP has set it. */
const LONGEST_TIMER_MS = 30_000;
/** A clock that stands still, or that is set back, is asked again. */
const AGAIN_MS = 1000;
const MAX_WATCHED = 100_000;
/** To look at all of them costs milliseconds where they are many: however often revocations come, it is not done more often. */
const BETWEEN_LOOKS_MS = 250;

/** @param isRevoked asks without telling anybody */
export function createTokenLives(clock: Pick<Clock, 'now'>, isRevoked: (auth: Auth<object>) => boolean): TokenLives {
  const watched = new Map<Auth<object>, AbortController>();
  let timer: NodeJS.Timeout | undefined;
  let wakesAt = Infinity;
  let nextLook: NodeJS.Timeout | undefined;
  let lookedAt = -Infinity;
  let madeRoomAt = -Infinity;
  let closed = false;

  function end(auth: Auth<object>, reason: TokenEndedError['reason']): void {
    const controller = watched.get(auth)!;
    watched.delete(auth);
    controller.abort(new TokenEndedError(reason));
  }

  function endingOf(auth: Auth<object>): 'expired' | 'revoked' | undefined {
    if (!(clock.now() / 1000 < acceptedUntil(auth))) return 'expired';
    return isRevoked(auth) ? 'revoked' : undefined;
  }

  function lookAtAll(): void {
    lookedAt = performance.now();
    clearTimeout(nextLook);
    nextLook = undefined;
    clearTimeout(timer);
    wakesAt = Infinity;
    let earliest = Infinity;
    for (const auth of watched.keys()) {
      const ending = endingOf(auth);
      if (ending) end(auth, ending);
      else earliest = Math.min(earliest, acceptedUntil(auth));
    }
    if (earliest < Infinity) wakeAt(earliest);
  }

  function wakeAt(seconds: number): void {
    if (seconds >= wakesAt) return;
    wakesAt = seconds;
    clearTimeout(timer);
    timer = setTimeout(lookAtAll, Math.min(Math.max(seconds * 1000 - clock.now(), AGAIN_MS), LONGEST_TIMER_MS));
    timer.unref();
  }

  /** Those to whom nobody listens any more give way first; else whoever has been watched for longest, who has to come again, and no token outlives its end. */
  function makeRoom(): void {
    const now = performance.now();
    if (now - madeRoomAt >= AGAIN_MS) {
      madeRoomAt = now;
      for (const [auth, { signal }] of watched) if (getEventListeners(signal, 'abort').length === 0) end(auth, 'too_many');
    }
    if (watched.size >= MAX_WATCHED) end(watched.keys().next().value!, 'too_many');
  }

  return {
    signalOf(auth) {
      const known = watched.get(auth);
      if (known) return known.signal;
      const ending = closed ? 'guard_closed' : endingOf(auth);
      if (ending) return AbortSignal.abort(new TokenEndedError(ending));
      if (watched.size >= MAX_WATCHED) makeRoom();
      const controller = new AbortController();
      watched.set(auth, controller);
      wakeAt(acceptedUntil(auth));
      return controller.signal;
    },
    look() {
      if (nextLook || watched.size === 0) return;
      nextLook = setTimeout(lookAtAll, Math.max(0, lookedAt + BETWEEN_LOOKS_MS - performance.now()));
      nextLook.unref();
    },
    close() {
      closed = true;
      clearTimeout(timer);
      clearTimeout(nextLook);
      for (const auth of watched.keys()) end(auth, 'guard_closed');
    },
  };
}
