import type { Reply } from './connection.js';
import { StoreFailure } from './store-failure.js';

/** How far a process has read a data set. */
export interface Position {
  readonly epoch: string;
  /** The stream's last id when it was read. */
  readonly id: string;
  /** Whether this process read, or Redis has, an entry with this id. The entry with the stream's last id may have been deleted. */
  readonly isEntry: boolean;
  /** How many entries were ever added to the stream, up to that one. */
  readonly added: number;
}

/** The state of a server's data set at one moment, and a page of its stream. */
export interface Look {
  readonly epoch: string | undefined;
  readonly lastId: string;
  readonly added: number;
  readonly entries: Entries;
  readonly serverSeconds: number;
  /** Whether a process is writing back lost records. */
  readonly isWrittenBack: boolean;
  /** Whether these include records that it learned right before the loss, which others may not have. */
  readonly isRecentWrittenBack: boolean;
  /** How long the server has been running. Its data may be older. */
  readonly uptimeSeconds: number;
  /** Whether the page holds fewer entries than asked for, because they are large. */
  readonly hasMore: boolean;
  /** Whether the server lost the entry that was read last, and older ones are still there. */
  readonly isRewound: boolean;
  /** Whether `lastId` is the id of an entry. */
  readonly isLastEntry: boolean;
}

export interface Entries {
  readonly count: number;
  /** undefined if there are none. */
  readonly lastId: string | undefined;
  readonly texts: readonly string[];
}

const NO_ENTRIES: Entries = { count: 0, lastId: undefined, texts: [] };

/** Reads the reply of the script `LOOK`. */
export function lookOf(reply: Reply): Look {
  const [epoch, lastId, added, entries, serverSeconds, writtenBack, uptimeSeconds, more, rewound, isLastEntry] = listOf(reply);
  const look: Look = {
    epoch: typeof epoch === 'string' ? epoch : undefined,
    lastId: String(lastId),
    added: Number(added),
    entries: entriesOf(entries!),
    serverSeconds: Number(serverSeconds),
    isWrittenBack: Number(writtenBack) > 0,
    isRecentWrittenBack: Number(writtenBack) > 1,
    uptimeSeconds: Number(uptimeSeconds),
    hasMore: Number(more) > 0,
    isRewound: Number(rewound) > 0,
    isLastEntry: Number(isLastEntry) > 0,
  };
  // before version 7, Redis does not count added entries, and losses would go unnoticed
  if (!(look.added >= 0)) throw new StoreFailure('the server is too old. Use Redis 7 or newer');
  return look;
}

/** Reads XREAD's reply for one stream: null if nothing came. */
export function readEntriesOf(reply: Reply): Entries {
  return reply === null ? NO_ENTRIES : entriesOf(listOf(listOf(reply)[0]!)[1]!);
}

/** Reads the reply of the script `READ_AFTER`. */
export function pageAfterOf(reply: Reply): Pick<Look, 'entries' | 'isRewound'> {
  const [entries, rewound] = listOf(reply);
  return { entries: entriesOf(entries!), isRewound: Number(rewound) > 0 };
}

export type Pair = readonly [name: string, value: string];

/** Reads a page of ZSCAN or HSCAN: members and scores, or fields and values, and the cursor of the next page. */
export function pageOf(reply: Reply): { readonly cursor: string; readonly pairs: readonly Pair[] } {
  const [cursor, members] = listOf(reply);
  return { cursor: String(cursor), pairs: pairsOf(members!) };
}

export function textsOf(reply: Reply): readonly string[] {
  return listOf(reply).map(String);
}

/** Reads a list in which each name is followed by its value. */
function pairsOf(reply: Reply): readonly Pair[] {
  const list = textsOf(reply);
  return list.flatMap((name, index) => (index % 2 === 0 ? [[name, list[index + 1]!] as const] : []));
}

/** Returns the role in HELLO's reply, or undefined if the server does not say. A `replica` may be behind its master. */
export function roleOf(reply: Reply): string | undefined {
  return Array.isArray(reply) ? new Map(pairsOf(reply)).get('role') : undefined;
}

function entriesOf(reply: Reply): Entries {
  const entries = listOf(reply).map(listOf);
  return {
    count: entries.length,
    lastId: entries.length === 0 ? undefined : String(entries.at(-1)![0]),
    // each field's value is one record
    texts: entries.flatMap((entry) => valuesOf(listOf(entry[1] ?? []))),
  };
}

function valuesOf(fields: readonly Reply[]): readonly string[] {
  return fields.flatMap((value, index) => (index % 2 === 1 ? [String(value)] : []));
}

function listOf(reply: Reply): readonly Reply[] {
  if (!Array.isArray(reply)) throw new StoreFailure('the server sent an unexpected reply');
  return reply as readonly Reply[];
}
