import { createHash, randomBytes } from 'node:crypto';
import type { SessionStore, StoredSession } from '@tokenward/core/store';
import { nowSeconds } from './store-case.js';

/** An empty store of browser sessions. */
export interface OpenedSessionStore {
  readonly store: SessionStore;
  /** Opens the store again, as another process would. Leave it out if the store cannot be shared. It is closed with the first. */
  readonly openAnother?: (() => Promise<SessionStore>) | undefined;
  close(): Promise<void>;
}

export type OpenSessionStore = () => Promise<OpenedSessionStore>;

/** One behaviour that every store of sessions must show. */
export interface SessionStoreCase {
  readonly name: string;
  run(opened: OpenedSessionStore): Promise<void>;
}

/** Returns a session that has just begun. Its key is new. */
export function storedSession(wanted: Partial<StoredSession> = {}): StoredSession {
  const labels = [hashOf('sid-1'), hashOf('sub-1')];
  return { key: hashOf(randomBytes(32)), sealed: 'sealed-1', version: 1, until: nowSeconds() + 3600, issuedAt: nowSeconds() - 1, labels, ...wanted };
}

export function hashOf(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('base64url');
}
