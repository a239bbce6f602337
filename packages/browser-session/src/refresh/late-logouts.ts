import type { SessionConfig } from '../config.js';
import type { SessionState } from '../session-state.js';
import { createSoon } from '../soon.js';

/**
 * Sessions in cookies that this process has refreshed a moment ago. A logout in another process may be on its way meanwhile: that process does not know the new
 * refresh token, so it is revoked here when this process learns of the logout. A process that refreshes more than 1,000 sessions in 10 seconds watches the latest
 * ones. A logout ends the others all the same, but their newest refresh token stays valid at the issuer.
 */
export interface LateLogouts {
  add(state: SessionState): void;
  /** The session ends in this process, which revokes its newest refresh token itself. */
  delete(id: string): void;
}

/** A revocation reaches all processes sooner. */
const WATCHED_MS = 10_000;
/** Each burst of revocations compares all of them, which takes about a millisecond. */
const MAX_WATCHED = 1000;

/**
 * @param isLoggedOut also true if the session ended elsewhere in another way. False if a login replaced it
 * @param onLogout gets the newest state of such a session
 */
export function createLateLogouts(
  { revocations }: Pick<SessionConfig, 'revocations'>,
  isLoggedOut: (state: SessionState) => boolean,
  onLogout: (state: SessionState) => void,
): LateLogouts {
  /** The newest states, in the order in which they were added. */
  const watched = new Map<string, SessionState>();
  let stop: (() => void) | undefined;
  // revocations often come in bursts
  const soon = createSoon(look);

  function look(): void {
    for (const state of watched.values()) {
      if (!isLoggedOut(state)) continue;
      forget(state.id);
      onLogout(state);
    }
  }

  function forget(id: string): void {
    watched.delete(id);
    if (watched.size > 0) return;
    stop?.();
    soon.cancel();
    stop = undefined;
  }

  return {
    add(state) {
      watched.delete(state.id);
      if (watched.size >= MAX_WATCHED) watched.delete(watched.keys().next().value!);
      watched.set(state.id, state);
      stop ??= revocations.onAdded(soon.ask);
      setTimeout(() => watched.get(state.id) === state && forget(state.id), WATCHED_MS).unref();
    },
    delete: forget,
  };
}
