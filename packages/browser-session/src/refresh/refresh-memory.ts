import { createLruMap, type LruMap } from '@tokenward/core/store';
import type { SessionConfig } from '../config.js';
import type { SessionState } from '../session-state.js';
import { createPauses, type Pauses } from './pauses.js';
import { createRecentRefreshes, type RecentRefreshes } from './recent-refreshes.js';

/** A refresh that the issuer answered, but that could not be saved in the store. */
export interface Unsaved {
  readonly version: number;
  readonly next: SessionState;
  readonly release: () => Promise<void>;
}

/** What one process remembers of its refreshes. All of it is bounded. */
export interface RefreshMemory {
  readonly recent: RecentRefreshes;
  readonly unsaved: LruMap<Unsaved>;
  readonly pauses: Pauses;
  /** Forgets a session that has ended. */
  forget(id: string): void;
}

const MAX_UNSAVED = 1000;

export function createRefreshMemory({ clock }: Pick<SessionConfig, 'clock'>): RefreshMemory {
  const recent = createRecentRefreshes(clock);
  const unsaved = createLruMap<Unsaved>(MAX_UNSAVED);
  const pauses = createPauses(clock);
  return {
    recent,
    unsaved,
    pauses,
    forget(id) {
      recent.delete(id);
      unsaved.delete(id);
      pauses.delete(id);
    },
  };
}
