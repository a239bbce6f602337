import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  assertSeconds,
  checkStoredSession,
  MOST_LEASE_SECONDS,
  SessionStoreError,
  type ReplaceAnswer,
  type SessionStore,
  type StoredSession,
} from '@tokenward/core/store';
import { createConnect, type Reply } from './connection.js';
import { warnOfEviction } from './eviction.js';
import { openLink } from './link.js';
import { readSessionOptions, type RedisSessionsOptions } from './session-options.js';
import { CREATE, evaluate, READ, RELEASE, REMOVE, REMOVE_LABELLED, REPLACE, sessionKeysOf } from './session-scripts.js';
import { storedSessionOf, storedSessionsOf } from './session-replies.js';
import type { StoreFailure } from './store-failure.js';

const EVICTION = { what: 'sessions', effect: 'Their users are logged out, and a logout at the issuer may miss sessions.' };
const WARM_LOOK_MS = 50;

/**
 * Creates a store of browser sessions for all processes that use the same Redis and prefix. It connects at once and retries until it is closed.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * const store = redisSessions({ url: 'rediss://redis.example.com:6379' });
 * const session = createBrowserSession({ issuer, clientId, clientSecret, origin, secrets, store });
 */
export function redisSessions(options: RedisSessionsOptions): SessionStore {
  const { makeClient, where, prefix, timeoutMs, clock } = readSessionOptions(options);
  const keys = sessionKeysOf(prefix);
  const probe = { kind: READ, command: evaluate(READ, [`${keys.session}probe`]) };
  const connect = warnOfEviction(createConnect(makeClient, timeoutMs), where, EVICTION);
  const link = openLink({ connect, probe, where, what: 'sessions', timeoutMs });

  async function run(script: string, keyNames: readonly string[], ...args: readonly (string | number)[]): Promise<Reply> {
    return send(script, evaluate(script, keyNames, ...args));
  }

  /** @param unanswered is called if the server may have the command nevertheless, or may get it yet */
  async function send(kind: string, command: readonly string[], unanswered = () => {}, isPatient = false): Promise<Reply> {
    try {
      return await link.send(kind, command, isPatient);
    } catch (error) {
      if (!(error as StoreFailure).isAnswer) unanswered();
      // a StoreFailure has fixed words; a client's own error may quote anything
      throw new SessionStoreError(`${where}: ${(error as Error).message}`);
    }
  }

  /** How long Redis keeps a session. It is relative, so that the server's clock does not count. */
  function lifeMs({ until }: StoredSession): number {
    return Math.max(1, Math.ceil(until * 1000 - clock.now()));
  }

  async function read(key: string): Promise<StoredSession | undefined> {
    return liveSession(key, await run(READ, [keys.session + key]));
  }

  function liveSession(key: string, reply: Reply): StoredSession | undefined {
    const session = storedSessionOf(key, reply);
    return session && isLive(session) ? session : undefined;
  }

  function isLive({ until }: StoredSession): boolean {
    return clock.now() / 1000 < until;
  }

  return Object.freeze({
    async create(session) {
      checkStoredSession(session);
      const { key, sealed, version, until, issuedAt, labels } = session;
      const args = [sealed, version, until, lifeMs(session), clock.now() / 1000, key, labels.join(' '), keys.session, issuedAt];
      const answer = await run(CREATE, [keys.session + key, ...labels.map((label) => keys.label + label)], ...args);
      if (answer !== 1) throw new SessionStoreError(`${where}: there is a session with this key already`);
    },
    read,
    async replace(session, replaces) {
      checkStoredSession(session);
      const { key, sealed, version, until } = session;
      const args = [sealed, version, until, lifeMs(session), clock.now() / 1000, key, replaces, keys.label];
      return replaceAnswerOf(await run(REPLACE, [keys.session + key], ...args));
    },
    async remove(key) {
      return liveSession(key, await run(REMOVE, [keys.session + key], key, keys.label));
    },
    async removeLabelled(label, issuedUntil) {
      return storedSessionsOf(await run(REMOVE_LABELLED, [keys.label + label], keys.session, issuedUntil ?? '')).filter(isLive);
    },
    async lease(key, ttlSeconds) {
      assertSeconds('lease(key, ttlSeconds)', ttlSeconds, MOST_LEASE_SECONDS);
      const owner = randomUUID();
      const name = keys.lease + key;
      const releaseOnce = (): Promise<Reply> => send(RELEASE, evaluate(RELEASE, [name], owner), undefined, true);
      // once more, since the connection of a command without an answer is given up. If that fails, too, the lease ends by itself
      const release = async (): Promise<void> =>
        void (await releaseOnce()
          .catch(releaseOnce)
          .catch(() => {}));
      const answer = await send('SET', ['SET', name, owner, 'NX', 'PX', String(Math.ceil(ttlSeconds * 1000))], () => void release());
      return answer === 'OK' ? { release } : undefined;
    },
    async warm() {
      const endsAtMs = performance.now() + timeoutMs * 2;
      for (;;) {
        try {
          await read('probe');
          return;
        } catch (error) {
          if (link.isClosed || performance.now() > endsAtMs) throw error;
          // the timer also keeps the process alive for the caller
          await sleep(WARM_LOOK_MS);
        }
      }
    },
    health: () => ({ usable: link.isUsable, entries: undefined, lastError: link.lastError }),
    close: () => link.close(),
  } satisfies SessionStore);
}

function replaceAnswerOf(answer: Reply): ReplaceAnswer {
  return answer === 'replaced' || answer === 'changed' ? answer : 'absent';
}
