import { randomUUID } from 'node:crypto';
import type { Clock } from '@tokenward/core';
import { createBackoff } from './backoff.js';
import type { Connect, Connection } from './connection.js';
import { LONG_OVER, LOOK, NAME_IT, TAKE_OUT, script, type Keys } from './data-set.js';
import { recordOf } from './record-text.js';
import { lookOf, pageOf, pairsOf, readEntriesOf, roleOf, textsOf, type Entries, type Look, type Position } from './replies.js';
import type { SharedMirror } from './shared-mirror.js';
import { StoreTrouble, type Outage } from './trouble.js';

/** Keeps a mirror like what is in Redis, for as long as it lives. */
export interface Reader {
  /** Whether nothing is missing as far as anybody can tell, or was when it was heard for the last time. */
  readonly isWhole: boolean;
  /** When all was known for the last time, by the monotonic clock. */
  readonly knownAtMs: number | undefined;
  /** How long it still waits for what others know: the data set is new, and this process has seen no other. */
  readonly settlesInMs: number;
  /** Reads everything again at the next turn, and writes back what is missing there. */
  readAgain(): void;
}

export interface ReaderParts {
  readonly connect: Connect;
  readonly keys: Keys;
  readonly mirror: SharedMirror;
  readonly outage: Outage;
  readonly timeoutMs: number;
  /** How long a turn may wait for news: the mirror is as old as that, without being wrong. */
  readonly blockMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How many records this process has yet to send. */
  readonly unsent: () => number;
  /** These are in Redis. */
  readonly seen: (texts: readonly string[]) => void;
  readonly writeBack: (missing: ReturnType<SharedMirror['missing']>) => Promise<void>;
  /** All is known now. `synced`: since everything was read. */
  readonly known: (synced: boolean) => void;
}

const PAGE = 1000;
/**
 * After a loss of data those who live write back what they know. One that has just begun, or was cut off, waits until they have had the time to
 * begin, and have come to an end.
 */
const SETTLE_SECONDS = 3;
const RESTORING_LOOK_MS = 250;
/** More than a turn takes where all is well. */
const BEHIND_MS = 2500;
const MOST_RESTORING_MS = 60_000;
/** Of single records that somebody took out by hand the stream tells nothing. */
const COMPARE_EVERY_MS = 600_000;
const PRUNE_EVERY_MS = 60_000;
/** The clocks of processes may be so far from the server's. */
const KEPT_AFTER_END_SECONDS = 3600;
const PRUNED_AT_ONCE = 500;

export function startReader(parts: ReaderParts): Reader {
  const { connect, keys, mirror, outage, timeoutMs, blockMs, clock, signal, unsent, seen, writeBack, known } = parts;
  const backoff = createBackoff(signal);
  const again = createBackoff(signal);
  let position: Position | undefined;
  let isWhole = false;
  let knownAtMs: number | undefined;
  /** Others may know what this process and the server do not: it has just begun, or was cut off. */
  let mustSettle = true;
  let settledAtMs = 0;
  let settlesSinceMs: number | undefined;
  let fullReads = 0;
  let wantsAll = false;
  let comparesAtMs = Infinity;
  let prunesAtMs = 0;

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await follow(await connect());
      } catch (error) {
        if (!signal.aborted) outage.began(error);
      }
      await backoff.pause();
    }
  }

  async function follow(connection: Connection): Promise<void> {
    const close = (): void => connection.close();
    signal.addEventListener('abort', close);
    try {
      while (!signal.aborted) await turn(connection);
    } finally {
      signal.removeEventListener('abort', close);
      connection.close();
    }
  }

  async function turn(connection: Connection): Promise<void> {
    const [found, askedAtMs] = await catchUp(connection);
    if (isBehind()) mustSettle = true;
    if (!found) {
      // what was read before still holds, and what came since is not known
      isWhole = false;
      // it never comes to rest where more is lost than can be read
      if (fullReads++ > 0) await again.pause();
      await readAll(connection);
      return;
    }
    fullReads = 0;
    again.reset();
    if (mustSettle) settle(found);
    const waitMs = settlesInMs();
    if (waitMs === 0) becomeKnown(askedAtMs);
    await prune(connection);
    if ((wantsAll || clock.monotonic() >= comparesAtMs) && unsent() === 0) {
      wantsAll = false;
      await readAll(connection);
      return;
    }
    await waitForNews(connection, waitMs > 0 ? Math.min(blockMs, waitMs) : blockMs);
  }

  /**
   * Reads the stream to its end.
   *
   * @returns what the server knows then, and when it was asked for it; undefined where what it knows is not what we know and what followed it
   */
  async function catchUp(connection: Connection): Promise<[Look | undefined, number]> {
    for (;;) {
      const askedAtMs = clock.monotonic();
      // a server that doesn't know the question has no say; where the connection is broken, the other one fails, too
      const role = connection.send(['HELLO']).then(roleOf, () => undefined);
      const [found, is] = await Promise.all([look(connection, position?.id ?? ''), role]);
      if (is !== undefined && is !== 'master' && is !== 'primary') throw new StoreTrouble('it is a replica, which may be behind');
      if (!position || found.epoch !== position.epoch) return [undefined, askedAtMs];
      take(found.entries);
      if (found.entries.count >= PAGE) continue;
      // a count that is larger: entries were trimmed or deleted before they were read. One that is smaller, or an id that is:
      // the server has forgotten some, as a replica that was behind, or one that was restored, and has gone on from there
      return [found.added === position.added && found.lastId === position.id ? found : undefined, askedAtMs];
    }
  }

  async function look(connection: Connection, id: string): Promise<Look> {
    return lookOf(await connection.send(script(LOOK, keys, id, PAGE)));
  }

  function take({ count, lastId, texts }: Entries): void {
    if (lastId === undefined) return;
    mirror.take(texts);
    seen(texts);
    position = { epoch: position!.epoch, id: lastId, added: position!.added + count };
  }

  /** What others have added since then may have been lost before this process read it. */
  function isBehind(): boolean {
    return knownAtMs === undefined || clock.monotonic() - knownAtMs > BEHIND_MS;
  }

  async function readAll(connection: Connection): Promise<void> {
    await connection.send(script(NAME_IT, keys, randomUUID()));
    // what comes while it is read is in the stream behind this
    const { epoch, lastId, added } = await look(connection, '');
    if (epoch === undefined) return;
    const texts = new Set<string>();
    let cursor = '0';
    do {
      const page = pageOf(await connection.send(['ZSCAN', keys.records, cursor, 'COUNT', String(PAGE)]));
      mirror.take(page.texts);
      for (const text of page.texts) texts.add(text);
      cursor = page.cursor;
    } while (cursor !== '0');
    // last, since what was taken out meanwhile has gone there
    const remainders = pairsOf(await connection.send(['HGETALL', keys.forgotten]));
    mirror.takeRemainders(remainders);
    position = { epoch, id: lastId, added };
    comparesAtMs = clock.monotonic() + COMPARE_EVERY_MS * (0.5 + Math.random());
    await writeBack(mirror.missing(texts, remainders, clock.now() / 1000));
  }

  function settle({ epoch, serverSeconds, isRestored, uptimeSeconds }: Look): void {
    const nowMs = performance.now();
    settlesSinceMs ??= nowMs;
    const ageSeconds = serverSeconds - Number.parseInt(epoch!, 10);
    // a clock that was set back says nothing; what a server has read from its disk may be older than what it had acknowledged
    for (const seconds of [ageSeconds, uptimeSeconds]) {
      if (seconds >= 0 && seconds < SETTLE_SECONDS) settledAtMs = Math.max(settledAtMs, nowMs + (SETTLE_SECONDS - seconds) * 1000);
    }
    if (isRestored && nowMs - settlesSinceMs < MOST_RESTORING_MS) settledAtMs = Math.max(settledAtMs, nowMs + RESTORING_LOOK_MS);
  }

  function settlesInMs(): number {
    return mustSettle ? Math.max(0, settledAtMs - performance.now()) : 0;
  }

  function becomeKnown(askedAtMs: number): void {
    const synced = !isWhole;
    isWhole = true;
    mustSettle = false;
    settlesSinceMs = undefined;
    // not when the answer came, which may have been under way for long
    knownAtMs = askedAtMs;
    backoff.reset();
    outage.ended();
    known(synced);
  }

  async function waitForNews(connection: Connection, forMs: number): Promise<void> {
    const block = String(Math.ceil(forMs));
    take(readEntriesOf(await connection.send(['XREAD', 'COUNT', String(PAGE), 'BLOCK', block, 'STREAMS', keys.stream, position!.id], forMs + timeoutMs)));
  }

  async function prune(connection: Connection): Promise<void> {
    if (performance.now() < prunesAtMs) return;
    const texts = textsOf(await connection.send(script(LONG_OVER, keys, KEPT_AFTER_END_SECONDS, PRUNED_AT_ONCE)));
    // the others of the fleet do the same, so not all at once
    const taken: string[] = [];
    const moments = new Map<string, number>();
    for (const text of texts) {
      const record = recordOf(text);
      // by our own clock, too: the server's may be far ahead
      if (record && record.until + KEPT_AFTER_END_SECONDS > clock.now() / 1000) continue;
      taken.push(text);
      if (record && !record.isFinal) moments.set(record.issuer, Math.max(record.issuedUntil, moments.get(record.issuer) ?? 0));
    }
    if (taken.length < PRUNED_AT_ONCE) prunesAtMs = performance.now() + PRUNE_EVERY_MS * (0.5 + Math.random());
    if (taken.length > 0) await connection.send(script(TAKE_OUT, keys, taken.length, ...taken, ...[...moments].flat()));
  }

  void run();
  return {
    get isWhole() {
      return isWhole;
    },
    get knownAtMs() {
      return knownAtMs;
    },
    get settlesInMs() {
      return settlesInMs();
    },
    readAgain() {
      wantsAll = true;
    },
  };
}
