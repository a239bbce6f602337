import { channel } from 'node:diagnostics_channel';
import type { Events } from '@tokenward/core';
import { createOutageWarnings } from '@tokenward/core/store';
import { failureText } from './store-failure.js';

const failedChannel = channel('tokenward:revocations-failed');

/** One kind of outage, such as of reading or of writing. */
export interface Outage {
  begin(error: unknown): void;
  end(): void;
}

/** All outages of one store. Operators see one outage, however many kinds go on at once. */
export interface Outages {
  /** Adds a kind. If several kinds go on, `lastError` shows the one that was added first. */
  kind(): Outage;
  lastError(): string | undefined;
  /** Reports nothing more, since the store was closed. */
  close(): void;
}

const REPEATED_EVERY_MS = 60_000;

/**
 * Creates the outages of one store. An event is published when an outage begins, again every minute, since an alert must not mistake silence for the end, and
 * when tokens can no longer be checked. If nobody listens, the process prints a warning when an outage begins and when it ends.
 *
 * @param where the server, for people: `redis://redis.example.com:6379`
 * @param usableForMs returns how long tokens can still be checked; 0 or less: no longer
 */
export function createOutages(where: string, usableForMs: () => number): Outages {
  const warnings = createOutageWarnings('tokenward:revocations-failed');
  const errors: (string | undefined)[] = [];
  /** `usable` of the last event; undefined if there is no outage. */
  let reportedUsable: boolean | undefined;
  let repeatAtMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function lastError(): string | undefined {
    return errors.find((error) => error !== undefined);
  }

  function report(): void {
    if (isClosed) return;
    clearTimeout(timer);
    const message = lastError();
    if (message === undefined) return;
    const remainingMs = usableForMs();
    const usable = remainingMs > 0;
    if (reportedUsable === undefined) warnings.began(where, `tokenward: cannot exchange revocations with ${message}. ${consequence(remainingMs)}`);
    const now = performance.now();
    // that tokens can be checked again is no failure: another kind of outage began meanwhile
    if (reportedUsable === undefined || (reportedUsable && !usable) || now >= repeatAtMs) {
      publishFailure({ message, usable });
      repeatAtMs = now + REPEATED_EVERY_MS;
    }
    reportedUsable = usable;
    timer = setTimeout(report, Math.min(repeatAtMs - now, usable ? remainingMs : Infinity) + 1);
    timer.unref();
  }

  function reportEnd(): void {
    clearTimeout(timer);
    if (reportedUsable === undefined) return;
    reportedUsable = undefined;
    warnings.ended(where, `tokenward: exchanging revocations with ${where} again`);
  }

  return {
    kind() {
      const index = errors.push(undefined) - 1;
      return {
        begin(error) {
          errors[index] = `${where}: ${failureText(error)}`;
          report();
        },
        end() {
          if (errors[index] === undefined) return;
          errors[index] = undefined;
          if (lastError() === undefined) reportEnd();
          // another kind goes on, but tokens can be checked again: the next event must say when they no longer can
          else if (usableForMs() > 0) reportedUsable = true;
        },
      };
    },
    lastError,
    close() {
      isClosed = true;
      clearTimeout(timer);
      errors.fill(undefined);
      warnings.forget(where);
    },
  };
}

function consequence(remainingMs: number): string {
  if (remainingMs === Infinity) return 'Requests are checked only against the revocations that this process knows.';
  if (remainingMs > 0)
    return `Requests are checked against the revocations that this process knows. If the outage lasts, they are answered with 503 in ${Math.ceil(remainingMs / 1000)} s.`;
  return 'Requests are answered with 503 until the outage ends.';
}

export function publishFailure(event: Events['tokenward:revocations-failed']): void {
  failedChannel.publish(event);
}
