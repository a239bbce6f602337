import type { ClaimRules } from '../issuer/claim-rules.js';
import { trustDomainOf } from '../issuer/svid.js';
import { isNumericDate } from '../lib/numeric-date.js';
import type { Reason } from '../vocabulary/reason.js';
import { isJsonObject, own, type JsonObject } from '../lib/json.js';
import { NONE } from '../auth/names.js';
import type { ClaimFailure } from './claim-failure.js';
import { otherTokenClaim, registeredClaims } from './registered-claims.js';
import { examineTime } from './token-time.js';

/** The values that were read from examined claims. */
export interface ExaminedClaims {
  readonly claims: JsonObject;
  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  readonly audience: readonly string[];
  readonly scope: unknown;
  readonly scp: unknown;
  readonly expiresAt: number;
  readonly issuedAt: number | undefined;
  readonly notBefore: number | undefined;
  readonly tokenId: string | undefined;
  readonly sessionId: string | undefined;
  readonly actor: JsonObject | undefined;
  /** `cnf`: the key that the sender must prove to possess (RFC 7800). Each request needs its own proof, so `binding/` reads it. */
  readonly confirmation: unknown;
}

/** Returns whether an access token may have this `typ` in its header: absent, `JWT` or `at+jwt` (RFC 9068 s4, RFC 8725 s3.11). */
export function isAccessTokenType(type: string | undefined, profile: ClaimRules['profile']): boolean {
  // JWT-SVID s2.3
  if (profile === 'jwt-svid') return type === undefined || type === 'JWT' || type === 'JOSE';
  if (type === undefined) return profile === undefined;
  if (type === 'at+jwt') return true;
  const name = type.toLowerCase().replace(/^application\//, '');
  return name === 'at+jwt' || (name === 'jwt' && profile === undefined);
}

/** Returns the types for the explanation of a token that has another one. */
export function acceptedTypes(profile: ClaimRules['profile']): readonly string[] {
  return profile === 'jwt-svid' ? ['JWT', 'JOSE'] : profile ? ['at+jwt'] : ['at+jwt', 'JWT'];
}

/**
 * Checks the claims of a token whose signature was verified, and reads the values of an {@link Auth} from them. A claim that is null counts as absent.
 *
 * @param type the header's `typ`
 * @returns the first failure found, or the values
 */
export function examineClaims(claims: JsonObject, rules: ClaimRules, nowSeconds: number, type?: string): ExaminedClaims | ClaimFailure {
  const registered = registeredClaims(claims);
  const { iss, sub, aud, exp, nbf, iat, jti, sid, clientId, azp, act, cnf, scope, scp } = registered;
  if (rules.profile === 'jwt-svid') {
    const domain = trustDomainOf(sub);
    if (domain !== rules.issuer) return failure('issuer_mismatch', 'sub', rules.issuer, domain ?? null);
  } else if (iss !== rules.issuer) return failure('issuer_mismatch', 'iss', rules.issuer, iss);

  const otherClaim = otherTokenClaim(registered, type);
  if (otherClaim !== undefined) return failure('not_an_access_token', otherClaim, 'an access token', `a token with the claim ${otherClaim}`);
  // a client assertion: its issuer is its subject (RFC 7523 s3)
  if (sub === iss) return failure('not_an_access_token', 'sub', 'an access token', 'a client assertion, whose iss and sub are equal');

  const audience = readAudience(aud);
  if (rules.audiences) {
    if (!audience || !includesAny(audience, rules.audiences)) return failure('audience_mismatch', 'aud', rules.audiences, aud);
  } else if (!audience && aud !== undefined) return failure('invalid_claim', 'aud', 'a string or a list of strings', aud);

  if (exp === undefined) return failure('missing_claim', 'exp', 'exp');
  if (iat === undefined && !mayLackIssuedAt(rules)) return failure('missing_claim', 'iat', 'iat');
  if (!isNumericDate(exp)) return failure('invalid_claim', 'exp', A_DATE, exp);
  if (iat !== undefined && !isNumericDate(iat)) return failure('invalid_claim', 'iat', A_DATE, iat);
  if (nbf !== undefined && !isNumericDate(nbf)) return failure('invalid_claim', 'nbf', A_DATE, nbf);
  const timeFailure = examineTime(exp, nbf, iat, rules, nowSeconds);
  if (timeFailure) return timeFailure;
  if (rules.maxTokenLifetimeSeconds !== undefined && !(exp - iat! <= rules.maxTokenLifetimeSeconds))
    return failure('lifetime_too_long', 'exp', rules.maxTokenLifetimeSeconds, exp - iat!);

  if (!isNameOrAbsent(sub)) return failure('invalid_claim', 'sub', A_NAME, sub);
  if (!isNameOrAbsent(jti)) return failure('invalid_claim', 'jti', A_NAME, jti);
  if (!isNameOrAbsent(sid)) return failure('invalid_claim', 'sid', A_NAME, sid);
  if (!isNameOrAbsent(clientId)) return failure('invalid_claim', 'client_id', A_NAME, clientId);
  if (!isNameOrAbsent(azp)) return failure('invalid_claim', 'azp', A_NAME, azp);
  if (act !== undefined && !isJsonObject(act)) return failure('invalid_claim', 'act', 'an object', act);

  const configured = configuredClient(claims, rules.clientIdClaim);
  const client = configured === undefined ? (clientId ?? azp) : configured;
  if (!isNameOrAbsent(client)) return failure('invalid_claim', rules.clientIdClaim!, A_NAME, client);
  if (rules.allowedClients) {
    const { allowedClients: allowed } = rules;
    if (clientId !== undefined && azp !== undefined && clientId !== azp) return failure('client_not_allowed', 'azp', allowed, [clientId, azp]);
    if (configured !== undefined && [clientId, azp].some((other) => other !== undefined && other !== configured))
      return failure('client_not_allowed', rules.clientIdClaim!, allowed, [configured, clientId ?? azp]);
    if (!allowed.has(client!)) return failure('client_not_allowed', 'client_id', allowed, client ?? []);
  }
  for (const name of rules.requiredClaims) {
    const value = own(claims, name);
    if (value === undefined || value === null) return failure('missing_claim', name, name, value);
  }
  for (const path of rules.forbiddenClaims) {
    const value = memberAt(claims, path);
    if (value !== undefined && value !== null) return failure('invalid_claim', path.join('.'), `a token without ${path.join('.')}`, value);
  }
  for (const [name, values] of rules.requiredValues) {
    const value = own(claims, name);
    if (value === undefined || value === null) return failure('missing_claim', name, name, value);
    if (!values.has(value as string)) return failure('invalid_claim', name, values, value);
  }
  for (const { path, values } of rules.requiredMembers) {
    const value = memberAt(claims, path);
    if (value === undefined || value === null) return failure('missing_claim', path.join('.'), path.join('.'), value);
    if (!values.has(value as string)) return failure('invalid_claim', path.join('.'), values, value);
  }
  for (const { path, values } of rules.forbiddenValues) {
    const value = memberAt(claims, path);
    if (Array.isArray(value) ? value.some((one) => values.has(one as string)) : values.has(value as string))
      return failure('invalid_claim', path.join('.'), 'another value', value);
  }

  return {
    claims,
    subject: sub,
    clientId: client,
    audience: audience ?? NONE,
    scope,
    scp,
    expiresAt: exp,
    issuedAt: iat,
    notBefore: nbf,
    tokenId: jti,
    sessionId: sid,
    actor: act,
    confirmation: cnf,
  };
}

const A_DATE = 'a number of seconds since the epoch, up to the year 9999';
const A_NAME = 'a non-empty string';

/** Age and lifetime are counted from `iat`, so an issuer with a limit on them cannot omit it. */
function mayLackIssuedAt({ acceptWithoutIssuedAt, maxTokenAgeSeconds, maxTokenLifetimeSeconds }: ClaimRules): boolean {
  return acceptWithoutIssuedAt && maxTokenAgeSeconds === undefined && maxTokenLifetimeSeconds === undefined;
}

function includesAny(audience: readonly string[], accepted: ReadonlySet<string>): boolean {
  for (const value of audience) if (accepted.has(value)) return true;
  return false;
}

/** The last audience that was one string. Most tokens of an API have the same. */
let lastAudience: readonly [string] = Object.freeze([''] as const);

function readAudience(aud: unknown): readonly string[] | undefined {
  if (aud === '') return undefined;
  if (typeof aud === 'string') {
    if (aud !== lastAudience[0]) lastAudience = Object.freeze([aud] as const);
    return lastAudience;
  }
  if (Array.isArray(aud) && aud.length > 0 && aud.every((value) => typeof value === 'string')) return aud;
  return undefined;
}

function isNameOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '');
}

/** Returns the client from the claim that the option `clientIdClaim` names; undefined if there is none. */
function configuredClient(claims: JsonObject, name: string | undefined): unknown {
  return name === undefined ? undefined : (own(claims, name) ?? undefined);
}

/** Returns the value at a path through claims that are objects; undefined if there is none. */
function memberAt(claims: JsonObject, path: readonly string[]): unknown {
  let at: unknown = claims;
  for (const name of path) at = isJsonObject(at) ? own(at, name) : undefined;
  return at;
}

function failure(reason: Reason, cause: string, expected?: unknown, found?: unknown): ClaimFailure {
  return { reason, cause, expected, found };
}
