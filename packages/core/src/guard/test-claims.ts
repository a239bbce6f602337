import { examineClaims } from '../access-token/claims.js';
import { readRolesFrom, readScopesFrom, type NamesSource } from '../auth/names.js';
import type { ClaimRules } from '../issuer/claim-rules.js';
import { isFailure } from '../issuer/verification-failure.js';
import { misuse } from '../lib/configuration-error.js';
import { isJsonObject, own, parseStrictObject, type JsonObject } from '../lib/json.js';

/** Whom a test acts as. Every member has a default that the guard accepts. */
export interface TestCaller {
  /** `iss`. Default: the first issuer in the guard's options. */
  readonly issuer?: string | undefined;
  readonly subject?: string | undefined;
  readonly clientId?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly audience?: string | readonly string[] | undefined;
  /** A negative number: the token has expired. */
  readonly lifetimeSeconds?: number | undefined;
  /** Claims to add or replace. `undefined` leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

const LIFETIME_SECONDS = 3600;

/**
 * Returns the claims, as text, that an issuer with these rules would write into an access token of a caller. What the rules demand and the test does not say
 * gets a value that they accept.
 *
 * @throws ConfigurationError if the rules demand a claim that only the test can choose, or if the scopes or roles cannot be written
 */
export function claimsOfCaller(caller: TestCaller, rules: ClaimRules, issuedAt: number): string {
  const claims = { ...defaultClaims(caller, rules, issuedAt), ...caller.claims };
  const text = textOf(claims);
  const parsed = parseStrictObject(Buffer.from(text));
  if (!parsed) throw misuse('claims', 'no JWT can contain them. Use plain JSON values');
  const examined = examineClaims(parsed, rules, issuedAt, 'at+jwt');
  if (isFailure(examined) && examined.reason === 'missing_claim' && typeof examined.cause === 'string' && !Object.hasOwn(caller.claims ?? {}, examined.cause)) {
    const name = examined.cause;
    throw misuse('claims', `the guard requires the claim ${name}. Write as({ claims: { ${/^\w+$/.test(name) ? name : `'${name}'`}: ... } })`);
  }
  assertWritten('scopes', caller.scopes, parsed, rules.scopesFrom, readScopesFrom);
  assertWritten('roles', caller.roles, parsed, rules.rolesFrom, readRolesFrom);
  return text;
}

function defaultClaims(caller: TestCaller, rules: ClaimRules, issuedAt: number): JsonObject {
  const { subject, scopes = [], roles = [], lifetimeSeconds = Math.min(LIFETIME_SECONDS, rules.maxTokenLifetimeSeconds ?? Infinity) } = caller;
  const required = Object.fromEntries([...rules.requiredValues].map(([name, values]) => [name, [...values][0]]));
  const ofClient = rules.clientIdClaim === undefined ? undefined : rules.requiredValues.get(rules.clientIdClaim);
  const client = caller.clientId ?? [...(ofClient ?? rules.allowedClients ?? ['test-client'])][0];
  const isSvid = rules.profile === 'jwt-svid';
  const isClientInAzp = rules.requiredClaims.includes('azp') && !rules.requiredClaims.includes('client_id');
  const claims: JsonObject = {
    sub: isSvid ? `${rules.issuer}/test-user` : 'test-user',
    ...required,
    ...(subject !== undefined && { sub: subject }),
    iss: isSvid ? undefined : rules.issuer,
    aud: caller.audience ?? [...(rules.audiences ?? [])][0],
    [rules.clientIdClaim ?? (isClientInAzp ? 'azp' : 'client_id')]: client,
    jti: crypto.randomUUID(),
    iat: lifetimeSeconds < 0 ? issuedAt + lifetimeSeconds - 60 : issuedAt,
    exp: issuedAt + lifetimeSeconds,
  };
  for (const { path, values } of rules.requiredMembers) setAt(claims, path, [...values][0]);
  if (scopes.length > 0) write(claims, rules.scopesFrom === undefined ? [['scope']] : rules.scopesFrom, scopes);
  if (roles.length > 0) write(claims, rules.rolesFrom, roles);
  for (const [name, ...path] of rules.forbiddenClaims) if (path.length === 0) delete claims[name!];
  return claims;
}

/** Writes names where the rules read them. A function reads them at a place that only its author knows. */
function write(claims: JsonObject, source: NamesSource, names: readonly string[]): void {
  if (typeof source === 'function' || source.length === 0) return;
  const path = source[0]!;
  setAt(claims, path, path.at(-1) === 'scope' ? names.join(' ') : [...names]);
}

/** Writes a value at a path through claims that are objects, which it copies. */
function setAt(claims: JsonObject, path: readonly string[], value: unknown): void {
  let at = claims;
  for (const name of path.slice(0, -1)) {
    const inner = own(at, name);
    const next: JsonObject = isJsonObject(inner) ? { ...inner } : {};
    at[name] = next;
    at = next;
  }
  at[path.at(-1)!] = value;
}

function assertWritten(
  member: 'scopes' | 'roles',
  names: readonly string[] | undefined,
  claims: JsonObject,
  source: NamesSource | undefined,
  read: (claims: JsonObject, source: NamesSource) => readonly string[],
): void {
  if (names === undefined || typeof source !== 'function') return;
  const found = read(claims, source);
  if (names.every((name) => found.includes(name))) return;
  throw misuse(member, `the option ${member}Claim is a function, and it does not find them. Write the claims that it reads: as({ claims: { ... } })`);
}

function textOf(claims: object): string {
  try {
    return JSON.stringify(claims);
  } catch {
    throw misuse('claims', 'no JWT can contain them. Use plain JSON values');
  }
}
