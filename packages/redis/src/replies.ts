import type { Reply } from './connection.js';
import { StoreTrouble } from './trouble.js';

/** Where a reader stands in a data set. */
export interface Position {
  readonly epoch: string;
  /** The last stream entry that was read. */
  readonly id: string;
  /** How many entries the stream had been given up to then. */
  readonly added: number;
}

/** What a server's data set is like at one moment, and what of its stream was asked for. */
export interface Look {
  readonly epoch: string | undefined;
  readonly lastId: string;
  readonly added: number;
  readonly entries: Entries;
  readonly serverSeconds: number;
  /** A process writes back what was lost. */
  readonly isRestored: boolean;
  /** In this also what it learned right before the loss, which others may not know. */
  readonly isRestoredLately: boolean;
  /** Since the server was started: its data may be older. */
  readonly uptimeSeconds: number;
  /** The entries are not all that were asked for: they are large. */
  readonly hasMore: boolean;
}

export interface Entries {
  readonly count: number;
  /** undefined where there are none. */
  readonly lastId: string | undefined;
  readonly texts: readonly string[];
}

const NO_ENTRIES: Entries = { count: 0, lastId: undefined, texts: [] };

export function lookOf(reply: Reply): Look {
  const [epoch, lastId, added, entries, serverSeconds, restored, uptimeSeconds, more] = listOf(reply);
  const look: Look = {
    epoch: typeof epoch === 'string' ? epoch : undefined,
    lastId: String(lastId),
    added: Number(added),
    entries: entriesOf(entries!),
    serverSeconds: Number(serverSeconds),
    isRestored: Number(restored) > 0,
    isRestoredLately: Number(restored) > 1,
    uptimeSeconds: Number(uptimeSeconds),
    hasMore: Number(more) > 0,
  };
  // before Redis 7 nobody counts what is added, and losses would not be seen
  if (!(look.added >= 0)) throw new StoreTrouble('it is too old: Redis 7 or Valkey is needed');
  return look;
}

/** What XREAD of one stream answers: null where nothing came. */
export function readEntriesOf(reply: Reply): Entries {
  return reply === null ? NO_ENTRIES : entriesOf(listOf(listOf(reply)[0]!)[1]!);
}

/** The texts of a page of ZSCAN, and where the next one begins. */
export function pageOf(reply: Reply): { readonly cursor: string; readonly texts: readonly string[] } {
  const [cursor, members] = listOf(reply);
  return { cursor: String(cursor), texts: listOf(members!).flatMap((member, at) => (at % 2 === 0 ? [String(member)] : [])) };
}

export function textsOf(reply: Reply): readonly string[] {
  return listOf(reply).map(String);
}

/** The members of a hash. */
export function pairsOf(reply: Reply): ReadonlyMap<string, string> {
  const list = textsOf(reply);
  return new Map(list.flatMap((field, at) => (at % 2 === 0 ? [[field, list[at + 1]!] as const] : [])));
}

/** HELLO's: `replica` of one that may be behind its master, whatever it knows. undefined where a server doesn't say. */
export function roleOf(reply: Reply): string | undefined {
  return Array.isArray(reply) ? pairsOf(reply).get('role') : undefined;
}

export function entriesOf(reply: Reply): Entries {
  const entries = listOf(reply).map(listOf);
  return {
    count: entries.length,
    lastId: entries.length === 0 ? undefined : String(entries.at(-1)![0]),
    // a record to each field; what else somebody wrote is no revocation
    texts: entries.flatMap((entry) => valuesOf(listOf(entry[1] ?? []))),
  };
}

function valuesOf(fields: readonly Reply[]): readonly string[] {
  return fields.flatMap((value, at) => (at % 2 === 1 ? [String(value)] : []));
}

function listOf(reply: Reply): readonly Reply[] {
  if (!Array.isArray(reply)) throw new StoreTrouble('it answers what was not asked');
  return reply as readonly Reply[];
}
