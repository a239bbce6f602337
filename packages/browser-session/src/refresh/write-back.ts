import type { SessionConfig } from '../config.js';
import type { SessionState } from '../session-state.js';
import type { Sessions } from '../sessions.js';

/**
 * Writes a session back to a store that has lost its last change, such as one that failed over to an older copy. Another process would use the old refresh token
 * a second time, and the issuer would end the session. A store that has the change, or a newer one, keeps it.
 */
export type WriteBack = (lost: SessionState, newest: SessionState) => void;

/** Without a store an older state is an ordinary cookie from before, and there is nothing to write. */
export function createWriteBack({ store }: Pick<SessionConfig, 'store'>, sessions: Pick<Sessions, 'replace'>): WriteBack {
  const writing = new Set<string>();
  return (lost, newest) => {
    const { id } = newest;
    if (!store || writing.has(id)) return;
    writing.add(id);
    // if it fails, the next request tries again
    const done = (): void => void writing.delete(id);
    void sessions.replace(lost, newest).then(done, done);
  };
}
