import type { Clock } from '@tokenward/core';
import type { Connection } from './connection.js';
import { script, type Keys } from './data-set.js';
import { LOOK, READ_AFTER } from './stream-scripts.js';
import { lookOf, pageAfterOf, readEntriesOf, roleOf, type Entries, type Look, type Position } from './replies.js';
import { recordOf } from './record-text.js';
import { StoreFailure } from './store-failure.js';

/** Follows the stream of one data set from the position that was read last. */
export interface Stream {
  /** Reads the stream to its end, and compares what the server knows with what was read. */
  catchUp(connection: Connection): Promise<CaughtUp>;
  /** Continues from a position, after a full read. */
  continueFrom(position: Position): void;
  /** Reads the entries that arrive until the time has passed, or until many have arrived. */
  waitForEntries(connection: Connection, forMs: number): Promise<void>;
  /** Halves the size of a page. Otherwise a page that was too large to arrive in time would be too large again. */
  halvePage(): void;
}

/**
 * - `complete`: everything that the server knows was read
 * - `unread`: this process has read nothing yet
 * - `lost`: the data set was lost or replaced
 * - `gap`: entries were removed before they were read, or the server has lost some
 */
export type Continuity = 'complete' | 'unread' | 'lost' | 'gap';

export interface CaughtUp {
  readonly continuity: Continuity;
  readonly look: Look;
  /** When the server was asked, by the monotonic clock. */
  readonly askedAtMs: number;
}

/** An entry holds one record or many, so the page size adapts to an answer of about this length. */
const PAGE_CHARACTERS = 1_000_000;
const FIRST_PAGE = 1000;
const MIN_PAGE = 10;
const MAX_PAGE = 2000;
/** While many entries arrive, `waitForEntries` ends after this, so that the reader checks for gaps. */
const MAX_BUSY_MS = 100;

/** @param received is called with the texts of new entries */
export function createStream(keys: Keys, clock: Clock, timeoutMs: number, received: (texts: readonly string[]) => void): Stream {
  let position: Position | undefined;
  let page = FIRST_PAGE;

  function receive({ count, lastId, texts }: Entries): void {
    if (lastId === undefined) return;
    received(texts);
    position = { epoch: position!.epoch, id: lastId, isEntry: true, added: position!.added + count };
    const charactersEach = texts.reduce((sum, text) => sum + text.length, 0) / count;
    page = Math.max(MIN_PAGE, Math.min(MAX_PAGE, Math.ceil(PAGE_CHARACTERS / (charactersEach + 1)), page * 2));
  }

  return {
    async catchUp(connection) {
      for (;;) {
        const askedAtMs = clock.monotonic();
        // a server that does not know HELLO may be used; if the connection is broken, look() fails too
        const hello = connection.send(['HELLO']).then(roleOf, () => undefined);
        const [found, role] = await Promise.all([look(connection, keys, position, page), hello]);
        if (role !== undefined && role !== 'master' && role !== 'primary') {
          connection.blame();
          throw new StoreFailure('the server is a replica, which may be behind its master');
        }
        if (!position || found.epoch !== position.epoch) {
          const continuity = position ? 'lost' : 'unread';
          return { continuity, look: found, askedAtMs };
        }
        if (found.isRewound) return { continuity: 'gap', look: found, askedAtMs };
        const isPageFull = found.hasMore || found.entries.count >= page;
        receive(found.entries);
        if (isPageFull) continue;
        // A larger count shows that entries were trimmed or deleted before they were read. A smaller count or id shows that the server lost
        // some and went on from there, as a promoted replica or a restored server does.
        const isComplete = found.added === position.added && found.lastId === position.id;
        return { continuity: isComplete ? 'complete' : 'gap', look: found, askedAtMs };
      }
    },
    continueFrom(read) {
      position = read;
    },
    async waitForEntries(connection, forMs) {
      let untilMs = performance.now() + forMs;
      for (let leftMs = forMs; leftMs > 0; leftMs = untilMs - performance.now()) {
        const block = String(Math.ceil(leftMs));
        // one entry alone, because a blocking command cannot check the size of an entry before the server sends it
        const reply = await connection.send(['XREAD', 'COUNT', '1', 'BLOCK', block, 'STREAMS', keys.stream, position!.id], leftMs + timeoutMs);
        const entries = readEntriesOf(reply);
        if (entries.count === 0) return;
        // a revocation applies at once, but it may follow a gap: only the script checks that
        received(entries.texts.filter((text) => recordOf(text) !== undefined));
        const after = pageAfterOf(await connection.send(script(READ_AFTER, keys, position!.id, page, flag(position!.isEntry))));
        if (after.isRewound) return;
        receive(after.entries);
        untilMs = Math.min(untilMs, performance.now() + MAX_BUSY_MS);
      }
    },
    halvePage() {
      page = Math.max(MIN_PAGE, page >> 1);
    },
  };
}

/** Asks the server for its state, and for a page of the entries after a position. */
export async function look(connection: Connection, keys: Keys, position: Position | undefined, page: number): Promise<Look> {
  return lookOf(await connection.send(script(LOOK, keys, position?.id ?? '', page, flag(position?.isEntry ?? false))));
}

function flag(value: boolean): number {
  return value ? 1 : 0;
}
