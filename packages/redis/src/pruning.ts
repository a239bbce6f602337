import type { Clock } from '@tokenward/core';
import type { Connection } from './connection.js';
import { LONG_ENDED, REMOVE, TRIM, script, type Keys } from './data-set.js';
import type { Outage } from './outages.js';
import { recordOf } from './record-text.js';
import { textsOf } from './replies.js';
import { StoreFailure } from './store-failure.js';

/** Removes revocations that ended long ago from Redis. */
export interface Pruning {
  /** Prunes if it is due. If the server accepts no writes, only pruning fails, and reading continues. */
  prune(connection: Connection): Promise<void>;
}

const EVERY_MS = 60_000;
const RETRY_MS = 5000;
const MAX_RECORDS = 500;
/** Clocks may differ, so a record is kept for this long after its end. */
const KEPT_AFTER_END_SECONDS = 3600;

export function createPruning(keys: Keys, clock: Clock, outage: Outage): Pruning {
  let dueAtMs = 0;

  /** Prunes a portion. Returns whether nothing is left to prune. */
  async function pruneOnce(connection: Connection): Promise<boolean> {
    await connection.send(script(TRIM, keys));
    const texts = textsOf(await connection.send(script(LONG_ENDED, keys, KEPT_AFTER_END_SECONDS, MAX_RECORDS)));
    const removed: string[] = [];
    const cutoffs = new Map<string, number>();
    for (const text of texts) {
      const record = recordOf(text);
      // it must have ended by our clock too: the server's may be far ahead
      if (record && record.until + KEPT_AFTER_END_SECONDS > clock.now() / 1000) continue;
      removed.push(text);
      if (record && !record.isFinal) cutoffs.set(record.issuer, Math.max(record.issuedUntil, cutoffs.get(record.issuer) ?? 0));
    }
    if (removed.length > 0) await connection.send(script(REMOVE, keys, removed.length, ...removed, ...[...cutoffs].flat()));
    return removed.length < MAX_RECORDS;
  }

  return {
    async prune(connection) {
      if (performance.now() < dueAtMs) return;
      dueAtMs = performance.now() + RETRY_MS;
      try {
        const isDone = await pruneOnce(connection);
        // random, because the rest of the fleet prunes too
        dueAtMs = isDone ? performance.now() + EVERY_MS * (0.5 + Math.random()) : 0;
        outage.end();
      } catch (error) {
        if (!(error instanceof StoreFailure) || !error.isAnswer) throw error;
        outage.begin(error);
      }
    },
  };
}
