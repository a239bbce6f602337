import type { IssuerFailure } from '../oidc/login-client.js';
import type { RouteContext } from '../routes/route-context.js';
import type { SessionEventAction, SessionEventReason } from '../session-events.js';

/**
 * Revokes the refresh token of a session that has ended (RFC 7009). Returns whether it is revoked. If the issuer is down, the failure is published. The
 * session has ended in any case.
 */
export async function revokeRefreshToken(
  refreshToken: string | undefined,
  action: SessionEventAction,
  { client, publish }: { readonly client: Pick<RouteContext['client'], 'revoke'>; readonly publish: RouteContext['publish'] },
): Promise<boolean> {
  const failure = refreshToken === undefined ? undefined : await client.revoke(refreshToken);
  if (!failure) return true;
  publish(action, 'failed', reasonOf(failure));
  return false;
}

function reasonOf({ failure }: IssuerFailure): SessionEventReason {
  if (failure === 'unavailable') return 'issuer_unavailable';
  return failure === 'refused' ? 'issuer_refused' : 'invalid_response';
}
