import type { SessionConfig } from '../config.js';
import type { Sessions } from '../sessions.js';
import { createSealedSessions } from './sealed-sessions.js';
import { createStoredSessions } from './stored-sessions.js';

/** Creates the sessions of an app: in its store, or without a store in encrypted cookies. */
export function createSessions(config: SessionConfig): Sessions {
  return config.store ? createStoredSessions(config, config.store) : createSealedSessions(config);
}
