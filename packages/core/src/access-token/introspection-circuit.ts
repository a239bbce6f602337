import type { Clock } from '../lib/clock.js';

/** Sends no requests to an endpoint that is down, so that clients need not wait for it, and so that it is not flooded when it is back. */
export interface Circuit {
  /** Returns whether an introspection may be sent now. After a pause, a single one goes first. Each one that is sent must report how it ended. */
  mayAsk(): boolean;
  succeeded(): void;
  /** @param pauseSeconds how long the server asks to wait, if it says so */
  failed(message: string, pauseSeconds?: number): void;
  /** The introspection ended, and its result says nothing about the endpoint. */
  ended(): void;
  readonly isOpen: boolean;
  /** How long no introspection may be sent; 0 if one may. */
  readonly pauseSeconds: number;
  readonly lastError: string | undefined;
}

/** A single failure is not an outage. */
const FAILURES_IN_A_ROW = 3;
const FIRST_PAUSE_SECONDS = 1;
const LONGEST_PAUSE_SECONDS = 30;

/** @param onChange is called when the endpoint counts as down, and when it is back */
export function createCircuit(clock: Pick<Clock, 'monotonic'>, onChange: (isOpen: boolean) => void): Circuit {
  let failures = 0;
  let opened = 0;
  let retryAtMs = 0;
  let isProbing = false;
  let lastError: string | undefined;

  function close(): void {
    failures = 0;
    lastError = undefined;
    if (opened === 0) return;
    opened = 0;
    onChange(false);
  }

  function open(pauseSeconds: number): void {
    isProbing = false;
    retryAtMs = clock.monotonic() + pauseSeconds * 1000;
    if (opened++ === 0) onChange(true);
  }

  return {
    mayAsk() {
      if (opened === 0) return true;
      if (isProbing || clock.monotonic() < retryAtMs) return false;
      isProbing = true;
      return true;
    },
    succeeded: close,
    failed(message, pauseSeconds) {
      lastError = message;
      failures++;
      // introspections that were under way when it opened say nothing new
      if (opened > 0 && !isProbing) return;
      if (failures >= FAILURES_IN_A_ROW || pauseSeconds !== undefined)
        open(Math.min(LONGEST_PAUSE_SECONDS, Math.max(FIRST_PAUSE_SECONDS * 2 ** opened, pauseSeconds ?? 0)));
    },
    ended() {
      isProbing = false;
    },
    get isOpen() {
      return opened > 0;
    },
    get pauseSeconds() {
      return opened === 0 ? 0 : Math.max(0, (retryAtMs - clock.monotonic()) / 1000);
    },
    get lastError() {
      return lastError;
    },
  };
}

/** The circuits of one endpoint: one for the tokens that were active a short time ago, one for all others. */
export interface Circuits {
  of(isKnown: boolean): Circuit;
  /** Every success shows that the endpoint is up. */
  succeeded(): void;
  /** A failure counts for the tokens in use only if it was about one of them. */
  failed(isKnown: boolean, message: string, pauseSeconds?: number): void;
}

/**
 * Anybody can send tokens about which the endpoint, or a firewall in front of it, answers with an error, or too late. They must not stop the introspection of
 * tokens in use.
 *
 * @param onChange is called with `true` when one of the two opens, and with `false` when both are closed again
 */
export function createCircuits(clock: Pick<Clock, 'monotonic'>, onChange: (isOpen: boolean) => void): Circuits {
  const known = createCircuit(clock, changed);
  const others = createCircuit(clock, changed);

  function changed(isOpen: boolean): void {
    if (isOpen || (!known.isOpen && !others.isOpen)) onChange(isOpen);
  }

  return {
    of: (isKnown) => (isKnown ? known : others),
    succeeded() {
      known.succeeded();
      others.succeeded();
    },
    failed(isKnown, message, pauseSeconds) {
      others.failed(message, pauseSeconds);
      if (isKnown) known.failed(message, pauseSeconds);
    },
  };
}
