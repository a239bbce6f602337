import type { RefreshLease } from '@tokenward/core/store';
import type { SessionState } from '../session-state.js';
import type { ElsewhereRefreshed, RefreshSharing } from './refresh-sharing.js';

/** The right to refresh, or what makes a refresh needless or impossible. */
export type Turn =
  | { readonly kind: 'mine'; readonly release: () => Promise<void> }
  | { readonly kind: 'unavailable'; readonly cause: string }
  | Exclude<ElsewhereRefreshed, { readonly kind: 'unchanged' }>;

const FIRST_LOOK_MS = 25;
const MAX_BETWEEN_LOOKS_MS = 200;
const ALONE: Turn = { kind: 'mine', release: async () => {} };

/**
 * Waits for the right to refresh a session. Whoever does not get the lease watches for the result of the process that has it.
 *
 * @param sharing undefined if this process shares nothing
 * @throws SessionStoreError (the promise rejects) if the store cannot be reached
 */
export async function takeTurn(
  sharing: RefreshSharing | undefined,
  state: SessionState,
  cookieHeader: string | undefined,
  timeoutSeconds: number,
): Promise<Turn> {
  if (!sharing) return ALONE;
  const deadline = performance.now() + timeoutSeconds * 1000;
  for (let betweenLooksMs = FIRST_LOOK_MS; ; betweenLooksMs = Math.min(2 * betweenLooksMs, MAX_BETWEEN_LOOKS_MS)) {
    const lease = await sharing.lease(state);
    // after the lease, too: the last one who had it may have just finished
    const elsewhere = await look(sharing, state, cookieHeader, lease);
    if (elsewhere.kind !== 'unchanged') return elsewhere;
    if (lease) return { kind: 'mine', release: () => released(lease) };
    if (performance.now() >= deadline) return { kind: 'unavailable', cause: 'another process has been refreshing the session for too long' };
    await pause(betweenLooksMs);
  }
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
