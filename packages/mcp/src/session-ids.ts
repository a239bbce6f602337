import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Auth } from '@tokenward/core';
import { misuse } from '@tokenward/core/adapter';

export interface SessionIdsOptions {
  /** At least 32 bytes, the same for all processes that serve a session. Default: a random one, as sessions usually live in one process. */
  readonly secret?: Uint8Array | undefined;
}

/** Session ids that show their owner. */
export interface SessionIds {
  /**
   * Returns a new session id for a caller, for the SDK's `sessionIdGenerator`.
   *
   * @throws ConfigurationError if the token names neither a subject nor a client
   */
  create(auth: Auth<object>): string;
  /** Returns whether a session id was created for this caller: the same issuer, subject and client. Never throws, whatever the id is. */
  belongsTo(sessionId: unknown, auth: Auth<object>): boolean;
}

const RANDOM_BYTES = 18;
const MAC_BYTES = 24;
const ID = /^[\w-]{24}[\w-]{32}$/;

/**
 * Creates session ids that are bound to their user: another user who gets hold of one cannot use it (MCP security best practices: session
 * hijacking, and since revision 2026-07-28 state handle hijacking). An id carries a keyed digest of its owner, so nothing needs to be stored.
 *
 * @throws ConfigurationError if the secret is too short
 *
 * @example
 * const sessions = createSessionIds();
 * const transport = new NodeStreamableHTTPServerTransport({ sessionIdGenerator: () => sessions.create(auth) });
 * if (!sessions.belongsTo(req.headers['mcp-session-id'], auth)) return res.status(404).end();
 */
export function createSessionIds({ secret = randomBytes(32) }: SessionIdsOptions = {}): SessionIds {
  if (!(secret instanceof Uint8Array) || secret.length < 32)
    throw misuse('createSessionIds({ secret })', 'must be at least 32 bytes, for example randomBytes(32)');
  const key = Uint8Array.from(secret);

  function macOf(random: string, { issuer, subject, clientId }: Auth<object>): Buffer {
    // JSON keeps the members apart, and null from ""
    const owner = JSON.stringify(['tokenward.mcp-session', random, issuer, subject ?? null, clientId ?? null]);
    return createHmac('sha256', key).update(owner).digest().subarray(0, MAC_BYTES);
  }

  return {
    create(auth) {
      if (auth.subject === undefined && auth.clientId === undefined) {
        throw misuse('sessions.create(auth)', 'the token names neither a subject nor a client, so a session cannot belong to anybody. Require one of them');
      }
      const random = randomBytes(RANDOM_BYTES).toString('base64url');
      return random + macOf(random, auth).toString('base64url');
    },
    belongsTo(sessionId, auth) {
      if (typeof sessionId !== 'string' || !ID.test(sessionId)) return false;
      const mac = Buffer.from(sessionId.slice(24), 'base64url');
      return timingSafeEqual(mac, macOf(sessionId.slice(0, 24), auth));
    },
  };
}
