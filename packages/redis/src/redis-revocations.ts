import { misuse, createListeners, createRevocationMirror, type RevocationOverflow, type RevocationRecord, type RevocationStore } from '@tokenward/core/store';
import { channel } from 'node:diagnostics_channel';
import { RevocationStoreError, type Events } from '@tokenward/core';
import { createConnect } from './connection.js';
import { keysOf } from './data-set.js';
import { readOptions, type RedisRevocationsOptions } from './options.js';
import { startReader } from './reader.js';
import { recordOf, remainderOf, textOf } from './record-text.js';
import { createSharedMirror } from './shared-mirror.js';
import { createOutages, publishFailure } from './trouble.js';
import { createWriter } from './writer.js';

const syncedChannel = channel('tokenward:revocations-synced');
const LONGEST_BLOCK_MS = 1000;
const JUNK_TOLD_EVERY_MS = 60_000;

/** A store that a fleet shares. */
export interface RedisRevocations extends RevocationStore {
  /** @throws RevocationStoreError where it could not be sent in time: it holds in this process, and is sent when it can be */
  add(record: RevocationRecord): Promise<void>;
  /** Sends what is left, if Redis is there, and ends. */
  close(): Promise<void>;
}

/**
 * Shares revocations with all processes that use the same Redis and prefix. Each keeps all of them in memory, so that a check asks nobody; it
 * connects at once, and goes on trying until it is closed.
 *
 * @throws ConfigurationError that lists all that is wrong with the options
 *
 * @example
 * const store = redisRevocations({ url: 'rediss://redis.example.com:6379' });
 * const guard = createGuard({ issuer, audience, revocations: { store } });
 */
export function redisRevocations(options: RedisRevocationsOptions): RedisRevocations {
  const { makeClient, where, prefix, maxMirrorAgeMs, allowsUnchecked, timeoutMs, maxEntries, maxBytes, clock } = readOptions(options);
  const keys = keysOf(prefix);
  const connect = createConnect(makeClient, timeoutMs);
  const ending = new AbortController();
  const { signal } = ending;
  const added = createListeners<void>();
  const overflowed = createListeners<RevocationOverflow>();
  const waiting = new Set<{ readonly known: () => void; readonly failed: () => void }>();
  let uncheckedRequests = 0;
  let junkToldAtMs = -Infinity;

  const mirror = createRevocationMirror({ maxEntries, maxBytes, overflowed: shareOverflow });
  const shared = createSharedMirror(mirror, () => added.tell(), tellJunk);
  const outages = createOutages(where, usableForMs);
  const [readingOutage, writingOutage, pruningOutage] = [outages.kind(), outages.kind(), outages.kind()];
  const writer = createWriter({ connect, keys, outage: writingOutage, timeoutMs, signal, tooMany: () => reader.readAgain() });
  const reader = startReader({
    connect,
    keys,
    mirror: shared,
    outage: readingOutage,
    pruningOutage,
    timeoutMs,
    blockMs: Math.min(LONGEST_BLOCK_MS, maxMirrorAgeMs / 4),
    clock,
    signal,
    writer,
    known,
  });

  function known(synced: boolean): void {
    if (synced) syncedChannel.publish({ entries: mirror.size } satisfies Events['tokenward:revocations-synced']);
    for (const one of waiting) one.known();
  }

  /** What was given up here must not pass elsewhere, nor here after a restart. */
  function shareOverflow(overflow: RevocationOverflow): void {
    overflowed.tell(overflow);
    // whether it could be sent is told as the writer's trouble
    writer.send(remainderOf(overflow.issuer, overflow.issuedUntil)).catch(() => {});
  }

  function tellJunk(): void {
    const now = performance.now();
    if (now - junkToldAtMs < JUNK_TOLD_EVERY_MS) return;
    junkToldAtMs = now;
    publishFailure({ message: `${where}: ${junkWords()}`, usable: usableForMs() > 0 });
  }

  function junkWords(): string {
    return `what is no revocation was found under the prefix and left aside, ${shared.junk} times`;
  }

  /** How long what is known can still be relied upon. */
  function currentForMs(): number {
    return reader.isWhole && reader.knownAtMs !== undefined ? reader.knownAtMs + maxMirrorAgeMs - clock.monotonic() : -1;
  }

  function usableForMs(): number {
    return allowsUnchecked ? Infinity : currentForMs();
  }

  function lastError(): string | undefined {
    return outages.lastError() ?? (shared.junk > 0 ? `${where}: ${junkWords()}` : undefined);
  }

  function unavailable(): RevocationStoreError {
    return new RevocationStoreError(signal.aborted ? `${where}: the store was closed` : (lastError() ?? `${where}: all revocations could not be read yet`));
  }

  async function add(record: RevocationRecord): Promise<void> {
    if (!recordOf(textOf(record))) throw misuse('add(record)', 'is no revocation, or has a name of more than 2048 characters');
    const kept = shared.add(record);
    await writer.send(kept ?? record);
  }

  function warm(): Promise<void> {
    if (currentForMs() >= 0) return Promise.resolve();
    if (signal.aborted) return Promise.reject(unavailable());
    return new Promise<void>((resolve, reject) => {
      const one = { known: settle(resolve), failed: settle(() => reject(unavailable())) };
      let timer = setTimeout(late, timeoutMs * 2);
      waiting.add(one);

      /** The timer keeps the process alive for whoever waits. */
      function late(): void {
        if (reader.settlesInMs === 0) one.failed();
        else timer = setTimeout(late, reader.settlesInMs + timeoutMs);
      }

      function settle(how: () => void): () => void {
        return () => {
          clearTimeout(timer);
          waiting.delete(one);
          how();
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
      ageSeconds: reader.knownAtMs === undefined ? undefined : (clock.monotonic() - reader.knownAtMs) / 1000,
      uncheckedRequests,
      lastError: lastError(),
    }),
    async close() {
      await writer.close();
      ending.abort();
      outages.close();
      for (const one of waiting) one.failed();
    },
  } satisfies RedisRevocations);
}
