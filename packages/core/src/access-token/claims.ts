import { VerifiedAuth, type Auth } from '../auth.js';
import type { Reason } from '../denial.js';
import type { JsonObject } from './json.js';

/** The claims of an access token: RFC 7519 s4.1, RFC 9068 s2.2, and whatever else the issuer adds. */
export interface Claims {
  readonly iss: string;
  readonly aud?: string | readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly nbf?: number;
  readonly sub?: string;
  readonly client_id?: string;
  readonly azp?: string;
  readonly jti?: string;
  readonly sid?: string;
  readonly scope?: string;
  readonly scp?: string | readonly string[];
  readonly acr?: string;
  readonly auth_time?: number;
  readonly [name: string]: unknown;
}

/** What tokens are held against: the part of a guard's configuration that is about claims. */
export interface ClaimRules {
  readonly issuer: string;
  /** undefined: any, since the options said so. */
  readonly audiences: ReadonlySet<string> | undefined;
  readonly clockSkewSeconds: number;
  readonly requiredClaims: readonly string[];
  readonly maxTokenAgeSeconds: number | undefined;
  readonly maxTokenLifetimeSeconds: number | undefined;
  readonly allowedClients: ReadonlySet<string> | undefined;
  readonly profile: 'rfc9068' | undefined;
  /** Where the roles are: a claim's name, or the path to it. */
  readonly rolesPath: readonly string[];
}

/** What was wrong, and about which claim; no claim's value, which may be anybody's text. */
export interface ClaimFault {
  readonly reason: Reason;
  readonly cause: string;
}

/** RFC 9068 s4 and RFC 8725 s3.11: absent, `JWT` or `at+jwt`. All other types are tokens for something else. */
export function isAccessTokenType(type: string | undefined, profile: 'rfc9068' | undefined): boolean {
  if (type === undefined) return profile === undefined;
  if (type === 'at+jwt') return true;
  const name = type.toLowerCase().replace(/^application\//, '');
  return name === 'at+jwt' || (name === 'jwt' && profile === undefined);
}

/** Turns verified claims into an {@link Auth}, or says what is wrong with them. */
export function examineClaims(claims: JsonObject, token: string, rules: ClaimRules, nowSeconds: number): Auth | ClaimFault {
  const iss = own(claims, 'iss');
  if (iss !== rules.issuer) return fault('issuer_mismatch', 'iss');

  const other = shapeOfAnotherToken(claims);
  if (other) return fault('not_an_access_token', other);

  const audience = readAudience(own(claims, 'aud'));
  if (rules.audiences) {
    if (!audience?.some((value) => rules.audiences!.has(value))) return fault('audience_mismatch', 'aud');
  } else if (!audience && Object.hasOwn(claims, 'aud')) return fault('invalid_claim', 'aud');

  const exp = own(claims, 'exp');
  const iat = own(claims, 'iat');
  const nbf = own(claims, 'nbf');
  if (exp === undefined) return fault('missing_claim', 'exp');
  if (iat === undefined) return fault('missing_claim', 'iat');
  if (!isNumericDate(exp)) return fault('invalid_claim', 'exp');
  if (!isNumericDate(iat)) return fault('invalid_claim', 'iat');
  if (nbf !== undefined && !isNumericDate(nbf)) return fault('invalid_claim', 'nbf');
  const skew = rules.clockSkewSeconds;
  // written so that a clock which shows no number refuses
  if (!(nowSeconds < exp + skew)) return fault('expired', 'exp');
  if (nbf !== undefined && !(nowSeconds >= nbf - skew)) return fault('not_yet_valid', 'nbf');
  if (!(iat <= nowSeconds + skew)) return fault('issued_in_the_future', 'iat');
  if (rules.maxTokenAgeSeconds !== undefined && !(nowSeconds - iat <= rules.maxTokenAgeSeconds + skew)) return fault('too_old', 'iat');
  if (rules.maxTokenLifetimeSeconds !== undefined && exp - iat > rules.maxTokenLifetimeSeconds) return fault('lifetime_too_long', 'exp');

  const sub = own(claims, 'sub');
  const jti = own(claims, 'jti');
  const sid = own(claims, 'sid');
  const clientId = own(claims, 'client_id');
  const azp = own(claims, 'azp');
  const act = own(claims, 'act');
  if (!isNameOrAbsent(sub)) return fault('invalid_claim', 'sub');
  if (!isNameOrAbsent(jti)) return fault('invalid_claim', 'jti');
  if (!isNameOrAbsent(sid)) return fault('invalid_claim', 'sid');
  if (!isNameOrAbsent(clientId)) return fault('invalid_claim', 'client_id');
  if (!isNameOrAbsent(azp)) return fault('invalid_claim', 'azp');
  if (act !== undefined && !isObject(act)) return fault('invalid_claim', 'act');

  const client = clientId ?? azp;
  if (rules.allowedClients) {
    if (clientId !== undefined && azp !== undefined && clientId !== azp) return fault('client_not_allowed', 'azp');
    if (client === undefined || !rules.allowedClients.has(client)) return fault('client_not_allowed', 'client_id');
  }
  // RFC 9449 s7.2, RFC 7800 s3: a bond that was not shown is no smaller than one that was broken
  if (Object.hasOwn(claims, 'cnf')) return fault('unproven_confirmation', 'cnf');
  for (const name of rules.requiredClaims) {
    const value = own(claims, name);
    if (value === undefined || value === null) return fault('missing_claim', name);
  }

  return new VerifiedAuth(token, {
    issuer: iss,
    subject: sub,
    clientId: client,
    audience: audience ?? NONE,
    scopes: readScopes(own(claims, 'scope'), own(claims, 'scp')),
    roles: readRoles(claims, rules.rolesPath),
    claims: claims as Readonly<JsonObject> as Claims,
    expiresAt: exp,
    issuedAt: iat,
    tokenId: jti,
    sessionId: sid,
    actor: act,
  });
}

/** RFC 9068 s2.2: the claims that the profile requires, beyond those required of every token. */
export const RFC9068_CLAIMS: readonly string[] = ['aud', 'sub', 'client_id', 'jti'];

const NONE: readonly string[] = Object.freeze([]);
/** What stands for scopes or roles that are there and can't be read: none as far as they are demanded, but not absent either. */
export const UNREADABLE: readonly string[] = Object.freeze([]);

/**
 * RFC 8725 s3.12: an authorization server signs other things with the same key. What carries one of these members was not made for us:
 * ID tokens (OIDC Core s3.1.3.6, s2), logout tokens and security events (RFC 8417), DPoP proofs (RFC 9449), request objects (RFC 9101),
 * introspection answers (RFC 9701), and client assertions (RFC 7523: issuer and subject are one).
 */
const MEMBERS_OF_OTHER_TOKENS = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events', 'htm', 'htu', 'response_type', 'redirect_uri', 'token_introspection'];
/** What Keycloak (`typ`) and Cognito (`token_use`) write into tokens that are not access tokens. */
const USES_OF_OTHER_TOKENS = new Set(['id', 'refresh', 'offline', 'logout']);

function shapeOfAnotherToken(claims: JsonObject): string | undefined {
  for (const name of MEMBERS_OF_OTHER_TOKENS) if (Object.hasOwn(claims, name)) return name;
  for (const name of ['typ', 'token_use']) {
    const use = own(claims, name);
    if (typeof use === 'string' && USES_OF_OTHER_TOKENS.has(use.toLowerCase())) return name;
  }
  return own(claims, 'sub') === own(claims, 'iss') ? 'sub' : undefined;
}

function readAudience(aud: unknown): readonly string[] | undefined {
  if (typeof aud === 'string') return aud === '' ? undefined : Object.freeze([aud]);
  if (Array.isArray(aud) && aud.length > 0 && aud.every((value) => typeof value === 'string')) return aud;
  return undefined;
}

/** The last second of the year 9999. What lies beyond was written in milliseconds (RFC 7519 s2 has seconds), and would hardly ever end. */
const LAST_DATE = 253_402_300_799;

function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LAST_DATE;
}

function isNameOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '');
}

function isObject(value: unknown): value is Readonly<JsonObject> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 6749 s3.3: names between blanks; `scp` may be a list. */
function readScopes(scope: unknown, scp: unknown): readonly string[] {
  const ofScope = scope === undefined ? NONE : typeof scope === 'string' ? splitScope(scope) : UNREADABLE;
  if (scp === undefined) return ofScope;
  const ofScp = typeof scp === 'string' ? splitScope(scp) : isListOfStrings(scp) ? scp : UNREADABLE;
  if (ofScope === UNREADABLE || ofScp === UNREADABLE) return UNREADABLE;
  return Object.freeze([...new Set([...ofScope, ...ofScp])]);
}

function splitScope(scope: string): readonly string[] {
  return Object.freeze(scope.split(' ').filter((name) => name !== ''));
}

function readRoles(claims: JsonObject, path: readonly string[]): readonly string[] {
  let value: unknown = claims;
  for (const name of path) value = isObject(value) ? own(value, name) : undefined;
  if (value === undefined || value === '') return NONE;
  if (typeof value === 'string') return Object.freeze([value]);
  return isListOfStrings(value) ? value : UNREADABLE;
}

function isListOfStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function own(claims: Readonly<JsonObject>, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

function fault(reason: Reason, cause: string): ClaimFault {
  return { reason, cause };
}
