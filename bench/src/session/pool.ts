import { randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import { createBrowserSession, type BrowserSession } from '@tokenward/browser-session';
import { memorySessions } from '@tokenward/core';
import { START_TEST_SESSION, type SessionStore, type StoredSession, type TestSessionTokens } from '@tokenward/core/store';
import type { TestIssuer } from '@tokenward/testing';
import { accessTokenClaims } from '../claims.ts';
import { CLIENT_ID, sessionOptions } from './settings.ts';

/** One user who is logged in, in every way that is measured. */
export interface PooledSession {
  readonly accessToken: string;
  /** The value of the `Cookie` header for a session in encrypted cookies. */
  readonly sealedCookie: string;
  /** The same for a session in a store. */
  readonly storedCookie: string;
}

export interface SessionPool {
  readonly sessions: readonly PooledSession[];
  /** What a store must contain. */
  readonly stored: readonly StoredSession[];
}

/** Creates sessions as a login would, with an access token, an ID token and a refresh token of ordinary size. */
export async function createSessionPool(issuer: TestIssuer, size: number): Promise<SessionPool> {
  const stored: StoredSession[] = [];
  const sealedIn = createBrowserSession(sessionOptions(issuer.issuer));
  const storedIn = createBrowserSession({ ...sessionOptions(issuer.issuer), store: recordingStore(stored) });
  try {
    const sessions: PooledSession[] = [];
    while (sessions.length < size) {
      const tokens = await issueTokens(issuer);
      const [sealedCookie, storedCookie] = await Promise.all([cookieOf(sealedIn, tokens), cookieOf(storedIn, tokens)]);
      sessions.push({ accessToken: tokens.accessToken, sealedCookie, storedCookie });
    }
    return { sessions, stored };
  } finally {
    await Promise.all([sealedIn.close(), storedIn.close()]);
  }
}

/** Issues what a login brings. The refresh token is random, like those of most issuers. */
export async function issueTokens(issuer: TestIssuer, claims = accessTokenClaims(issuer.issuer)): Promise<TestSessionTokens> {
  const accessToken = await issuer.issueToken({ claims });
  const { sub, sid, iat, exp, auth_time } = claims;
  const idToken = await issuer.issueToken({
    audience: CLIENT_ID,
    header: { typ: 'JWT' },
    claims: {
      sub,
      sid,
      iat,
      exp,
      auth_time,
      nonce: randomBytes(32).toString('base64url'),
      at_hash: randomBytes(16).toString('base64url'),
      client_id: undefined,
    },
  });
  return {
    subject: sub as string,
    accessToken,
    accessTokenEndsAt: exp as number,
    scopes: String(decodeJwt(accessToken)['scope']).split(' '),
    issuedAt: iat as number,
    refreshToken: randomBytes(32).toString('base64url'),
    idToken,
    issuerSessionId: sid as string,
  };
}

/** Starts a session, and returns the `Cookie` header with which a browser comes back. */
export async function cookieOf(session: BrowserSession, tokens: TestSessionTokens): Promise<string> {
  const pairs = (await session[START_TEST_SESSION](tokens)).map((line) => line.split(';', 1)[0]!);
  // lines that delete a chunk have no value
  return pairs.filter((pair) => !pair.endsWith('=')).join('; ');
}

function recordingStore(stored: StoredSession[]): SessionStore {
  return { ...memorySessions(), create: (session) => void stored.push(session) };
}
