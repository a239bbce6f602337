import { readClock, type Clock } from '../lib/clock.js';
import { ConfigurationError } from '../lib/configuration-error.js';
import { assertSeconds, MOST_ENTRIES, MOST_LEASE_SECONDS } from '../lib/limit.js';
import { OptionReader, plainOptions } from '../lib/option-reader.js';
import { numberOption, readTable, type OptionTable } from '../lib/option-table.js';
import { checkStoredSession } from './check-stored-session.js';
import { SessionStoreError, type SessionStore, type StoredSession } from './session-store.js';

export interface MemorySessionsOptions {
  /** How many sessions the process keeps. Beyond that, the one that was used longest ago ends, and the process warns once. Default: 10000, which take about 100 MB. */
  readonly maxEntries?: number | undefined;
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
}

const OPTIONS = {
  maxEntries: numberOption(10_000, { least: 1, most: MOST_ENTRIES, whole: true }),
  clock: readClock,
} satisfies OptionTable<MemorySessionsOptions>;

/** If a user has more sessions than this, or more than half of all, the user's oldest one ends. So one user cannot end the sessions of others. */
const MAX_PER_LABEL = 1000;
const MAX_LEASES = 100_000;

/**
 * Creates a store of browser sessions for this process alone. A restart ends all sessions. A fleet needs a shared store, such as `redisSessions` of
 * `@tokenward/redis`.
 *
 * @throws ConfigurationError if an option is invalid
 */
export function memorySessions(options: MemorySessionsOptions = {}): SessionStore {
  const reader = new OptionReader(plainOptions(options), Object.keys(OPTIONS));
  const { maxEntries, clock } = readTable(reader, OPTIONS);
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);

  const maxPerLabel = Math.min(MAX_PER_LABEL, Math.max(1, Math.floor(maxEntries / 2)));
  /** In the order of their last use. */
  const sessions = new Map<string, StoredSession>();
  /** The keys of a label, in the order in which they were added. */
  const labelled = new Map<string, Set<string>>();
  const leases = createLeases(clock);
  let hasWarned = false;

  function live(key: string): StoredSession | undefined {
    const session = sessions.get(key);
    if (session && clock.now() / 1000 < session.until) return session;
    if (session) remove(session);
    return undefined;
  }

  function keep(session: StoredSession): void {
    sessions.delete(session.key);
    sessions.set(session.key, session);
  }

  function remove({ key, labels }: StoredSession): void {
    sessions.delete(key);
    for (const label of labels) {
      const keys = labelled.get(label);
      keys?.delete(key);
      if (keys?.size === 0) labelled.delete(label);
    }
  }

  function makeRoom(labels: readonly string[]): void {
    for (const label of labels) {
      const keys = labelled.get(label);
      if (keys && keys.size >= maxPerLabel) remove(sessions.get(first(keys))!);
    }
    if (sessions.size < maxEntries) return;
    removeEnded();
    if (sessions.size < maxEntries) return;
    warnOfEviction();
    remove(sessions.get(first(sessions.keys()))!);
  }

  /** Without the warning, nobody would learn why: the user is logged out at a later request, and the store then does not know the session. */
  function warnOfEviction(): void {
    if (hasWarned) return;
    hasWarned = true;
    process.emitWarning(
      `tokenward: memorySessions() has ${maxEntries} sessions, so each new one ends the one that was used longest ago, and its user is logged out. Raise maxEntries, or use redisSessions() of @tokenward/redis`,
      { code: 'TOKENWARD_EVICTION' },
    );
  }

  /** Visits few sessions: those that were used longest ago are the ones that have ended. */
  function removeEnded(): void {
    const nowSeconds = clock.now() / 1000;
    for (const session of sessions.values()) {
      if (nowSeconds < session.until) return;
      remove(session);
    }
  }

  return Object.freeze({
    create(session) {
      checkStoredSession(session);
      if (live(session.key)) throw new SessionStoreError('tokenward: the store has a session with this key already');
      makeRoom(session.labels);
      keep(copyOf(session));
      for (const label of session.labels) {
        const keys = labelled.get(label);
        if (keys) keys.add(session.key);
        else labelled.set(label, new Set([session.key]));
      }
    },
    read(key) {
      const session = live(key);
      if (session) keep(session);
      return session;
    },
    replace(session, replaces) {
      checkStoredSession(session);
      const present = live(session.key);
      if (!present) return 'absent';
      if (present.version !== replaces) return 'changed';
      // a change of these would leave sessions that no logout finds
      keep(copyOf({ ...session, issuedAt: present.issuedAt, labels: present.labels }));
      return 'replaced';
    },
    remove(key) {
      const session = live(key);
      if (session) remove(session);
      return session;
    },
    removeLabelled(label, issuedUntil = Infinity) {
      const found = [...(labelled.get(label) ?? [])].flatMap((key) => live(key) ?? []).filter(({ issuedAt }) => issuedAt <= issuedUntil);
      found.forEach(remove);
      return found;
    },
    lease: leases.take,
    warm: async () => {},
    health: () => ({ usable: true, entries: sessions.size, lastError: undefined }),
    close() {},
  } satisfies SessionStore);
}

/** Creates the leases of one process. They end by the monotonic clock. */
function createLeases(clock: Pick<Clock, 'monotonic'>): { take: SessionStore['lease'] } {
  const endsAtMs = new Map<string, { readonly endsAtMs: number }>();

  function removeEnded(): void {
    for (const [key, lease] of endsAtMs) if (!(clock.monotonic() < lease.endsAtMs)) endsAtMs.delete(key);
  }

  return {
    take(key, ttlSeconds) {
      assertSeconds('lease(key, ttlSeconds)', ttlSeconds, MOST_LEASE_SECONDS);
      const taken = endsAtMs.get(key);
      if (taken && clock.monotonic() < taken.endsAtMs) return undefined;
      if (endsAtMs.size >= MAX_LEASES) removeEnded();
      if (endsAtMs.size >= MAX_LEASES) throw new SessionStoreError('tokenward: the store has too many leases');
      const lease = { endsAtMs: clock.monotonic() + ttlSeconds * 1000 };
      endsAtMs.set(key, lease);
      return {
        release() {
          // another process may have it by now
          if (endsAtMs.get(key) === lease) endsAtMs.delete(key);
        },
      };
    },
  };
}

function copyOf({ key, sealed, version, until, issuedAt, labels }: StoredSession): StoredSession {
  return Object.freeze({ key, sealed, version, until, issuedAt, labels: Object.freeze([...labels]) });
}

function first<T>(items: Iterable<T>): T {
  for (const item of items) return item;
  throw new RangeError('there are no items');
}
