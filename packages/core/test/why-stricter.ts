import type { Deny } from '@tokenward/core';
import { readStrictly } from './strict-json.js';

/** What a lenient reader sees in a token. */
interface Seen {
  readonly token: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

interface Explanation {
  readonly rule: number;
  /** Looks at the token itself, by other code than that which refused it. */
  readonly holds: (seen: Seen, nowSeconds: number) => boolean;
}

const is = {
  date: (value: unknown) => typeof value === 'number' && value >= 0 && value <= 253_402_300_799,
  name: (value: unknown) => typeof value === 'string' && value !== '',
  object: (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value),
};
const own = (of: object, name: string): unknown => (Object.hasOwn(of, name) ? (of as Record<string, unknown>)[name] : undefined);
/** Null is absent. */
const isPresent = (claims: object, name: string): boolean => (own(claims, name) ?? undefined) !== undefined;
const isCalled = (value: unknown, ...uses: string[]): boolean => typeof value === 'string' && uses.includes(value.toLowerCase());
const isNoName =
  (name: string) =>
  ({ claims }: Seen) =>
    isPresent(claims, name) && !is.name(own(claims, name));
const isThere =
  (name: string) =>
  ({ claims }: Seen) =>
    Object.hasOwn(claims, name);
const isNoDate =
  (name: string) =>
  ({ claims }: Seen) =>
    isPresent(claims, name) && !is.date(claims[name]);

/**
 * Why we refuse what jose accepts under the same settings: by what was found, the rules that ask for it, of which at least one must be seen to be
 * offended. What is not in this table has no excuse.
 */
const EXPLANATIONS: Readonly<Record<string, readonly Explanation[]>> = {
  malformed_credentials: [{ rule: 2, holds: ({ token }) => !/^[A-Za-z0-9\-._~+/]+=*$/.test(token) }],
  token_too_large: [{ rule: 8, holds: ({ token }) => token.length > 16_384 || token.indexOf('.') > 10_923 }],
  malformed_token: [
    { rule: 9, holds: ({ token }) => !token.split('.').every(isCanonical) },
    { rule: 10, holds: ({ token }) => offends(token, 10) },
    { rule: 11, holds: ({ token }) => offends(token, 11) },
    { rule: 12, holds: ({ token }) => offends(token, 12) },
    { rule: 13, holds: ({ token }) => offends(token, 13) },
    {
      rule: 14,
      holds: ({ header }) => ['kid', 'typ', 'cty'].some((name) => (own(header, name) ?? undefined) !== undefined && typeof header[name] !== 'string'),
    },
    { rule: 29, holds: ({ header }) => String(own(header, 'kid')).length > 512 },
  ],
  unsupported_critical_header: [{ rule: 15, holds: ({ header }) => Object.hasOwn(header, 'crit') || (Object.hasOwn(header, 'b64') && header['b64'] !== true) }],
  encrypted_token: [{ rule: 16, holds: ({ header }) => /^(?:application\/)?jwt$/i.test(String(own(header, 'cty'))) }],
  'wrong_type typ': [{ rule: 35, holds: ({ header }) => Object.hasOwn(header, 'typ') && !/^(?:application\/)?(?:at\+)?jwt$/i.test(String(header['typ'])) }],
  'not_an_access_token nonce': [{ rule: 36, holds: isThere('nonce') }],
  'not_an_access_token at_hash': [{ rule: 36, holds: isThere('at_hash') }],
  'not_an_access_token events': [{ rule: 37, holds: isThere('events') }],
  'not_an_access_token htm': [{ rule: 37, holds: isThere('htm') }],
  'not_an_access_token typ': [{ rule: 37, holds: ({ claims }) => isCalled(own(claims, 'typ'), 'id', 'refresh', 'offline', 'logout') }],
  'not_an_access_token token_use': [{ rule: 37, holds: ({ claims }) => isCalled(own(claims, 'token_use'), 'id', 'refresh', 'offline', 'logout') }],
  'not_an_access_token sub': [{ rule: 37, holds: ({ claims }) => own(claims, 'sub') === own(claims, 'iss') }],
  'audience_mismatch aud': [{ rule: 40, holds: ({ claims }) => ![claims['aud']].flat().every((value) => typeof value === 'string') }],
  'missing_claim exp': [{ rule: 42, holds: ({ claims }) => !isPresent(claims, 'exp') }],
  'missing_claim iat': [{ rule: 46, holds: ({ claims }) => !isPresent(claims, 'iat') }],
  'invalid_claim exp': [{ rule: 42, holds: isNoDate('exp') }],
  'invalid_claim nbf': [{ rule: 42, holds: isNoDate('nbf') }],
  'invalid_claim iat': [{ rule: 42, holds: isNoDate('iat') }],
  'issued_in_the_future iat': [{ rule: 46, holds: ({ claims }, now) => (claims['iat'] as number) > now + 30 }],
  // present and of the wrong type is neither absent nor right, as of the dates
  'invalid_claim jti': [{ rule: 42, holds: isNoName('jti') }],
  'invalid_claim sid': [{ rule: 42, holds: isNoName('sid') }],
  'invalid_claim act': [{ rule: 42, holds: ({ claims }) => isPresent(claims, 'act') && !is.object(claims['act']) }],
  'invalid_claim sub': [{ rule: 48, holds: isNoName('sub') }],
  'invalid_claim client_id': [{ rule: 47, holds: isNoName('client_id') }],
  'invalid_claim azp': [{ rule: 47, holds: isNoName('azp') }],
  unproven_confirmation: [{ rule: 88, holds: ({ claims }) => isPresent(claims, 'cnf') }],
  missing_certificate: [{ rule: 88, holds: ({ claims }) => is.object(claims['cnf']) && isPresent(claims['cnf'] as object, 'x5t#S256') }],
  bound_token_as_bearer: [{ rule: 88, holds: ({ claims }) => is.object(claims['cnf']) && Object.hasOwn(claims['cnf'] as object, 'jkt') }],
};

/** The rules by which a refused token is rightly refused; none where there is no reason that stands in the table. */
export function rulesAgainst(token: string, { reason, cause }: Deny, nowSeconds: number): readonly number[] {
  // behind the claim's name a cause says by how much, and in front of none how
  const [claim] = String(cause).split(',');
  const entry = EXPLANATIONS[reason] ?? EXPLANATIONS[`${reason} ${claim}`] ?? [];
  const [header, payload] = token.split('.').map(readLeniently);
  const seen: Seen = { token, header: header ?? {}, claims: payload ?? {} };
  return entry.filter(({ holds }) => holds(seen, nowSeconds)).map(({ rule }) => rule);
}

/** All rules of the table. */
export const RULES: ReadonlySet<number> = new Set(Object.values(EXPLANATIONS).flatMap((entry) => entry.map(({ rule }) => rule)));

function isCanonical(segment: string): boolean {
  return segment !== '' && Buffer.from(segment, 'base64url').toString('base64url') === segment;
}

function offends(token: string, rule: number): boolean {
  return token.split('.', 2).some((segment) => {
    const reading = readStrictly(Buffer.from(segment, 'base64url'));
    return 'rule' in reading && reading.rule === rule;
  });
}

function readLeniently(segment: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(Buffer.from(segment, 'base64url'))) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
