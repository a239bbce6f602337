import type { RevocableToken, RevocationRecord, RevocationStore } from '@tokenward/core/store';

/** An empty store. */
export interface OpenedStore {
  readonly store: RevocationStore;
  /** Opens the store again, as another process would. Leave it out if the store cannot be shared. It is closed with the first. */
  readonly openAnother?: (() => Promise<RevocationStore>) | undefined;
  close(): Promise<void>;
}

export type OpenStore = () => Promise<OpenedStore>;

/** One behaviour that every store must show. */
export interface StoreCase {
  readonly name: string;
  run(opened: OpenedStore): Promise<void>;
}

const ISSUER = 'https://login.example.test';

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Returns a revocation of a session, as of now. */
export function record(wanted: Partial<RevocationRecord> = {}): RevocationRecord {
  const now = nowSeconds();
  return { kind: 'session', issuer: ISSUER, value: 'session-1', issuedUntil: now, until: now + 3600, isFinal: false, reason: 'logout', ...wanted };
}

/** Returns a token of the session that {@link record} revokes, issued before the revocation. */
export function tokenOf(wanted: Partial<RevocableToken> = {}): RevocableToken {
  return {
    issuer: ISSUER,
    tokenId: 'token-1',
    sessionId: 'session-1',
    subject: 'subject-1',
    clientId: 'client-1',
    issuedAt: nowSeconds() - 60,
    ...wanted,
  };
}

/** Waits until a condition is true, and fails after a timeout. */
export async function eventually(holds: () => boolean, what: string, withinMs = 5000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
