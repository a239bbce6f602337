import type { Connect, Connection } from './connection.js';

/** What Redis may evict of a store, and what follows. */
export interface EvictionRisk {
  /** What the keys are, for the message: `revocations`. */
  readonly what: string;
  /** What follows, as a sentence. */
  readonly effect: string;
}

/** Each store has keys that expire, which the `volatile-*` policies evict. */
const EVICTING = /^(?:allkeys|volatile)-/;

/**
 * Returns a function that connects, and asks whether Redis evicts keys of the store when its memory is full. If so, it prints one warning. Nobody waits for that,
 * and a user without the permission for INFO gets no warning.
 */
export function warnOfEviction(connect: Connect, where: string, { what, effect }: EvictionRisk): Connect {
  let hasWarned = false;

  async function check(connection: Connection): Promise<void> {
    const memory = String(await connection.send(['INFO', 'memory']));
    const policy = /^maxmemory_policy:([a-z-]{1,30})\r?$/m.exec(memory)?.[1] ?? '';
    const hasLimit = !/^maxmemory:0\r?$/m.test(memory);
    if (!hasLimit || !EVICTING.test(policy) || hasWarned) return;
    hasWarned = true;
    process.emitWarning(
      `tokenward: the maxmemory-policy of ${where} is ${policy}, so Redis evicts ${what} when its memory is full. ${effect} Set it to noeviction.`,
      { code: 'TOKENWARD_EVICTION' },
    );
  }

  return async function connectAndCheck() {
    const connection = await connect();
    if (!hasWarned) check(connection).catch(() => {});
    return connection;
  };
}
