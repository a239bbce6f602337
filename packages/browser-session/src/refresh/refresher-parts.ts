import type { SessionConfig } from '../config.js';
import type { LoginClient } from '../oidc/login-client.js';
import type { RouteContext } from '../routes/route-context.js';
import type { Sessions } from '../sessions.js';

/** What the parts of the refresher work with. */
export interface RefresherParts extends Pick<RouteContext, 'publish' | 'warn'> {
  readonly config: SessionConfig;
  readonly client: Pick<LoginClient, 'refresh' | 'revoke'>;
  readonly sessions: Sessions;
}
