import type { IntrospectingIssuer } from '../issuer/issuer.js';
import { isJweShape } from '../jose/compact-jws.js';
import { isToken68 } from '../request/credentials.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { isFailure, type VerificationFailure } from '../issuer/verification-failure.js';
import { throwRejections } from '../lib/rejections.js';
import { IssuerRequestError } from '../net/issuer-request-error.js';
import { returnsTrue } from '../lib/thenable.js';
import { createIntrospector, type IntrospectionHealth, type Introspector, type IntrospectorContext } from './introspector.js';
import type { TokenVerifier } from './verifier.js';

/** The introspection of a guard: a verifier of opaque tokens, and the state of its endpoints. */
export interface Introspection extends TokenVerifier {
  /** The introspector of an issuer. */
  of(issuer: object): Introspector | undefined;
  /** Finds the endpoints. @throws IssuerRequestError if one of them cannot be found */
  warm(): Promise<void>;
  health(): readonly IntrospectionHealth[];
  close(): void;
}

/** @returns undefined if no issuer has introspection */
export function createIntrospection(issuers: readonly IntrospectingIssuer[], context: IntrospectorContext): Introspection | undefined {
  if (issuers.length === 0) return undefined;
  const introspectors = new Map<object, Introspector>(issuers.map((issuer) => [issuer, createIntrospector(issuer, context)]));
  const all = [...introspectors.values()];
  return {
    verify({ token }, request, nowSeconds) {
      if (!isToken68(token)) return { reason: 'malformed_credentials', cause: 'the token contains characters that no token may have' };
      const issuer = issuerOf(token, request, issuers);
      return isFailure(issuer) ? issuer : introspectors.get(issuer)!.introspect(token, nowSeconds);
    },
    of: (issuer) => introspectors.get(issuer),
    async warm() {
      throwRejections(await Promise.allSettled(all.map((one) => one.warm())), [IssuerRequestError]);
    },
    health: () => all.map((one) => one.health()),
    close() {
      for (const one of all) one.close();
    },
  };
}

/** Returns the issuer that an opaque token belongs to. No other server may see it, so a token that two issuers accept is refused. */
function issuerOf(token: string, request: ProtectedRequest, issuers: readonly IntrospectingIssuer[]): IntrospectingIssuer | VerificationFailure {
  let found: IntrospectingIssuer | undefined;
  for (const issuer of issuers) {
    if (!accepts(issuer, token, request)) continue;
    if (found) return { reason: 'malformed_token', cause: 'it is opaque, and introspection.accepts of several issuers accepts it' };
    found = issuer;
  }
  return found ?? { reason: 'malformed_token', cause: 'it is opaque, and introspection.accepts of no issuer accepts it' };
}

function accepts({ introspection }: IntrospectingIssuer, token: string, request: ProtectedRequest): boolean {
  const { accepts: isAccepted } = introspection;
  return !isAccepted || returnsTrue(() => isAccepted(token, request));
}

/**
 * Combines the verifier of JWTs with introspection. Only the form of a token decides, so a JWT that was refused is never introspected (rule 79).
 *
 * @param decrypts whether encrypted JWTs count as JWTs. If not, only their issuer can read them, as it can opaque tokens
 */
export function createTokenVerifier(jwts: TokenVerifier, introspection: Introspection | undefined, decrypts: boolean): TokenVerifier {
  if (!introspection) return jwts;
  return {
    verify(credentials, request, nowSeconds) {
      return (isJwtShaped(credentials.token, decrypts) ? jwts : introspection).verify(credentials, request, nowSeconds);
    },
  };
}

const THREE_SEGMENTS = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** The second segment is empty if the key is not encrypted (RFC 7516 s7.1). */
const FIVE_SEGMENTS = /^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * Whether a token has the form of a JWT: three segments of base64url. Three segments with other characters count, too, if they begin like the header of a JWT: a
 * JWT with padding is not an opaque token.
 */
function isJwtShaped(token: string, decrypts: boolean): boolean {
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  if (first < 0 || second < 0) return false;
  if (token.includes('.', second + 1)) return decrypts && isJweShape(token) && (token.startsWith('ey') || FIVE_SEGMENTS.test(token));
  return token.startsWith('ey') || THREE_SEGMENTS.test(token);
}
