import type { RevocationRecord } from '@tokenward/core/store';

/**
 * Records that a server acknowledged, until the reader has asked that server again. Before that, a failover may lose them without a trace: this
 * process has not read them from the stream, so it does not miss them there.
 */
export interface Acknowledged {
  add(records: ReadonlyMap<string, RevocationRecord>): void;
  /** Counts the additions. */
  readonly count: number;
  /** Removes what was added up to a count. */
  confirm(count: number): void;
  /** Returns all records, and removes them. */
  take(): readonly RevocationRecord[];
}

const MAX_RECORDS = 100_000;

/** @param onOverflow called when the records were too many to be kept */
export function createAcknowledged(onOverflow: () => void): Acknowledged {
  /** The records and the addition that each belongs to, oldest first. */
  let records = new Map<string, { readonly record: RevocationRecord; readonly addition: number }>();
  let count = 0;

  return {
    add(added) {
      count++;
      for (const [text, record] of added) {
        records.delete(text);
        records.set(text, { record, addition: count });
      }
      if (records.size <= MAX_RECORDS) return;
      records = new Map();
      onOverflow();
    },
    get count() {
      return count;
    },
    confirm(upTo) {
      for (const [text, { addition }] of records) {
        if (addition > upTo) return;
        records.delete(text);
      }
    },
    take() {
      const all = Array.from(records.values(), ({ record }) => record);
      records = new Map();
      return all;
    },
  };
}
