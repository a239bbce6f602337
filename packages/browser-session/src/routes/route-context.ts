import type { SessionConfig } from '../config.js';
import type { Sealer } from '../cookies/sealer.js';
import type { LoginClient } from '../oidc/login-client.js';
import type { SessionEventAction, SessionEventOutcome, SessionEventReason } from '../session-events.js';
import type { Sessions } from '../sessions.js';
import type { Warn } from '../warnings.js';

/** What every route needs. */
export interface RouteContext {
  readonly config: SessionConfig;
  readonly client: LoginClient;
  readonly sessions: Sessions;
  /** Seals the cookies of login attempts: `createSealer(config.secrets, 'login', LOGIN_COOKIE)`. */
  readonly loginSealer: Sealer;
  /** Publishes an event `tokenward:session`. */
  readonly publish: (action: SessionEventAction, outcome: SessionEventOutcome, reason?: SessionEventReason) => void;
  readonly warn: Warn;
}
