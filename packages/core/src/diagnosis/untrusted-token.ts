import { isAccessTokenType } from '../access-token/claims.js';
import { otherTokenClaim, registeredClaims } from '../access-token/registered-claims.js';
import { isJweShape } from '../jose/compact-jws.js';
import { own, parseStrictObject, type JsonObject } from '../lib/json.js';
import { decodeBase64url } from '../lib/base64url.js';

/** What a token says about itself. Nobody has verified it: anybody can write such a token. */
export interface UntrustedToken {
  /** `signed`: a JWT with three segments, though the last one may be empty. `unreadable`: it looks like a JWT, and is not one. */
  readonly form: 'signed' | 'encrypted' | 'opaque' | 'unreadable';
  /** The header of a signed or encrypted token. */
  readonly header: JsonObject | undefined;
  /** The claims of a signed token. */
  readonly claims: JsonObject | undefined;
  /** What shows that it is another kind of token than an access token: `typ` for its header's member, else the name of a claim. */
  readonly otherKind: { readonly where: 'header' | 'claim'; readonly name: string } | undefined;
}

/** Reads a token without verifying it, for people who look for a mistake. Never base a decision on the result. */
export function readUntrusted(token: string): UntrustedToken {
  const [header64 = '', payload64 = ''] = token.split('.', 2);
  const header = objectIn(header64);
  if (isJweShape(token)) return { form: header ? 'encrypted' : 'unreadable', header, claims: undefined, otherKind: undefined };
  if (token.split('.', 4).length !== 3) return { form: 'opaque', header: undefined, claims: undefined, otherKind: undefined };
  const claims = objectIn(payload64);
  return { form: header && claims ? 'signed' : 'unreadable', header, claims, otherKind: header && claims && otherKindOf(header, claims) };
}

function otherKindOf(header: JsonObject, claims: JsonObject): UntrustedToken['otherKind'] {
  const typ = own(header, 'typ') ?? undefined;
  if (typ !== undefined && (typeof typ !== 'string' || !isAccessTokenType(typ, undefined))) return { where: 'header', name: 'typ' };
  const name = otherTokenClaim(registeredClaims(claims), typ);
  return name === undefined ? undefined : { where: 'claim', name };
}

function objectIn(text: string): JsonObject | undefined {
  const bytes = text === '' ? undefined : decodeBase64url(text);
  return bytes && parseStrictObject(bytes);
}
