import { channel } from 'node:diagnostics_channel';
import { RevocationStoreError, type Events } from '@tokenward/core';

const failedChannel = channel('tokenward:revocations-failed');

/** What is wrong with the store, in fixed words: a client's own may quote anything. */
export class StoreTrouble extends Error {
  override readonly name = 'StoreTrouble';
}

/** One kind of trouble, from when it begins until it is over. */
export interface Outage {
  /** Told once while it lasts, and once more when tokens can't be checked any more. */
  began(error: unknown): void;
  ended(): void;
  lastError(): string | undefined;
}

/**
 * @param where for people: `redis://redis.example.com:6379`
 * @param usableForMs how long tokens can still be checked; 0: no more
 */
export function createOutage(where: string, usableForMs: () => number): Outage {
  let lastError: string | undefined;
  let toldUsable: boolean | undefined;
  let timer: NodeJS.Timeout | undefined;

  function tell(): void {
    const remainingMs = usableForMs();
    const usable = remainingMs > 0;
    if (toldUsable !== usable) {
      toldUsable = usable;
      publishFailure({ message: new RevocationStoreError(lastError).message, usable });
    }
    clearTimeout(timer);
    if (!usable || remainingMs === Infinity) return;
    timer = setTimeout(tell, remainingMs + 1);
    timer.unref();
  }

  return {
    began(error) {
      lastError = `${where}: ${wordsOf(error)}`;
      tell();
    },
    ended() {
      clearTimeout(timer);
      lastError = toldUsable = undefined;
    },
    lastError: () => lastError,
  };
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
  ['MOVED', 'the keys are at another server of a cluster'],
]);

/** An error's fixed words, or its code; never its text. */
export function wordsOf(error: unknown): string {
  if (error instanceof StoreTrouble) return error.message;
  if (!(error instanceof Error)) return 'the connection broke';
  const code = (error as NodeJS.ErrnoException).code ?? /^[A-Z]{3,20}(?= )/.exec(error.message)?.[0];
  if (typeof code !== 'string' || !/^[A-Z][A-Z0-9_]{2,60}$/.test(code)) return 'the connection broke';
  return WORDS.get(code) ?? `it fails (${code})`;
}
