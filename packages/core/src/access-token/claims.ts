import type { Claims } from '../auth/claims.js';
import type { ClaimRules } from '../issuer/claim-rules.js';
import { isNumericDate } from '../lib/numeric-date.js';
import { VerifiedAuth } from './verified-auth.js';
import type { Reason } from '../vocabulary/reason.js';
import { isJsonObject, own, type JsonObject } from '../lib/json.js';
import { NONE, readRolesFrom, readScopes, readScopesFrom } from '../auth/names.js';
import { markOfAnotherToken, registeredClaims } from './registered-claims.js';

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

/**
 * Turns verified claims into an {@link Auth}, or says what is wrong with them. A claim that is null is absent.
 *
 * @param type the header's `typ`
 */
export function examineClaims(claims: JsonObject, token: string, rules: ClaimRules, nowSeconds: number, type?: string): VerifiedAuth | ClaimFault {
  const registered = registeredClaims(claims);
  const { iss, sub, aud, exp, nbf, iat, jti, sid, clientId, azp, act, cnf, scope, scp } = registered;
  if (iss !== rules.issuer) return fault('issuer_mismatch', 'iss', rules.issuer, iss);

  const otherToken = markOfAnotherToken(registered, type);
  if (otherToken !== undefined) return fault('not_an_access_token', otherToken, 'an access token', `a token with the claim ${otherToken}`);
  // a client assertion: its issuer is its subject (RFC 7523 s3)
  if (sub === iss) return fault('not_an_access_token', 'sub', 'an access token', 'a client assertion, whose iss and sub are equal');

  const audience = readAudience(aud);
  if (rules.audiences) {
    if (!audience || !isOneOf(audience, rules.audiences)) return fault('audience_mismatch', 'aud', rules.audiences, aud);
  } else if (!audience && aud !== undefined) return fault('invalid_claim', 'aud', 'a string, or a list of strings', aud);

  if (exp === undefined) return fault('missing_claim', 'exp', 'exp');
  if (iat === undefined && !mayLackIssuedAt(rules)) return fault('missing_claim', 'iat', 'iat');
  if (!isNumericDate(exp)) return fault('invalid_claim', 'exp', A_DATE, exp);
  if (iat !== undefined && !isNumericDate(iat)) return fault('invalid_claim', 'iat', A_DATE, iat);
  if (nbf !== undefined && !isNumericDate(nbf)) return fault('invalid_claim', 'nbf', A_DATE, nbf);
  const untimely = examineTime(exp, nbf, iat, rules, nowSeconds);
  if (untimely) return untimely;
  if (rules.maxTokenLifetimeSeconds !== undefined && !(exp - iat! <= rules.maxTokenLifetimeSeconds))
    return fault('lifetime_too_long', 'exp', rules.maxTokenLifetimeSeconds, exp - iat!);

  if (!isNameOrAbsent(sub)) return fault('invalid_claim', 'sub', A_NAME, sub);
  if (!isNameOrAbsent(jti)) return fault('invalid_claim', 'jti', A_NAME, jti);
  if (!isNameOrAbsent(sid)) return fault('invalid_claim', 'sid', A_NAME, sid);
  if (!isNameOrAbsent(clientId)) return fault('invalid_claim', 'client_id', A_NAME, clientId);
  if (!isNameOrAbsent(azp)) return fault('invalid_claim', 'azp', A_NAME, azp);
  if (act !== undefined && !isJsonObject(act)) return fault('invalid_claim', 'act', 'an object', act);

  const named = ownClient(claims, rules.clientIdClaim);
  const client = named === undefined ? (clientId ?? azp) : named;
  if (!isNameOrAbsent(client)) return fault('invalid_claim', rules.clientIdClaim!, A_NAME, client);
  if (rules.allowedClients) {
    const { allowedClients: allowed } = rules;
    if (clientId !== undefined && azp !== undefined && clientId !== azp) return fault('client_not_allowed', 'azp', allowed, [clientId, azp]);
    if (named !== undefined && [clientId, azp].some((other) => other !== undefined && other !== named))
      return fault('client_not_allowed', rules.clientIdClaim!, allowed, [named, clientId ?? azp]);
    if (client === undefined || !allowed.has(client)) return fault('client_not_allowed', 'client_id', allowed, client ?? []);
  }
  // RFC 9449 s7.2, RFC 7800 s3: a bond that was not shown is no smaller than one that was broken
  if (cnf !== undefined) return fault('unproven_confirmation', 'cnf', 'a token without cnf', cnf);
  for (const name of rules.requiredClaims) {
    const value = own(claims, name);
    if (value === undefined || value === null) return fault('missing_claim', name, name, value);
  }
  for (const name of rules.forbiddenClaims) {
    const value = own(claims, name);
    if (value !== undefined && value !== null) return fault('invalid_claim', name, `a token without ${name}`, value);
  }
  for (const [name, values] of rules.requiredValues) {
    const value = own(claims, name);
    if (value === undefined || value === null) return fault('missing_claim', name, name, value);
    if (!values.has(value as string)) return fault('invalid_claim', name, values, value);
  }

  return new VerifiedAuth(
    token,
    {
      issuer: rules.issuer,
      subject: sub,
      clientId: client,
      audience: audience ?? NONE,
      scopes: rules.scopesFrom === undefined ? readScopes(scope, scp) : readScopesFrom(claims, rules.scopesFrom),
      roles: readRolesFrom(claims, rules.rolesFrom),
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

/**
 * What may have changed since a token was looked at: the time. Written so that a clock which shows no number refuses, and a token that does not say
 * when it was issued is older than any age.
 */
export function examineTime(exp: number, nbf: number | undefined, iat: number | undefined, rules: TimeRules, nowSeconds: number): ClaimFault | undefined {
  const skew = rules.clockSkewSeconds;
  if (!(nowSeconds < exp + skew)) return fault('expired', `exp, ${seconds(nowSeconds - exp)} ago`, nowSeconds - skew, exp);
  if (nbf !== undefined && !(nowSeconds >= nbf - skew)) return fault('not_yet_valid', `nbf, in ${seconds(nbf - nowSeconds)}`, nowSeconds + skew, nbf);
  if (iat !== undefined && !(iat <= nowSeconds + skew)) return fault('issued_in_the_future', `iat, in ${seconds(iat - nowSeconds)}`, nowSeconds + skew, iat);
  const maxAge = rules.maxTokenAgeSeconds;
  if (maxAge !== undefined && !(nowSeconds - iat! <= maxAge + skew))
    return fault('too_old', iat === undefined ? 'iat' : `iat, ${seconds(nowSeconds - iat)} ago`, nowSeconds - maxAge - skew, iat);
  return undefined;
}

/** The difference of two clocks, in a form that explanations find again. */
function seconds(difference: number): string {
  return `${Math.max(1, Math.floor(difference))} s`;
}

type TimeRules = Pick<ClaimRules, 'clockSkewSeconds' | 'maxTokenAgeSeconds'>;

const A_DATE = 'a number of seconds since the epoch, up to the year 9999';
const A_NAME = 'a string that is not empty';

/** Without `iat` neither age nor lifetime can be told: where they are limited, it must be there. */
function mayLackIssuedAt({ acceptWithoutIssuedAt, maxTokenAgeSeconds, maxTokenLifetimeSeconds }: ClaimRules): boolean {
  return acceptWithoutIssuedAt && maxTokenAgeSeconds === undefined && maxTokenLifetimeSeconds === undefined;
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

function isNameOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '');
}

function ownClient(claims: JsonObject, name: string | undefined): unknown {
  return name === undefined ? undefined : (own(claims, name) ?? undefined);
}

function fault(reason: Reason, cause: string, expected?: unknown, found?: unknown): ClaimFault {
  return { reason, cause, expected, found };
}
