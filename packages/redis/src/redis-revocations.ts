import { misuse, createListeners, createRevocationMirror, type RevocationOverflow, type RevocationRecord, type RevocationStore } from '@tokenward/core/store';
import { channel } from 'node:diagnostics_channel';
import { RevocationStoreError, type Events } from '@tokenward/core';
import { createConnect } from './connection.js';
import { keysOf } from './data-set.js';
import { warnOfEviction } from './eviction.js';
import { readOptions, type RedisRevocationsOptions } from './options.js';
import { createOutages, publishFailure } from './outages.js';
import { startReader } from './reader.js';
import { cutoffOf, recordOf, textOf } from './record-text.js';
import { createSharedMirror } from './shared-mirror.js';
import { createWriter } from './writer.js';

const syncedChannel = channel('tokenward:revocations-synced');
const EVICTION = {
  what: 'keys of the revocations',
  effect: 'Processes that run write the revocations back, but one that starts may accept revoked tokens.',
};
const MAX_BLOCK_MS = 1000;
const INVALID_TEXTS_REPORTED_EVERY_MS = 60_000;

/** A store of revocations that a fleet shares. */
export interface RedisRevocations extends RevocationStore {
  /** The promise rejects with a RevocationStoreError if the record is not sent in time. It is in effect in this process, and is sent later. */
  add(record: RevocationRecord): Promise<void>;
  /** Tries once more to send the remaining records, for at most `timeoutSeconds`, and closes the store. What it cannot send is lost with the process. */
  close(): Promise<void>;
}

/**
 * Creates a store that shares revocations with all processes that use the same Redis and prefix. Each process keeps all of them in memory, so a
 * check does not ask Redis. The store connects at once and retries until it is closed.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * const store = redisRevocations({ url: 'rediss://redis.example.com:6379' });
 * const guard = createGuard({ issuer, audience, revocations: { store } });
 */
export function redisRevocations(options: RedisRevocationsOptions): RedisRevocations {
  const { makeClient, where, prefix, maxMirrorAgeMs, allowsUnchecked, timeoutMs, maxEntries, maxBytes, clock } = readOptions(options);
  const keys = keysOf(prefix);
  const connect = createConnect(makeClient, timeoutMs);
  const abort = new AbortController();
  const { signal } = abort;
  const added = createListeners<void>();
  const overflowed = createListeners<RevocationOverflow>();
  const warming = new Set<{ readonly succeed: () => void; readonly fail: () => void }>();
  let uncheckedRequests = 0;
  let invalidTextsReportedAtMs = -Infinity;

  const mirror = createRevocationMirror({ maxEntries, maxBytes, overflowed: shareOverflow });
  const shared = createSharedMirror(
    mirror,
    () => clock.now() / 1000,
    () => added.notify(),
    reportInvalidTexts,
  );
  const outages = createOutages(where, usableForMs);
  const [readingOutage, writingOutage, pruningOutage] = [outages.kind(), outages.kind(), outages.kind()];
  const writer = createWriter({ connect, keys, outage: writingOutage, timeoutMs, signal, onOverflow: () => reader.readAgain() });
  const reader = startReader({
    connect: warnOfEviction(connect, where, EVICTION),
    keys,
    mirror: shared,
    outage: readingOutage,
    pruningOutage,
    timeoutMs,
    blockMs: Math.min(MAX_BLOCK_MS, maxMirrorAgeMs / 4),
    clock,
    signal,
    writer,
    completed,
  });

  function completed(synced: boolean): void {
    if (synced) syncedChannel.publish({ entries: mirror.size } satisfies Events['tokenward:revocations-synced']);
    for (const one of warming) one.succeed();
  }

  /** Shares the cut-off that replaces evicted revocations. Otherwise the other processes, or this one after a restart, would admit their tokens. */
  function shareOverflow(overflow: RevocationOverflow): void {
    overflowed.notify(overflow);
    // the writer reports a failure as its outage
    writer.send(cutoffOf(overflow.issuer, overflow.issuedUntil)).catch(() => {});
  }

  function reportInvalidTexts(): void {
    const now = performance.now();
    if (now - invalidTextsReportedAtMs < INVALID_TEXTS_REPORTED_EVERY_MS) return;
    invalidTextsReportedAtMs = now;
    publishFailure({ message: invalidTextsMessage(), usable: usableForMs() > 0 });
  }

  function invalidTextsMessage(): string {
    return `${where}: skipped texts under the prefix that are not revocations: ${shared.invalidTexts}`;
  }

  /** How long the mirror can still be relied upon; negative if it cannot. */
  function currentForMs(): number {
    return reader.isComplete && reader.completeAtMs !== undefined ? reader.completeAtMs + maxMirrorAgeMs - clock.monotonic() : -1;
  }

  function usableForMs(): number {
    return allowsUnchecked ? Infinity : currentForMs();
  }

  function lastError(): string | undefined {
    return outages.lastError() ?? (shared.invalidTexts > 0 ? invalidTextsMessage() : undefined);
  }

  function unavailable(): RevocationStoreError {
    return new RevocationStoreError(signal.aborted ? `${where}: the store was closed` : (lastError() ?? `${where}: not all revocations have been read yet`));
  }

  async function add(record: RevocationRecord): Promise<void> {
    if (!recordOf(textOf(record))) throw misuse('add(record)', 'must be a revocation whose names have at most 2048 characters');
    const kept = shared.add(record);
    await writer.send(kept ?? record);
  }

  function warm(): Promise<void> {
    if (currentForMs() >= 0) return Promise.resolve();
    if (signal.aborted) return Promise.reject(unavailable());
    return new Promise<void>((resolve, reject) => {
      const one = { succeed: finish(resolve), fail: finish(() => reject(unavailable())) };
      // the timer also keeps the process alive for the caller
      let timer = setTimeout(expire, timeoutMs * 2);
      warming.add(one);

      function expire(): void {
        // the answer that extends the wait, or ends it, may come later than the wait was to end
        const patienceMs = reader.settlesUntilMs + timeoutMs - performance.now();
        if (patienceMs > 0) timer = setTimeout(expire, patienceMs);
        else one.fail();
      }

      function finish(settlePromise: () => void): () => void {
        return () => {
          clearTimeout(timer);
          warming.delete(one);
          settlePromise();
        };
      }
    });
  }

  return Object.freeze({
    add,
    find(token, nowSeconds) {
      mirror.sweep(nowSeconds);
      return mirror.find(token, nowSeconds);
    },
    isCurrent() {
      if (currentForMs() >= 0) return true;
      if (allowsUnchecked) uncheckedRequests++;
      return allowsUnchecked;
    },
    onAdded: added.add,
    onOverflow: overflowed.add,
    warm,
    health: () => ({
      entries: mirror.size,
      usable: usableForMs() >= 0,
      ageSeconds: reader.completeAtMs === undefined ? undefined : (clock.monotonic() - reader.completeAtMs) / 1000,
      uncheckedRequests,
      lastError: lastError(),
    }),
    async close() {
      await writer.close();
      abort.abort();
      outages.close();
      for (const one of warming) one.fail();
    },
  } satisfies RedisRevocations);
}
