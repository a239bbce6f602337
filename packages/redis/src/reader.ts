import { randomUUID } from 'node:crypto';
import type { Clock } from '@tokenward/core';
import { createBackoff } from './backoff.js';
import type { Connect, Connection } from './connection.js';
import { BEGIN, FORGOTTEN, LONG_OVER, LOOK, NEXT, SCAN, TAKE_OUT, TRIM, script, type Keys } from './data-set.js';
import { recordOf } from './record-text.js';
import { entriesOf, lookOf, pageOf, pairsOf, readEntriesOf, roleOf, textsOf, type Entries, type Look, type Position } from './replies.js';
import type { SharedMirror } from './shared-mirror.js';
import { StoreTrouble, type Outage } from './trouble.js';
import { RESTORING_SECONDS, type Writer } from './writer.js';

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
  readonly pruningOutage: Outage;
  readonly timeoutMs: number;
  /** How long a turn may wait for news: the mirror is as old as that, without being wrong. */
  readonly blockMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly writer: Pick<Writer, 'id' | 'isIdle' | 'seen' | 'restore'>;
  /** All is known now. `synced`: since everything was read. */
  readonly known: (synced: boolean) => void;
}

const PAGE = 1000;
/** Entries of the stream hold one record, or many: so many are asked for at a time that an answer is about so large. */
const FIRST_STREAM_PAGE = 1000;
const [LEAST_STREAM_PAGE, MOST_STREAM_PAGE] = [10, 2000];
const STREAM_PAGE_CHARACTERS = 1_000_000;
/**
 * After a loss of data those who live write back what they know. One that has just begun, or was cut off, waits until they have had the time to
 * begin, and have come to an end.
 */
const SETTLE_SECONDS = 3;
const RESTORING_LOOK_MS = 250;
/** More than a turn takes where all is well. */
const BEHIND_MS = 2500;
const MOST_RESTORING_MS = 60_000;
/**
 * One that knew everything until the loss waits for what others had learned right before it: so long until they have begun, by connections that
 * stood or that have to be made anew, and then until they are done.
 */
const GATHER_MS = 500;
const RECONNECTED_GATHER_MS = 1500;
const GATHERING_LOOK_MS = 20;
const MOST_GATHERING_SECONDS = 5;
/** While much comes, it is made sure at least so often that nothing is missing. */
const LOOK_AGAIN_MS = 100;
/** Of single records that somebody took out by hand the stream tells nothing. */
const COMPARE_EVERY_MS = 600_000;
const PRUNE_EVERY_MS = 60_000;
const PRUNE_AGAIN_MS = 5000;
/** The clocks of processes may be so far from the server's. */
const KEPT_AFTER_END_SECONDS = 3600;
const PRUNED_AT_ONCE = 500;

const LOST = 'its data was lost or replaced: everything is read, and what is missing there is written back';
const MISSED = 'news were missed: everything is read again';

export function startReader(parts: ReaderParts): Reader {
  const { connect, keys, mirror, outage, pruningOutage, timeoutMs, blockMs, clock, signal, writer, known } = parts;
  const backoff = createBackoff(signal);
  const again = createBackoff(signal);
  let position: Position | undefined;
  let isWhole = false;
  let knownAtMs: number | undefined;
  /** When it knew for the last time all that the server knew. */
  let followedAtMs = -Infinity;
  /** Others may know what this process and the server do not: it has just begun, or was cut off. */
  let mustSettle = true;
  let settledAtMs = 0;
  let settlesSinceMs: number | undefined;
  /** Set from a loss on, until what others had learned right before is here. */
  let gather: { readonly mostMs: number; untilMs: number } | undefined;
  let streamPage = FIRST_STREAM_PAGE;
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
        // an answer that was too large to come in time would be so again
        streamPage = Math.max(LEAST_STREAM_PAGE, streamPage >> 1);
      }
      await backoff.pause();
    }
  }

  async function follow(connection: Connection): Promise<void> {
    const close = (): void => connection.close();
    signal.addEventListener('abort', close);
    try {
      let isNew = true;
      while (!signal.aborted) {
        if (!(await turn(connection, isNew)) || !isNew) continue;
        // not before everything has been asked for once: what fails each time is one trouble, and tried again more and more rarely
        isNew = false;
        backoff.reset();
        outage.ended();
      }
    } finally {
      signal.removeEventListener('abort', close);
      connection.close();
    }
  }

  /** @returns whether everything is known, and news were waited for */
  async function turn(connection: Connection, isNew: boolean): Promise<boolean> {
    const { found, follows, askedAtMs } = await catchUp(connection);
    if (isBehind() && (isNew || !follows || found.uptimeSeconds < SETTLE_SECONDS)) mustSettle = true;
    if (!follows) {
      const isLoss = position !== undefined && found.epoch !== position.epoch;
      // what was read before still holds, and what came since is not known
      const wasWhole = isWhole;
      isWhole = false;
      if (wasWhole) outage.began(new StoreTrouble(isLoss ? LOST : MISSED));
      // it never comes to rest where more is lost than can be read
      if (fullReads++ > 0) await again.pause();
      await readAll(connection, isLoss);
      if (isLoss) startGathering(isNew);
      return false;
    }
    followedAtMs = askedAtMs;
    fullReads = 0;
    again.reset();
    if (mustSettle) settle(found);
    if (gather && found.isRestoredLately) gather.untilMs = Math.max(gather.untilMs, Math.min(performance.now() + GATHERING_LOOK_MS, gather.mostMs));
    const waitMs = settlesInMs();
    if (waitMs === 0) becomeKnown(askedAtMs, isNew);
    await prune(connection);
    if ((wantsAll || clock.monotonic() >= comparesAtMs) && writer.isIdle) {
      wantsAll = false;
      await readAll(connection, false);
      return false;
    }
    await waitForNews(connection, waitMs > 0 ? Math.min(blockMs, waitMs) : isNew ? 1 : blockMs);
    return waitMs === 0;
  }

  /**
   * Reads the stream to its end.
   *
   * @returns what the server knows then, and when it was asked for it; `follows`: whether it is what we know and what followed it
   */
  async function catchUp(connection: Connection): Promise<{ readonly found: Look; readonly follows: boolean; readonly askedAtMs: number }> {
    for (;;) {
      const askedAtMs = clock.monotonic();
      // a server that doesn't know the question has no say; where the connection is broken, the other one fails, too
      const role = connection.send(['HELLO']).then(roleOf, () => undefined);
      const [found, is] = await Promise.all([look(connection, position?.id ?? ''), role]);
      if (is !== undefined && is !== 'master' && is !== 'primary') throw new StoreTrouble('it is a replica, which may be behind');
      if (!position || found.epoch !== position.epoch) {
        mirror.take(found.entries.texts, true);
        return { found, follows: false, askedAtMs };
      }
      const isPageFull = found.hasMore || found.entries.count >= streamPage;
      take(found.entries);
      if (isPageFull) continue;
      // a count that is larger: entries were trimmed or deleted before they were read. One that is smaller, or an id that is:
      // the server has forgotten some, as a replica that was behind, or one that was restored, and has gone on from there
      return { found, follows: found.added === position.added && found.lastId === position.id, askedAtMs };
    }
  }

  async function look(connection: Connection, id: string): Promise<Look> {
    return lookOf(await connection.send(script(LOOK, keys, id, streamPage)));
  }

  function take({ count, lastId, texts }: Entries): void {
    if (lastId === undefined) return;
    mirror.take(writer.seen(texts), true);
    position = { epoch: position!.epoch, id: lastId, added: position!.added + count };
    const charactersEach = texts.reduce((sum, text) => sum + text.length, 0) / count;
    streamPage = Math.max(LEAST_STREAM_PAGE, Math.min(MOST_STREAM_PAGE, Math.ceil(STREAM_PAGE_CHARACTERS / (charactersEach + 1)), streamPage * 2));
  }

  /** What others have added since then may have been lost before this process read it. */
  function isBehind(): boolean {
    return clock.monotonic() - followedAtMs > BEHIND_MS;
  }

  /** @param isLoss others are to wait for what this process writes back: what it has learned lately, and then the rest */
  async function readAll(connection: Connection, isLoss: boolean): Promise<void> {
    comparesAtMs = clock.monotonic() + COMPARE_EVERY_MS * (0.5 + Math.random());
    await connection.send(script(BEGIN, keys, randomUUID(), writer.id, isLoss ? RESTORING_SECONDS : 0, MOST_GATHERING_SECONDS));
    // what comes while it is read is in the stream behind this
    const { epoch, lastId, added } = await look(connection, '');
    if (epoch === undefined) return;
    const present = new Set<string>();
    let cursor = '0';
    do {
      const page = pageOf(await connection.send(script(SCAN, keys, cursor, PAGE)));
      mirror.take(page.texts, false);
      for (const text of page.texts) present.add(text);
      cursor = page.cursor;
    } while (cursor !== '0');
    // last, since what was taken out meanwhile has gone there
    const remainders = pairsOf(await connection.send(script(FORGOTTEN, keys)));
    mirror.takeRemainders(remainders);
    position = { epoch, id: lastId, added };
    const missing = mirror.missing(present, remainders, clock.now() / 1000);
    writer.restore({ lately: isLoss ? mirror.lately() : new Map(), missing, present }, isLoss);
  }

  function startGathering(isNew: boolean): void {
    const now = performance.now();
    gather = { untilMs: now + (isNew ? RECONNECTED_GATHER_MS : GATHER_MS), mostMs: now + MOST_GATHERING_SECONDS * 1000 };
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
    return Math.max(0, Math.max(mustSettle ? settledAtMs : 0, gather?.untilMs ?? 0) - performance.now());
  }

  function becomeKnown(askedAtMs: number, isNew: boolean): void {
    const synced = !isWhole;
    isWhole = true;
    mustSettle = false;
    settlesSinceMs = gather = undefined;
    // not when the answer came, which may have been under way for long
    knownAtMs = askedAtMs;
    if (!isNew) outage.ended();
    known(synced);
  }

  /** Takes what comes, until it has waited so long, or much has come. */
  async function waitForNews(connection: Connection, forMs: number): Promise<void> {
    let untilMs = performance.now() + forMs;
    for (let restMs = forMs; restMs > 0; restMs = untilMs - performance.now()) {
      const block = String(Math.ceil(restMs));
      // one alone: what waits can't look at how large an entry is before it is sent
      const reply = await connection.send(['XREAD', 'COUNT', '1', 'BLOCK', block, 'STREAMS', keys.stream, position!.id], restMs + timeoutMs);
      const entries = readEntriesOf(reply);
      if (entries.count === 0) return;
      take(entries);
      take(entriesOf(await connection.send(script(NEXT, keys, position!.id, streamPage))));
      untilMs = Math.min(untilMs, performance.now() + LOOK_AGAIN_MS);
    }
  }

  /** Where the server takes no writes, that is one trouble, and reading goes on. */
  async function prune(connection: Connection): Promise<void> {
    if (performance.now() < prunesAtMs) return;
    prunesAtMs = performance.now() + PRUNE_AGAIN_MS;
    try {
      const isDone = await pruneOnce(connection);
      prunesAtMs = isDone ? performance.now() + PRUNE_EVERY_MS * (0.5 + Math.random()) : 0;
      pruningOutage.ended();
    } catch (error) {
      if (!(error instanceof StoreTrouble) || !error.isAnswer) throw error;
      pruningOutage.began(error);
    }
  }

  async function pruneOnce(connection: Connection): Promise<boolean> {
    await connection.send(script(TRIM, keys));
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
    if (taken.length > 0) await connection.send(script(TAKE_OUT, keys, taken.length, ...taken, ...[...moments].flat()));
    return taken.length < PRUNED_AT_ONCE;
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
