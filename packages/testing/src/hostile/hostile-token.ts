import type { Reason } from '@tokenward/core';
import { base64url, compactJws, type SegmentContent } from '../compact-jws.js';
import type { TestIssuer } from '../issuer.js';
import { signBytes, type SigningKey } from '../signing-key.js';

/** A token that looks like a token of the issuer, and that no guard may accept. */
export interface HostileToken {
  /** The number of the rule that refuses it. */
  readonly rule: number;
  /** What the token is, after "refuses": `a token without exp`. */
  readonly name: string;
  readonly token: string;
  /** The status of the answer: 400 if it contains characters that no token may contain, else 401. */
  readonly status: 400 | 401;
  /** The reason that operators must see. It shows that the token is refused for the right reason. */
  readonly reason: Reason;
}

/** The issuer that signs hostile tokens: a {@link TestIssuer}, or what has these parts of one. */
export type HostileIssuer = Pick<TestIssuer, 'issuer' | 'audience' | 'signingKey' | 'publishKey'>;

export interface HostileTokenOptions {
  /** Claims of the good token that each row spoils, to add or replace, such as the scope that a route requires. Default: two scopes and the role `admin`. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

/** The parts of a good token. Each row of the table spoils one of them. */
export interface Forge {
  readonly issuer: HostileIssuer;
  readonly key: SigningKey;
  /** The claims of a good token, with some replaced; `undefined` leaves one out. */
  claims(changes?: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** The header of a good token, with some members replaced; `undefined` leaves one out. */
  header(changes?: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** Signs any header and payload, by default those of a good token, with the issuer's key or with the row's own signer. */
  token(parts: TokenParts): string;
}

export interface TokenParts {
  /** An object becomes JSON. Text and bytes are used as they are. */
  readonly header?: object | SegmentContent;
  readonly payload?: object | SegmentContent;
  /** The encoded segments, for rows whose encoding is wrong. */
  readonly header64?: string;
  readonly payload64?: string;
  readonly sign?: (signed: Uint8Array) => Uint8Array;
}

export async function createForge(issuer: HostileIssuer, { claims: own }: HostileTokenOptions = {}): Promise<Forge> {
  // one algorithm for all rows, whatever the algorithm of the issuer
  const key = await issuer.signingKey('RS256');
  const now = Math.floor(Date.now() / 1000);

  function claims(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    const good = { iss: issuer.issuer, aud: issuer.audience, sub: 'user-1', client_id: 'client-1', jti: 'jti-1', iat: now, exp: now + 300 };
    return { ...good, scope: 'orders:read orders:write', roles: ['admin'], ...own, ...changes };
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
