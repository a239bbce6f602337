import { VerifiedAuth } from '../auth.js';
import type { Reason } from '../denial.js';
import { isJsonObject, own, type JsonObject } from './json.js';
import { registeredClaims } from './registered-claims.js';

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
  /** Claims that must have one of these values, by name. */
  readonly requiredValues: ReadonlyMap<string, ReadonlySet<string | number | boolean>>;
  readonly maxTokenAgeSeconds: number | undefined;
  readonly maxTokenLifetimeSeconds: number | undefined;
  readonly allowedClients: ReadonlySet<string> | undefined;
  readonly profile: 'rfc9068' | undefined;
  readonly forbiddenClaims: readonly string[];
  /** The claim that names the client where neither `client_id` nor `azp` does. */
  readonly clientIdClaim: string | undefined;
  /** Where the roles are: paths of names, of which all that are there count. */
  readonly rolesPaths: readonly (readonly string[])[];
}

/** What was wrong, and about which claim; no claim's value, which may be anybody's text. */
export interface ClaimFault {
  readonly reason: Reason;
  readonly cause: string;
  /** What would have passed, and what came instead: see `DenialDetails`. */
  readonly expected?: unknown;
  readonly found?: unknown;
}

/** By a member of its own: a polluted prototype would find a fault with everybody. */
export function isFault(examined: VerifiedAuth | ClaimFault): examined is ClaimFault {
  return Object.hasOwn(examined, 'reason');
}

/** RFC 9068 s4 and RFC 8725 s3.11: absent, `JWT` or `at+jwt`. All other types are tokens for something else. */
export function isAccessTokenType(type: string | undefined, profile: 'rfc9068' | undefined): boolean {
  if (type === undefined) return profile === undefined;
  if (type === 'at+jwt') return true;
  const name = type.toLowerCase().replace(/^application\//, '');
  return name === 'at+jwt' || (name === 'jwt' && profile === undefined);
}

/** Turns verified claims into an {@link Auth}, or says what is wrong with them. */
export function examineClaims(claims: JsonObject, token: string, rules: ClaimRules, nowSeconds: number): VerifiedAuth | ClaimFault {
  const { iss, sub, aud, exp, nbf, iat, jti, sid, clientId, azp, act, cnf, scope, scp, typ, tokenUse, ofAnotherToken } = registeredClaims(claims);
  if (iss !== rules.issuer) return fault('issuer_mismatch', 'iss');

  if (ofAnotherToken !== undefined) return fault('not_an_access_token', ofAnotherToken);
  if (isUseOfAnotherToken(typ)) return fault('not_an_access_token', 'typ');
  if (isUseOfAnotherToken(tokenUse)) return fault('not_an_access_token', 'token_use');
  // a client assertion: its issuer is its subject (RFC 7523 s3)
  if (sub === iss) return fault('not_an_access_token', 'sub');

  const audience = readAudience(aud);
  if (rules.audiences) {
    if (!audience || !isOneOf(audience, rules.audiences)) return fault('audience_mismatch', 'aud');
  } else if (!audience && aud !== undefined) return fault('invalid_claim', 'aud');

  if (exp === undefined) return fault('missing_claim', 'exp');
  if (iat === undefined) return fault('missing_claim', 'iat');
  if (!isNumericDate(exp)) return fault('invalid_claim', 'exp');
  if (!isNumericDate(iat)) return fault('invalid_claim', 'iat');
  if (nbf !== undefined && !isNumericDate(nbf)) return fault('invalid_claim', 'nbf');
  const untimely = examineTime(exp, nbf, iat, rules, nowSeconds);
  if (untimely) return untimely;
  if (rules.maxTokenLifetimeSeconds !== undefined && exp - iat > rules.maxTokenLifetimeSeconds) return fault('lifetime_too_long', 'exp');

  if (!isNameOrAbsent(sub)) return fault('invalid_claim', 'sub');
  if (!isNameOrAbsent(jti)) return fault('invalid_claim', 'jti');
  if (!isNameOrAbsent(sid)) return fault('invalid_claim', 'sid');
  if (!isNameOrAbsent(clientId)) return fault('invalid_claim', 'client_id');
  if (!isNameOrAbsent(azp)) return fault('invalid_claim', 'azp');
  if (act !== undefined && !isJsonObject(act)) return fault('invalid_claim', 'act');

  const named = ownClient(claims, rules.clientIdClaim);
  const client = named === undefined ? (clientId ?? azp) : named;
  if (!isNameOrAbsent(client)) return fault('invalid_claim', rules.clientIdClaim!);
  if (rules.allowedClients) {
    if (clientId !== undefined && azp !== undefined && clientId !== azp) return fault('client_not_allowed', 'azp');
    if (named !== undefined && [clientId, azp].some((other) => other !== undefined && other !== named))
      return fault('client_not_allowed', rules.clientIdClaim!);
    if (client === undefined || !rules.allowedClients.has(client)) return fault('client_not_allowed', 'client_id');
  }
  // RFC 9449 s7.2, RFC 7800 s3: a bond that was not shown is no smaller than one that was broken
  if (cnf !== undefined) return fault('unproven_confirmation', 'cnf');
  for (const name of rules.requiredClaims) {
    const value = own(claims, name);
    if (value === undefined || value === null) return fault('missing_claim', name);
  }
  for (const name of rules.forbiddenClaims) if (Object.hasOwn(claims, name)) return fault('invalid_claim', name);
  for (const [name, values] of rules.requiredValues) {
    const value = own(claims, name);
    if (value === undefined || value === null) return fault('missing_claim', name);
    if (!values.has(value as string)) return fault('invalid_claim', name);
  }

  return new VerifiedAuth(
    token,
    {
      issuer: rules.issuer,
      subject: sub,
      clientId: client,
      audience: audience ?? NONE,
      scopes: readScopes(scope, scp),
      roles: readAllRoles(claims, rules.rolesPaths),
      claims: claims as Readonly<JsonObject> as Claims,
      expiresAt: exp,
      issuedAt: iat,
      tokenId: jti,
      sessionId: sid,
      actor: act,
    },
    claims,
    rules,
  );
}

/** What may have changed since a token was looked at: the time. Written so that a clock which shows no number refuses. */
export function examineTime(exp: number, nbf: number | undefined, iat: number, rules: TimeRules, nowSeconds: number): ClaimFault | undefined {
  const skew = rules.clockSkewSeconds;
  if (!(nowSeconds < exp + skew)) return fault('expired', 'exp');
  if (nbf !== undefined && !(nowSeconds >= nbf - skew)) return fault('not_yet_valid', 'nbf');
  if (!(iat <= nowSeconds + skew)) return fault('issued_in_the_future', 'iat');
  if (rules.maxTokenAgeSeconds !== undefined && !(nowSeconds - iat <= rules.maxTokenAgeSeconds + skew)) return fault('too_old', 'iat');
  return undefined;
}

type TimeRules = Pick<ClaimRules, 'clockSkewSeconds' | 'maxTokenAgeSeconds'>;

/** RFC 9068 s2.2: the claims that the profile requires, beyond those required of every token. */
export const RFC9068_CLAIMS: readonly string[] = ['aud', 'sub', 'client_id', 'jti'];

const NONE: readonly string[] = Object.freeze([]);
const IS_UNREADABLE = Symbol.for('tokenward.unreadable');
/** What stands for scopes or roles that are there and can't be read: none as far as they are demanded, but not absent either. */
const UNREADABLE: readonly string[] = Object.freeze(Object.defineProperty([], IS_UNREADABLE, { value: true }));

/** Whether scopes or roles stand for some that can't be read, in whichever copy of this package they were looked at. */
export function isUnreadable(names: readonly string[]): boolean {
  return IS_UNREADABLE in names;
}

const USES_OF_OTHER_TOKENS = new Set(['id', 'refresh', 'offline', 'logout']);

function isUseOfAnotherToken(use: unknown): boolean {
  return typeof use === 'string' && USES_OF_OTHER_TOKENS.has(use.toLowerCase());
}

function isOneOf(audience: readonly string[], accepted: ReadonlySet<string>): boolean {
  for (const value of audience) if (accepted.has(value)) return true;
  return false;
}

function readAudience(aud: unknown): readonly string[] | undefined {
  if (typeof aud === 'string') return aud === '' ? undefined : Object.freeze([aud]);
  if (Array.isArray(aud) && aud.length > 0 && aud.every((value) => typeof value === 'string')) return aud;
  return undefined;
}

/** The last second of the year 9999. What lies beyond was written in milliseconds (RFC 7519 s2 has seconds), and would hardly ever end. */
export const LAST_DATE = 253_402_300_799;

function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LAST_DATE;
}

function isNameOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '');
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
  const names = scope.split(' ');
  return Object.freeze(names.includes('') ? names.filter((name) => name !== '') : names);
}

function ownClient(claims: JsonObject, name: string | undefined): unknown {
  return name === undefined ? undefined : own(claims, name);
}

function readAllRoles(claims: JsonObject, paths: readonly (readonly string[])[]): readonly string[] {
  if (paths.length === 1) return readRoles(claims, paths[0]!);
  const all = paths.map((path) => readRoles(claims, path));
  return all.includes(UNREADABLE) ? UNREADABLE : Object.freeze([...new Set(all.flat())]);
}

function readRoles(claims: JsonObject, path: readonly string[]): readonly string[] {
  let value: unknown = claims;
  for (const name of path) {
    if (value === undefined || value === null) return NONE;
    if (!isJsonObject(value)) return UNREADABLE;
    value = own(value, name);
  }
  if (value === undefined || value === null || value === '') return NONE;
  if (typeof value === 'string') return Object.freeze([value]);
  return isListOfStrings(value) ? value : UNREADABLE;
}

function isListOfStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function fault(reason: Reason, cause: string): ClaimFault {
  return { reason, cause };
}
