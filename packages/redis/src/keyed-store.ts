import { setTimeout as sleep } from 'node:timers/promises';
import { createConnect, type Reply } from './connection.js';
import { warnOfEviction } from './eviction.js';
import { hashTagged } from './hash-tag.js';
import { readKeyedOptions, type KeyedStoreOptions, type OwnLimits } from './keyed-options.js';
import { openLink } from './link.js';
import { StoreFailure } from './store-failure.js';

/** What every store of single keys offers. */
export interface KeyedStoreLife {
  /** Resolves once Redis answers. @throws Error if it does not answer within twice the timeout */
  warm(): Promise<void>;
  /** The state of the connection. `lastError` contains no name and no value. */
  health(): { readonly usable: boolean; readonly lastError: string | undefined };
  /** Closes the connection. A guard does not close a store that was given to it. */
  close(): Promise<void>;
}

/** The connection of a store that reads and writes single keys. */
export interface KeyedStore<N extends string> {
  /** Returns the key for a name. */
  keyOf(name: string): string;
  /** Sends a command. @throws StoreFailure with the address and fixed words */
  send(command: readonly [kind: string, ...rest: string[]]): Promise<Reply>;
  readonly life: KeyedStoreLife;
  /** The values of the options that this store alone has. */
  readonly limits: OwnLimits<N>;
}

/** What differs between such stores. */
export interface KeyedStoreParts<N extends string> {
  readonly defaultPrefix: string;
  readonly what: string;
  readonly meanwhile?: string | undefined;
  readonly evictionEffect?: string | undefined;
  readonly probe: (keyOf: KeyedStore<N>['keyOf']) => readonly [kind: string, ...rest: string[]];
  readonly limits: OwnLimits<N>;
}

const WARM_LOOK_MS = 50;

/**
 * Connects at once, and retries until it is closed.
 *
 * @param what what the server keeps, for messages: `introspection answers`
 * @param meanwhile what happens while the server cannot be used, for messages. Default: requests get 503
 * @param evictionEffect what follows if Redis evicts a key, as a sentence. Default: nothing that matters
 * @param probe a command that shows that a connection is usable
 * @param limits the options that this store alone has, with their defaults
 * @throws ConfigurationError that lists all invalid options
 */
export function openKeyedStore<N extends string = never>(
  options: KeyedStoreOptions,
  { defaultPrefix, what, meanwhile, evictionEffect, probe, limits: ownLimits }: KeyedStoreParts<N>,
): KeyedStore<N> {
  const { makeClient, where, prefix, timeoutMs, limits } = readKeyedOptions(options, defaultPrefix, ownLimits);
  const tagged = hashTagged(prefix);
  const keyOf = (name: string): string => `${tagged}:${name}`;
  const probing = probe(keyOf);
  const connecting = createConnect(makeClient, timeoutMs);
  const connect = evictionEffect === undefined ? connecting : warnOfEviction(connecting, where, { what, effect: evictionEffect });
  const link = openLink({ connect, probe: { kind: probing[0], command: probing }, where, what, meanwhile, timeoutMs });

  async function send(command: readonly [kind: string, ...rest: string[]]): Promise<Reply> {
    try {
      return await link.send(command[0], command);
    } catch (error) {
      // the link throws nothing but a StoreFailure, which has fixed words: a client's own error may quote anything
      const { message, isAnswer, code } = error as StoreFailure;
      throw new StoreFailure(`${where}: ${message}`, isAnswer, code);
    }
  }

  const life: KeyedStoreLife = {
    async warm() {
      const endsAtMs = performance.now() + timeoutMs * 2;
      for (;;) {
        try {
          await send(probing);
          return;
        } catch (error) {
          if (link.isClosed || performance.now() > endsAtMs) throw error;
          // the timer also keeps the process alive for the caller
          await sleep(WARM_LOOK_MS);
        }
      }
    },
    health: () => ({ usable: link.isUsable, lastError: link.lastError }),
    close: async () => link.close(),
  };
  return { keyOf, send, life, limits };
}
