import { randomUUID } from 'node:crypto';
import { accessTokenClaims } from '../../claims.ts';

/** What `GET /me` says: as in the examples. */
export interface Answer {
  readonly subject: unknown;
  readonly issuer: unknown;
  readonly clientId: unknown;
  readonly scopes: readonly string[];
  readonly roles: unknown;
}

/** The answer from a token's claims, for those that hand out nothing else. */
export function answerFrom({ sub, iss, client_id: clientId = null, scope, roles }: Readonly<Record<string, unknown>>): Answer {
  return { subject: sub, issuer: iss, clientId, scopes: String(scope).split(' '), roles };
}

/** An answer of the same length from a server that looks at no token. */
export function ownAnswer(issuer: string): Answer {
  return answerFrom({ ...accessTokenClaims(issuer), sub: `user-${randomUUID()}` });
}
