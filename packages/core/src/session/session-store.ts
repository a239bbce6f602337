import { TokenwardError } from '../lib/tokenward-error.js';

/** A session as stores keep it. Nothing in it lets a reader of the store act as the user. */
export interface StoredSession {
  /** The SHA-256 hash of the session's id, in base64url. */
  readonly key: string;
  /** The encrypted state. */
  readonly sealed: string;
  /** Grows with each change. */
  readonly version: number;
  /** When it may be removed, in seconds since the epoch. */
  readonly until: number;
  /** When its login was, by the issuer's clock, in seconds since the epoch. It never changes. */
  readonly issuedAt: number;
  /** Hashed names of the session at its issuer, by which a logout finds it: at most 8. They never change. */
  readonly labels: readonly string[];
}

/** The right to refresh one session. It ends by itself, so that a process that dies does not keep it. */
export interface RefreshLease {
  /** Gives the right back. It does nothing if the lease has ended. */
  release(): void | Promise<void>;
}

/**
 * Keeps browser sessions: for this process alone, or shared by a fleet. `@tokenward/testing/store-suite` tests an implementation. Every method may reject
 * with a {@link SessionStoreError} if the store cannot be reached. A browser session waits 3 seconds for a call, except for `warm` and `close`. After that, the store
 * counts as unreachable.
 */
export interface SessionStore {
  /** Adds a session. Its key is new. */
  create(session: StoredSession): void | Promise<void>;
  /** Returns a session; undefined if there is none, or if its `until` has passed. */
  read(key: string): StoredSession | undefined | Promise<StoredSession | undefined>;
  /**
   * Replaces a session in one atomic step, if it is there and still has the version `replaces`. It never adds one: a session that ended meanwhile stays ended.
   */
  replace(session: StoredSession, replaces: number): ReplaceAnswer | Promise<ReplaceAnswer>;
  /**
   * Removes a session, and returns it as it was, in one atomic step. So a `replace` either came before, and the result contains its change, or finds the session
   * absent: the caller never misses the newest refresh token. Returns undefined if there was no session.
   */
  remove(key: string): StoredSession | undefined | Promise<StoredSession | undefined>;
  /**
   * Removes all sessions with a label. Returns them as they were then, so that their refresh tokens can be revoked. Of very many, it may return only some, to limit
   * the length of the answer.
   *
   * @param issuedUntil removes only those with an `issuedAt` up to this: a logout that arrives late ends no session that began after it
   */
  removeLabelled(label: string, issuedUntil?: number): readonly StoredSession[] | Promise<readonly StoredSession[]>;
  /**
   * Takes the right to refresh a session, which only one process has at a time.
   *
   * @param ttlSeconds after which the right ends by itself: greater than 0, and at most a day
   * @returns undefined if another process has it
   */
  lease(key: string, ttlSeconds: number): RefreshLease | undefined | Promise<RefreshLease | undefined>;
  /** Resolves when the store can be reached. @throws SessionStoreError (the promise rejects) if it cannot; it keeps retrying */
  warm(): Promise<void>;
  health(): SessionStoreHealth;
  /** Closes the store. A session does not close a store that was given to it. */
  close(): void | Promise<void>;
}

/** `changed`: it is there, with another version. `absent`: it has ended. */
export type ReplaceAnswer = 'replaced' | 'changed' | 'absent';

/** The state of a store. It contains no name and no secret. */
export interface SessionStoreHealth {
  /** Whether the last command succeeded, and the store is connected as far as it knows. */
  readonly usable: boolean;
  /** The number of sessions, if the store knows it without asking. */
  readonly entries: number | undefined;
  readonly lastError: string | undefined;
}

/** A store of sessions cannot be reached, or does not confirm a change. */
export class SessionStoreError extends TokenwardError {
  override readonly name = 'SessionStoreError';
  readonly code = 'TOKENWARD_SESSION_STORE';
}
