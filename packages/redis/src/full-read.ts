import { randomUUID } from 'node:crypto';
import type { Connection } from './connection.js';
import { BEGIN_FULL_READ, SCAN_CUTOFFS, SCAN_RECORDS, script, type Keys } from './data-set.js';
import { pageOf, type Pair, type Position } from './replies.js';
import { otherWork, type SharedMirror } from './shared-mirror.js';
import { look } from './stream.js';

/** What a full read found in Redis. */
export interface FullRead {
  /** Where the stream continues. */
  readonly position: Position;
  /** The texts in Redis. Those of records that the mirror does not keep may be missing. */
  readonly present: Set<string>;
  readonly cutoffs: ReadonlyMap<string, string>;
}

/** How long other processes wait until this one has written back all records (0: they do not wait), and its recent records. */
export interface AwaitTimes {
  readonly allSeconds: number;
  readonly recentSeconds: number;
}

const PAGE = 1000;
/** Redis may have far more records than a mirror has room for. Their texts must not fill the memory. */
const MAX_EXTRA = 10_000;

/** Reads all records and cut-offs into the mirror. Returns undefined if the data set was lost again before the read began. */
export async function readEverything(
  connection: Connection,
  keys: Keys,
  mirror: SharedMirror,
  writerId: string,
  { allSeconds, recentSeconds }: AwaitTimes,
): Promise<FullRead | undefined> {
  await connection.send(script(BEGIN_FULL_READ, keys, randomUUID(), writerId, allSeconds, recentSeconds));
  // entries that are added during the read are in the stream after this position
  const { epoch, lastId, added, isLastEntry } = await look(connection, keys, undefined, 0);
  if (epoch === undefined) return undefined;
  // a user without a permission for this fails here, and not each time after all records
  await connection.send(script(SCAN_CUTOFFS, keys, '0', 1));
  const present = new Set<string>();
  for await (const page of pages(connection, keys, SCAN_RECORDS)) {
    const texts = page.map(([text]) => text);
    mirror.addTexts(texts, false);
    for (const text of texts) present.add(text);
    if (present.size > MAX_EXTRA + 2 * mirror.size) await removeOthers(present, mirror);
  }
  // read last, because records that are removed during the read leave a cut-off
  const cutoffs = new Map<string, string>();
  for await (const page of pages(connection, keys, SCAN_CUTOFFS)) {
    mirror.addCutoffs(page);
    for (const [issuer, moment] of page) cutoffs.set(issuer, moment);
  }
  return { position: { epoch, id: lastId, isEntry: isLastEntry, added }, present, cutoffs };
}

/** Removes the texts of records that the mirror does not keep. */
async function removeOthers(present: Set<string>, mirror: SharedMirror): Promise<void> {
  let seen = 0;
  for (const text of present) {
    if (!mirror.keeps(text)) present.delete(text);
    if (++seen % PAGE === 0) await otherWork();
  }
}

/** Reads a whole set or hash. What is in it all the time comes at least once. */
async function* pages(connection: Connection, keys: Keys, scan: string): AsyncIterable<readonly Pair[]> {
  let cursor = '0';
  do {
    const page = pageOf(await connection.send(script(scan, keys, cursor, PAGE)));
    yield page.pairs;
    cursor = page.cursor;
  } while (cursor !== '0');
}
