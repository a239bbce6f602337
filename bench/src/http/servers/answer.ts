import { randomUUID } from 'node:crypto';
import { accessTokenClaims } from '../../claims.ts';

/** The answer of `GET /me`, as in the examples. */
export interface Answer {
  readonly subject: unknown;
  readonly issuer: unknown;
  readonly clientId: unknown;
  readonly scopes: readonly string[];
  readonly roles: unknown;
}

/** Makes the answer from a token's claims. */
export function answerFrom({ sub, iss, client_id: clientId = null, scope, roles }: Readonly<Record<string, unknown>>): Answer {
  return { subject: sub, issuer: iss, clientId, scopes: String(scope).split(' '), roles };
}

/** Makes an answer of the same length, for a server that reads no token. */
export function ownAnswer(issuer: string): Answer {
  return answerFrom({ ...accessTokenClaims(issuer), sub: `user-${randomUUID()}` });
}
