import type { Clock } from '@tokenward/core';
import type { OutageWarnings } from '@tokenward/core/store';
import { minutesOf } from './clock-difference.js';

/** A document of the issuer: cached, and fetched again when it is old or seems wrong. */
export interface Renewed<T> {
  /**
   * Returns the document. When it is no longer fresh, it is fetched again in the background. After twice that time, callers wait for the fetch, because the
   * document may be out of date. If the fetch fails, the old document is used up to its limit, and callers do not wait again for a while. But if the failure
   * disproves the old document, it is used no longer.
   *
   * @throws the error of the fetch (the promise rejects) if there is none that may be used
   */
  get(): Promise<T>;
  /** Fetches it now. All callers share one fetch. */
  renew(): Promise<T>;
  /** Notes that the document seems to be wrong, so that it is fetched again. */
  doubt(): void;
}

/** After this time a document is fetched again, so that a change is found without a restart. */
const FRESH_MS = 10 * 60_000;
/** After this time nobody gets the document without a fetch, except while fetches fail. */
const STALE_MS = 2 * FRESH_MS;
/** After a failed fetch, callers do not wait for another one for this long. */
const NO_WAIT_MS = 10 * 60_000;
/** The least time between two fetches while an old document is there. */
const COOLDOWN_MS = 10_000;
/** The same if there is none. Until then callers get the last error, since anybody can start logins. */
const PAUSE_MS = 1000;

export interface RenewedConfig {
  /** For warnings: "the keys of https://login.example.com". */
  readonly what: string;
  /** How long a document is used after it was fetched, if it cannot be renewed. */
  readonly usableSeconds: number;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly outages: OutageWarnings;
  /** Whether a failed fetch shows that the old document is wrong. Default: none does. */
  readonly disproves?: (error: Error) => boolean;
}

export function createRenewed<T>(load: () => Promise<T>, { what, usableSeconds, clock: { monotonic }, outages, disproves }: RenewedConfig): Renewed<T> {
  let known: { readonly document: T; readonly staleAt: number; readonly usableUntil: number } | undefined;
  let freshUntil = -Infinity;
  let triedAt = -Infinity;
  let failedAt = -Infinity;
  let lastError: Error | undefined;
  let flight: Promise<T> | undefined;

  function renew(): Promise<T> {
    flight ??= fetchNow().finally(() => (flight = undefined));
    return flight;
  }

  async function fetchNow(): Promise<T> {
    triedAt = monotonic();
    const document = await load().catch(failed);
    outages.ended(what, `tokenward: ${what} can be renewed again for browser sessions`);
    const now = monotonic();
    known = { document, staleAt: now + STALE_MS, usableUntil: now + usableSeconds * 1000 };
    freshUntil = now + FRESH_MS;
    return document;
  }

  /** Without a document, the caller gets the error. With one, nobody would know until it is too old. */
  function failed(error: Error): never {
    failedAt = monotonic();
    lastError = error;
    if (disproves?.(error)) known = undefined;
    const usableMs = known === undefined ? 0 : known.usableUntil - failedAt;
    const use = `what is known stays in use for ${minutesOf(usableMs / 1000)}`;
    if (usableMs > 0) outages.began(what, `tokenward: ${what} cannot be renewed for browser sessions: ${error.message}; ${use}`);
    throw error;
  }

  /** If it fails, the next use tries again after a while. */
  function renewInBackground(): void {
    if (monotonic() >= triedAt + COOLDOWN_MS) renew().catch(() => {});
  }

  return {
    async get() {
      const now = monotonic();
      if (!known || now >= known.usableUntil) {
        if (lastError && !flight && now < failedAt + PAUSE_MS) throw lastError;
        return renew();
      }
      const { document, staleAt } = known;
      if (now >= staleAt && now >= failedAt + NO_WAIT_MS) return renew().catch((error: unknown) => known?.document ?? Promise.reject(error as Error));
      if (now >= freshUntil) renewInBackground();
      return document;
    },
    renew,
    doubt() {
      freshUntil = -Infinity;
      renewInBackground();
    },
  };
}
