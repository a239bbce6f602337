import type { RefreshLease } from '@tokenward/core/store';
import type { SessionState } from '../session-state.js';
import type { ElsewhereRefreshed, RefreshSharing } from './refresh-sharing.js';

/** What makes a refresh needless or impossible. */
export type NoTurn =
  | { readonly kind: 'unavailable'; readonly reason: 'store_unavailable' | 'tokens_too_large' | 'lease_taken'; readonly cause: string }
  | Exclude<ElsewhereRefreshed, { readonly kind: 'unchanged' }>;

export interface MyTurn {
  readonly kind: 'mine';
  readonly release: () => Promise<void>;
}

/** The right to refresh, or why this process does not have it. `taken`: another process has it, and has no result yet. */
export type Turn = MyTurn | { readonly kind: 'taken' } | NoTurn;

const FIRST_LOOK_MS = 25;
const MAX_BETWEEN_LOOKS_MS = 200;
const TAKEN = { kind: 'taken' } as const;
const ALONE: Turn = { kind: 'mine', release: async () => {} };

/**
 * Takes the right to refresh a session, if no other process has it or has refreshed the session.
 *
 * @param sharing undefined if this process shares nothing
 * @throws SessionStoreError (the promise rejects) if the store cannot be reached
 */
export async function takeTurn(sharing: RefreshSharing | undefined, state: SessionState, cookieHeader: string | undefined): Promise<Turn> {
  if (!sharing) return ALONE;
  const lease = await sharing.lease(state);
  // after the lease, too: the last one who had it may have just finished
  const elsewhere = await look(sharing, state, cookieHeader, lease);
  if (elsewhere.kind !== 'unchanged') return elsewhere;
  return lease ? { kind: 'mine', release: () => released(lease) } : TAKEN;
}

/**
 * Waits while another process has the right to refresh a session, and watches for its result. Takes the right if it ends without a result.
 *
 * @param take as {@link takeTurn}
 * @param untilMs by `performance.now()`
 */
export async function whileTaken(take: () => Promise<Turn>, untilMs: number): Promise<Exclude<Turn, typeof TAKEN>> {
  for (let betweenLooksMs = FIRST_LOOK_MS; performance.now() < untilMs; betweenLooksMs = Math.min(2 * betweenLooksMs, MAX_BETWEEN_LOOKS_MS)) {
    await pause(betweenLooksMs);
    const turn = await take();
    if (turn.kind !== 'taken') return turn;
  }
  return { kind: 'unavailable', reason: 'lease_taken', cause: 'another process has been refreshing the session for too long' };
}

/** Finds out what others did, and gives the lease back unless it is needed. */
async function look(
  sharing: RefreshSharing,
  state: SessionState,
  cookieHeader: string | undefined,
  lease: RefreshLease | undefined,
): Promise<ElsewhereRefreshed> {
  let elsewhere: ElsewhereRefreshed | undefined;
  try {
    elsewhere = await sharing.look(state, cookieHeader);
    return elsewhere;
  } finally {
    if (lease && elsewhere?.kind !== 'unchanged') await released(lease);
  }
}

/** A lease that cannot be given back ends by itself. */
async function released(lease: RefreshLease): Promise<void> {
  try {
    await lease.release();
  } catch {
    // its time-out releases it
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds).unref());
}
