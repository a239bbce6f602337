import type { ClaimRules } from '../issuer/claim-rules.js';
import { isNumericDate } from '../lib/numeric-date.js';
import type { Reason } from '../vocabulary/reason.js';
import { isJsonObject, own, type JsonObject } from '../lib/json.js';
import { NONE } from '../auth/names.js';
import type { ClaimFault } from './claim-fault.js';
import { markOfAnotherToken, registeredClaims } from './registered-claims.js';
import { examineTime } from './token-time.js';

/** What was read of claims that are acceptable. */
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
  /** `cnf`: whom the token is bound to (RFC 7800). Whether the sender is that one only a request can show, so it is judged later. */
  readonly confirmation: unknown;
}

/** RFC 9068 s4 and RFC 8725 s3.11: absent, `JWT` or `at+jwt`. All other types are tokens for something else. */
export function isAccessTokenType(type: string | undefined, profile: 'rfc9068' | undefined): boolean {
  if (type === undefined) return profile === undefined;
  if (type === 'at+jwt') return true;
  const name = type.toLowerCase().replace(/^application\//, '');
  return name === 'at+jwt' || (name === 'jwt' && profile === undefined);
}

/**
 * Checks verified claims, and reads from them what an {@link Auth} says. A claim that is null is absent.
 *
 * @param type the header's `typ`
 */
export function examineClaims(claims: JsonObject, rules: ClaimRules, nowSeconds: number, type?: string): ExaminedClaims | ClaimFault {
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
