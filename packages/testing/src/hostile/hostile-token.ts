import type { Reason } from '@tokenward/core';
import { base64url, compactJws, type SegmentContent } from '../compact-jws.js';
import type { TestIssuer } from '../issuer.js';
import { signBytes, type SigningKey } from '../signing-key.js';

/** A token that looks like one of the issuer's, and that no guard may accept. */
export interface HostileToken {
  /** The number of the rule that it breaks. */
  readonly rule: number;
  /** What is wrong with it. */
  readonly name: string;
  readonly token: string;
  /** The answer that it must get as a Bearer token: 400 where its very characters are wrong, else 401. */
  readonly status: 400 | 401;
  /** What operators must be told, so that it is refused for what is wrong with it and not by accident. */
  readonly reason: Reason;
}

/** What the rows of the table are made with: a good token's parts, to be spoilt one at a time. */
export interface Forge {
  readonly issuer: TestIssuer;
  readonly key: SigningKey;
  /** The claims of a good token, with some replaced; `undefined` leaves one out. */
  claims(changes?: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** The header of a good token, with some members replaced; `undefined` leaves one out. */
  header(changes?: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** Signs whatever header and payload, by default those of a good token, with the issuer's own key or with a signer of the row's. */
  token(parts: TokenParts): string;
}

export interface TokenParts {
  /** An object becomes JSON; text and bytes are taken as they are. */
  readonly header?: object | SegmentContent;
  readonly payload?: object | SegmentContent;
  /** The segments themselves, where their encoding is what is wrong. */
  readonly header64?: string;
  readonly payload64?: string;
  readonly sign?: (signed: Uint8Array) => Uint8Array;
}

export async function createForge(issuer: TestIssuer): Promise<Forge> {
  // one algorithm for all, so that the rows do not change with the issuer's own
  const key = await issuer.signingKey('RS256');
  const now = Math.floor(Date.now() / 1000);

  function claims(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    const good = { iss: issuer.issuer, aud: issuer.audience, sub: 'user-1', client_id: 'client-1', jti: 'jti-1', iat: now, exp: now + 300 };
    return { ...good, scope: 'orders:read orders:write', roles: ['admin'], ...changes };
  }

  function header(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    return { alg: key.algorithm, typ: 'at+jwt', kid: key.kid, ...changes };
  }

  function token(parts: TokenParts): string {
    const sign = parts.sign ?? ((signed: Uint8Array) => signBytes(key.algorithm, key.privateKey, signed));
    return compactJws(parts.header64 ?? segment(parts.header ?? header()), parts.payload64 ?? segment(parts.payload ?? claims()), sign);
  }

  return { issuer, key, claims, header, token };
}

export function segment(content: object | SegmentContent): string {
  return base64url(typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content));
}

export function row(rule: number, name: string, reason: Reason, token: string): HostileToken {
  return { rule, name, token, reason, status: reason === 'malformed_credentials' || reason === 'multiple_credentials' ? 400 : 401 };
}
