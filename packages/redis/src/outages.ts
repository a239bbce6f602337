import { channel } from 'node:diagnostics_channel';
import type { Events } from '@tokenward/core';
import { createOutageWarnings, isError } from '@tokenward/core/store';

const failedChannel = channel('tokenward:revocations-failed');

/** What is wrong with the store, in fixed words: a client's own may quote anything. */
export class StoreTrouble extends Error {
  override readonly name = 'StoreTrouble';

  /** @param isAnswer the server said so, and the connection is as good as before */
  constructor(
    message: string,
    readonly isAnswer = false,
  ) {
    super(message);
  }
}

/** One kind of trouble, from when it begins until it is over. */
export interface Outage {
  began(error: unknown): void;
  ended(): void;
}

/** All kinds of trouble of one store. However many there are at a time, that is one outage. */
export interface Outages {
  /** One kind of it. Those that were made first are shown first. */
  kind(): Outage;
  lastError(): string | undefined;
  /** The store was closed: nothing more is told. */
  close(): void;
}

/**
 * An outage is told once when it begins, and once more when tokens can't be checked any more; where nobody listens, warnings of the process tell
 * its beginning and its end.
 *
 * @param where for people: `redis://redis.example.com:6379`
 * @param usableForMs how long tokens can still be checked; 0: no more
 */
export function createOutages(where: string, usableForMs: () => number): Outages {
  const warnings = createOutageWarnings('tokenward:revocations-failed');
  const errors: (string | undefined)[] = [];
  let toldUsable: boolean | undefined;
  let timer: NodeJS.Timeout | undefined;

  function lastError(): string | undefined {
    return errors.find((error) => error !== undefined);
  }

  function tell(): void {
    clearTimeout(timer);
    const message = lastError();
    if (message === undefined) return;
    const remainingMs = usableForMs();
    const usable = remainingMs > 0;
    if (toldUsable === undefined) warnings.began(where, `tokenward: revocations are not exchanged with ${message}. ${consequence(remainingMs)}`);
    if (toldUsable !== usable) publishFailure({ message, usable });
    toldUsable = usable;
    if (!usable || remainingMs === Infinity) return;
    timer = setTimeout(tell, remainingMs + 1);
    timer.unref();
  }

  function end(): void {
    clearTimeout(timer);
    if (toldUsable === undefined) return;
    toldUsable = undefined;
    warnings.ended(where, `tokenward: revocations are exchanged with ${where} again`);
  }

  return {
    kind() {
      const at = errors.push(undefined) - 1;
      return {
        began(error) {
          errors[at] = `${where}: ${wordsOf(error)}`;
          tell();
        },
        ended() {
          if (errors[at] === undefined) return;
          errors[at] = undefined;
          if (lastError() === undefined) end();
          // another kind goes on, and tokens can be checked again meanwhile
          else if (usableForMs() > 0) toldUsable = true;
        },
      };
    },
    lastError,
    close() {
      clearTimeout(timer);
      errors.fill(undefined);
      warnings.forget(where);
    },
  };
}

function consequence(remainingMs: number): string {
  if (remainingMs === Infinity) return 'Requests are checked only against the revocations that this process knows.';
  if (remainingMs > 0)
    return `Requests are checked against the revocations that this process knows; if it lasts, they are answered with 503 in ${Math.ceil(remainingMs / 1000)} s.`;
  return 'Requests are answered with 503 until then.';
}

export function publishFailure(event: Events['tokenward:revocations-failed']): void {
  failedChannel.publish(event);
}

const WORDS: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'it refuses connections'],
  ['ECONNRESET', 'the connection was reset'],
  ['EPIPE', 'the connection was reset'],
  ['ENOTFOUND', 'its name is not known'],
  ['EAI_AGAIN', 'its name can not be looked up'],
  ['WRONGPASS', 'it does not take the name or the password'],
  ['NOAUTH', 'it wants a password'],
  ['NOPERM', 'the user may not do what is needed'],
  ['LOADING', 'it is still loading its data'],
  ['READONLY', 'it is a replica, which takes no writes'],
  ['OOM', 'it has no memory left for writes'],
  ['MISCONF', 'it takes no writes, since it can not save them'],
  ['WRONGTYPE', 'a key with this prefix is something else'],
  ['NOREPLICAS', 'it takes no writes, since too few replicas follow it (min-replicas-to-write)'],
  ['MASTERDOWN', 'it is a replica that has lost its master'],
  ['MOVED', 'the keys are at another node of a cluster: give a client that createCluster() made'],
  ['CLUSTERDOWN', 'the cluster is down'],
  ['BUSY', 'it is busy with a script'],
]);

/** What is wrong inside a script has no code of its own. */
const IN_SCRIPTS: readonly (readonly [RegExp, string])[] = [
  [/^ERR (ACL failure in script|The user executing the script can't)/, WORDS.get('NOPERM')!],
  [/^ERR unknown (redis )?command/i, 'it lacks a command that is needed: Redis 7 or Valkey is'],
];

/** An error's fixed words, or its code; never its text. */
export function wordsOf(error: unknown): string {
  if (error instanceof StoreTrouble) return error.message;
  if (!isError(error)) return 'the connection broke';
  const known = IN_SCRIPTS.find(([pattern]) => pattern.test(error.message));
  if (known) return known[1];
  const code = (error as NodeJS.ErrnoException).code ?? /^[A-Z]{3,20}(?= )/.exec(error.message)?.[0];
  if (typeof code !== 'string' || !/^[A-Z][A-Z0-9_]{2,60}$/.test(code)) return 'the connection broke';
  return WORDS.get(code) ?? `it fails (${code})`;
}
