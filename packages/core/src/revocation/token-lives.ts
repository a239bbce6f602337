import { TokenwardError } from '../lib/tokenward-error.js';
import { getEventListeners } from 'node:events';
import type { Clock } from '../lib/clock.js';
import { observe } from '../events/events.js';
import { createMemory } from '../lib/private-slot.js';
import type { RevocableToken } from './revocation.js';
import type { VerifiedKey } from '../issuer/verified-key.js';

/** What is watched of a token: not the token itself, which may be large and outlive its request. */
export interface WatchedToken {
  readonly names: RevocableToken;
  /** In seconds since the epoch. */
  readonly acceptedUntil: number;
  readonly verified: VerifiedKey;
}

/** Ends what was begun with a token when the token ends. */
export interface TokenLives {
  /** Whether anybody has asked for a signal. Until then, requests with the same token may share an Auth. */
  readonly areWatched: boolean;
  /**
   * Makes a signal that aborts when the token expires, is revoked, or loses its key or its issuer, and when the guard is closed.
   *
   * @param heldBy the signal lives as long as this object, or as somebody holds the signal; undefined: until the token ends
   */
  watch(token: WatchedToken, heldBy: object | undefined): AbortSignal;
  /** Looks at all of them again, soon, and once for many calls. */
  look(): void;
  close(): void;
}

/** Why a signal aborted: its `reason`. */
export class TokenEndedError extends TokenwardError {
  override readonly name = 'TokenEndedError';
  readonly code = 'TOKENWARD_TOKEN_ENDED';
  readonly reason: 'expired' | 'revoked' | 'key_withdrawn' | 'issuer_removed' | 'guard_closed' | 'too_many';

  constructor(reason: TokenEndedError['reason']) {
    super(`the access token that this was begun with has ended: ${reason}`);
    this.reason = reason;
  }
}

/** No longer than a clock that jumps may be wrong: a machine was suspended, or NTP has set it. Keys are asked for as often. */
const LONGEST_TIMER_MS = 30_000;
/** A clock that stands still, or that is set back, is asked again. */
const AGAIN_MS = 1000;
const MAX_WATCHED = 100_000;
/** To look at all of them costs milliseconds where they are many: however often revocations come, it is not done more often. */
const BETWEEN_LOOKS_MS = 250;

interface Life extends WatchedToken {
  readonly controller: AbortController;
}

/** Of all guards: what holds a signal holds it for whichever guard made it. */
const held = createMemory<object, AbortSignal[]>();

export interface TokenLivesQuestions {
  /** Asks without telling anybody. */
  isRevoked(token: RevocableToken): boolean;
  /** Whether the key or the issuer that stood behind a token is known to be gone. */
  endingOf(verified: VerifiedKey): 'key_withdrawn' | 'issuer_removed' | undefined;
}

export function createTokenLives(clock: Pick<Clock, 'now'>, { isRevoked, endingOf }: TokenLivesQuestions): TokenLives {
  /** By signal, so that whoever holds the signal keeps it watched. */
  const lives = new WeakMap<AbortSignal, Life>();
  const watched = new Set<AbortSignal | WeakRef<AbortSignal>>();
  let areWatched = false;
  let timer: NodeJS.Timeout | undefined;
  let wakesAt = Infinity;
  let nextLook: NodeJS.Timeout | undefined;
  let lookedAt = -Infinity;
  let madeRoomAt = -Infinity;
  let closed = false;
  let endObserving: (() => void) | undefined;

  function end(one: AbortSignal | WeakRef<AbortSignal>, reason: TokenEndedError['reason']): void {
    watched.delete(one);
    const signal = signalOf(one);
    if (signal) lives.get(signal)!.controller.abort(new TokenEndedError(reason));
  }

  function whyEnded({ names, acceptedUntil, verified }: WatchedToken): TokenEndedError['reason'] | undefined {
    if (closed) return 'guard_closed';
    if (!(clock.now() / 1000 < acceptedUntil)) return 'expired';
    return isRevoked(names) ? 'revoked' : endingOf(verified);
  }

  function lookAtAll(): void {
    lookedAt = performance.now();
    clearTimeout(nextLook);
    nextLook = undefined;
    clearTimeout(timer);
    wakesAt = Infinity;
    let earliest = Infinity;
    for (const one of watched) {
      const signal = signalOf(one);
      if (!signal) {
        watched.delete(one);
        continue;
      }
      const life = lives.get(signal)!;
      const ending = whyEnded(life);
      if (ending) end(one, ending);
      else earliest = Math.min(earliest, life.acceptedUntil);
    }
    if (earliest < Infinity) return wakeAt(earliest);
    endObserving?.();
    endObserving = undefined;
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
      for (const one of watched) {
        const signal = signalOf(one);
        if (!signal || getEventListeners(signal, 'abort').length === 0) end(one, 'too_many');
      }
    }
    if (watched.size >= MAX_WATCHED) end(watched.values().next().value!, 'too_many');
  }

  function look(): void {
    if (nextLook || watched.size === 0) return;
    nextLook = setTimeout(lookAtAll, Math.max(0, lookedAt + BETWEEN_LOOKS_MS - performance.now()));
    nextLook.unref();
  }

  return {
    get areWatched() {
      return areWatched;
    },
    watch(token, heldBy) {
      areWatched = true;
      const ending = whyEnded(token);
      if (ending) return AbortSignal.abort(new TokenEndedError(ending));
      if (watched.size >= MAX_WATCHED) makeRoom();
      const controller = new AbortController();
      const { signal } = controller;
      lives.set(signal, { ...token, controller });
      watched.add(heldBy ? new WeakRef(signal) : signal);
      if (heldBy) held.set(heldBy, [...(held.get(heldBy) ?? []), signal]);
      endObserving ??= observe('tokenward:keys-refreshed', look);
      wakeAt(token.acceptedUntil);
      return signal;
    },
    look,
    close() {
      closed = true;
      clearTimeout(timer);
      clearTimeout(nextLook);
      endObserving?.();
      for (const one of watched) end(one, 'guard_closed');
    },
  };
}

function signalOf(one: AbortSignal | WeakRef<AbortSignal>): AbortSignal | undefined {
  return one instanceof WeakRef ? one.deref() : one;
}
