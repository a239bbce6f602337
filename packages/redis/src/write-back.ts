import type { RevocationRecord } from '@tokenward/core/store';

/** What this process knows and Redis does not, while it is written back. All processes do the same, so each leaves out what another has written. */
export interface Restore {
  /** Begins anew. `lately` goes first: others may not know it. `missing` comes by and by. */
  begin(what: Lost): Promise<void>;
  readonly hasNext: boolean;
  /** The next records to write; none where they are still being found. */
  next(most: number, mostCharacters: number): RestoredPortion;
  /** This one is there. @returns whether it was to be written */
  done(text: string): boolean;
  /** Nothing of what was learned lately is left. */
  readonly isLatelyDone: boolean;
  /** Nothing is left, and nothing will come. */
  readonly isDone: boolean;
  end(): void;
}

export interface RestoredPortion {
  readonly records: ReadonlyMap<string, RevocationRecord>;
  /** With these all of what was learned lately is written, or all of everything. */
  readonly isLatelyOver: boolean;
  readonly isOver: boolean;
}

export interface Lost {
  /** undefined where that can't be told apart: then it is everything. */
  readonly lately: ReadonlyMap<string, RevocationRecord> | undefined;
  readonly missing: AsyncIterable<ReadonlyMap<string, RevocationRecord>>;
  /** What is in Redis; it grows while `missing` is being found. */
  readonly present: Set<string>;
}

/** @param more there is something to write, or the end has come */
export function createRestore(more: () => void): Restore {
  let lately = new Map<string, RevocationRecord>();
  let pending = new Map<string, RevocationRecord>();
  let cursor = pending.entries();
  /** Set while what is missing is being found. */
  let present: Set<string> | undefined;
  let isAllLately = false;

  /** Goes on where it stopped, and begins anew at the end: to find the first of a Map whose first are gone takes long. */
  function* rest(): IterableIterator<[string, RevocationRecord]> {
    for (let turns = 0; turns < 2; turns++) {
      for (let next = cursor.next(); !next.done; next = cursor.next()) yield next.value;
      cursor = pending.entries();
    }
  }

  function isDone(): boolean {
    return lately.size === 0 && pending.size === 0 && present === undefined;
  }

  return {
    async begin(what) {
      isAllLately = what.lately === undefined;
      lately = new Map([...(what.lately ?? [])].filter(([text]) => !what.present.has(text)));
      const ours = (pending = new Map());
      cursor = pending.entries();
      present = what.present;
      more();
      for await (const portion of what.missing) {
        // another loss: it is found anew
        if (pending !== ours) return;
        for (const [text, record] of portion) if (!lately.has(text)) pending.set(text, record);
        more();
      }
      if (pending !== ours) return;
      present = undefined;
      more();
    },
    get hasNext() {
      return lately.size > 0 || pending.size > 0;
    },
    next(most, mostCharacters) {
      const isLately = lately.size > 0;
      const records = new Map<string, RevocationRecord>();
      let characters = 0;
      for (const [text, record] of isLately ? lately.entries() : rest()) {
        records.set(text, record);
        characters += text.length;
        if (records.size === most || characters > mostCharacters) break;
      }
      const isOver = lately.size + pending.size === records.size && present === undefined;
      return { records, isLatelyOver: isAllLately ? isOver : !isLately || records.size === lately.size, isOver };
    },
    done(text) {
      present?.add(text);
      return lately.delete(text) || pending.delete(text);
    },
    get isLatelyDone() {
      return isAllLately ? isDone() : lately.size === 0;
    },
    get isDone() {
      return isDone();
    },
    end() {
      lately = new Map();
      pending = new Map();
      cursor = pending.entries();
      present = undefined;
    },
  };
}
