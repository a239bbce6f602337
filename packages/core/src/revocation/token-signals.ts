import { TokenwardError } from '../lib/tokenward-error.js';
import { getEventListeners } from 'node:events';
import type { Clock } from '../lib/clock.js';
import { observe } from '../events/events.js';
import { createMemory } from '../lib/private-slot.js';
import type { RevocableToken } from './revocation.js';
import type { Vouched } from '../issuer/verified-key.js';

/** What is kept of a token that has a signal. The token itself is not kept: it may be large, and the signal may outlive the request. */
export interface WatchedToken {
  readonly names: RevocableToken;
  /** The first moment at which the token is refused, in seconds since the epoch. */
  readonly acceptedUntil: number;
  readonly verified: Vouched;
}

/** Creates the `auth.signal` of tokens, and aborts it when a token expires or is no longer accepted. */
export interface TokenSignals {
  /** Whether a signal was ever created. Until then, requests with the same token may share an Auth. */
  readonly anyCreated: boolean;
  /**
   * Creates a signal that aborts when the token expires, is revoked, or loses its key or its issuer, and when the guard is closed.
   *
   * @param owner the signal is not garbage-collected before its owner, nor while anything else refers to it. Without an owner, it is kept until the token ends
   */
  create(token: WatchedToken, owner: object | undefined): AbortSignal;
  /** Returns whether the signal of a token would be aborted, without creating one and without waiting for the next check. */
  hasEnded(token: WatchedToken): boolean;
  /** Schedules a check of all tokens with a signal. Calls in quick succession share one check. */
  checkSoon(): void;
  close(): void;
}

/** The `reason` of an `auth.signal` that has aborted. */
export class TokenEndedError extends TokenwardError {
  override readonly name = 'TokenEndedError';
  readonly code = 'TOKENWARD_TOKEN_ENDED';
  readonly reason: 'expired' | 'revoked' | 'key_withdrawn' | 'issuer_removed' | 'guard_closed' | 'too_many';

  constructor(reason: TokenEndedError['reason']) {
    super(`the access token of this operation has ended: ${reason}`);
    this.reason = reason;
  }
}

/** The longest time until a jump of the clock is noticed, after a suspend or an NTP adjustment. Keys and issuers are checked at least as often. */
const LONGEST_TIMER_MS = 30_000;
/** The shortest time between two reads of a clock that stands still or was set back. */
const SHORTEST_TIMER_MS = 1000;
/** Searching for signals without listeners costs milliseconds if there are many. */
const BETWEEN_EVICTIONS_MS = 1000;
const MAX_WATCHED = 100_000;
/** Checking all tokens costs milliseconds if there are many, so it is not done for every revocation. */
const BETWEEN_CHECKS_MS = 250;

interface TokenWithSignal extends WatchedToken {
  readonly controller: AbortController;
}

/** The signals that each owner keeps alive, of all guards. */
const signalsOf = createMemory<object, AbortSignal[]>();

export interface TokenSignalsConfig {
  /** Publishes no event. */
  isRevoked(token: RevocableToken): boolean;
  /** Returns why a token is known to be no longer trusted; undefined otherwise. */
  endReasonOf(verified: Vouched): 'revoked' | 'key_withdrawn' | 'issuer_removed' | undefined;
}

export function createTokenSignals(clock: Pick<Clock, 'now'>, { isRevoked, endReasonOf }: TokenSignalsConfig): TokenSignals {
  /** By signal, so that a token is kept as long as anything refers to its signal. */
  const tokens = new WeakMap<AbortSignal, TokenWithSignal>();
  const watched = new Set<AbortSignal | WeakRef<AbortSignal>>();
  let anyCreated = false;
  let timer: NodeJS.Timeout | undefined;
  let wakesAt = Infinity;
  let nextCheck: NodeJS.Timeout | undefined;
  let checkedAt = -Infinity;
  let evictedAt = -Infinity;
  let closed = false;
  let unsubscribe: (() => void) | undefined;

  function end(one: AbortSignal | WeakRef<AbortSignal>, reason: TokenEndedError['reason']): void {
    watched.delete(one);
    const signal = signalOf(one);
    if (signal) tokens.get(signal)!.controller.abort(new TokenEndedError(reason));
  }

  function endOf({ names, acceptedUntil, verified }: WatchedToken): TokenEndedError['reason'] | undefined {
    if (closed) return 'guard_closed';
    if (!(clock.now() / 1000 < acceptedUntil)) return 'expired';
    return isRevoked(names) ? 'revoked' : endReasonOf(verified);
  }

  function checkAll(): void {
    checkedAt = performance.now();
    clearTimeout(nextCheck);
    nextCheck = undefined;
    clearTimeout(timer);
    wakesAt = Infinity;
    let earliest = Infinity;
    for (const one of watched) {
      const signal = signalOf(one);
      if (!signal) {
        watched.delete(one);
        continue;
      }
      const token = tokens.get(signal)!;
      const ending = endOf(token);
      if (ending) end(one, ending);
      else earliest = Math.min(earliest, token.acceptedUntil);
    }
    if (earliest < Infinity) return wakeAt(earliest);
    unsubscribe?.();
    unsubscribe = undefined;
  }

  function wakeAt(seconds: number): void {
    if (seconds >= wakesAt) return;
    wakesAt = seconds;
    clearTimeout(timer);
    timer = setTimeout(checkAll, Math.min(Math.max(seconds * 1000 - clock.now(), SHORTEST_TIMER_MS), LONGEST_TIMER_MS));
    timer.unref();
  }

  /**
   * Evicts signals that nobody listens to; if there are none, the oldest. An evicted signal aborts, so that no operation outlives its token. The client must
   * then send its request again.
   */
  function evict(): void {
    const now = performance.now();
    if (now - evictedAt >= BETWEEN_EVICTIONS_MS) {
      evictedAt = now;
      for (const one of watched) {
        const signal = signalOf(one);
        if (!signal || getEventListeners(signal, 'abort').length === 0) end(one, 'too_many');
      }
    }
    if (watched.size >= MAX_WATCHED) end(watched.values().next().value!, 'too_many');
  }

  function checkSoon(): void {
    if (nextCheck || watched.size === 0) return;
    nextCheck = setTimeout(checkAll, Math.max(0, checkedAt + BETWEEN_CHECKS_MS - performance.now()));
    nextCheck.unref();
  }

  return {
    get anyCreated() {
      return anyCreated;
    },
    create(token, owner) {
      anyCreated = true;
      const ending = endOf(token);
      if (ending) return AbortSignal.abort(new TokenEndedError(ending));
      if (watched.size >= MAX_WATCHED) evict();
      const controller = new AbortController();
      const { signal } = controller;
      tokens.set(signal, { ...token, controller });
      watched.add(owner ? new WeakRef(signal) : signal);
      if (owner) signalsOf.set(owner, [...(signalsOf.get(owner) ?? []), signal]);
      unsubscribe ??= observe('tokenward:keys-refreshed', checkSoon);
      wakeAt(token.acceptedUntil);
      return signal;
    },
    hasEnded: (token) => endOf(token) !== undefined,
    checkSoon,
    close() {
      closed = true;
      clearTimeout(timer);
      clearTimeout(nextCheck);
      unsubscribe?.();
      for (const one of watched) end(one, 'guard_closed');
    },
  };
}

function signalOf(one: AbortSignal | WeakRef<AbortSignal>): AbortSignal | undefined {
  return one instanceof WeakRef ? one.deref() : one;
}
