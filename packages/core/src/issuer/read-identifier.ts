import type { OptionReader } from '../lib/option-reader.js';
import { shown } from '../lib/shown-option.js';
import { canonicalProblem, identifierProblem, urlProblem } from '../lib/url.js';
import type { ClaimRules } from './claim-rules.js';
import { knowsAllKeys } from './given-keys.js';
import { isTenant, TENANT } from './tenants.js';

/**
 * Returns the issuer identifier: that of the option, or that of the environment. Returns '' if it is missing or not a string.
 *
 * @param environment whether the guard may read `ISSUER_BASE_URL`
 * @param isFetchedFrom whether the guard fetches from the issuer. If not, it only compares the identifier, which may be any StringOrURI (RFC 7519 s2)
 */
export function requireIssuer(
  reader: OptionReader,
  identifier: string | undefined,
  environment: boolean,
  isFetchedFrom: boolean,
  unsafeHttpHosts: ReadonlySet<string>,
): string {
  const isSet = reader.get('issuer') !== undefined;
  if (isSet && identifier === undefined) return '';
  const fromEnvironment = environment && !isSet;
  const issuer = (fromEnvironment ? process.env['ISSUER_BASE_URL'] : identifier) ?? '';
  if (issuer === '') {
    reader.wrong('issuer', `is missing: set it to the authorization server's issuer URL${environment ? ', or set ISSUER_BASE_URL in the environment' : ''}`);
    return '';
  }
  const problem = isFetchedFrom ? fetchedIssuerProblem(issuer, unsafeHttpHosts) : comparedIssuerProblem(issuer);
  if (problem) reader.wrong('issuer', `${problem} (got ${shown(issuer, 'url')}${fromEnvironment ? ' from ISSUER_BASE_URL' : ''})`);
  return issuer;
}

function fetchedIssuerProblem(issuer: string, unsafeHttpHosts: ReadonlySet<string>): string | undefined {
  const one = issuer.replace(TENANT, 'tenant');
  const problem = urlProblem(one, unsafeHttpHosts) ?? partProblem(issuer);
  if (problem === 'is not an absolute URL') return `${problem}. Use one, or set jwksUri, jwks, jwksFile or sharedSecrets`;
  return problem ?? canonicalProblem(one)?.replace('tenant', TENANT);
}

function comparedIssuerProblem(issuer: string): string | undefined {
  return identifierProblem(issuer) ?? (issuer.includes(TENANT) ? partProblem(issuer) : metadataProblem(issuer));
}

/**
 * Whether no authorization server can have this issuer identifier, whatever the options say (RFC 8414 s2; the guard accepts only the canonical
 * spelling). A bare word, a URN or plain http is possible, if the options allow it.
 */
export function isImpossible(claimed: string): boolean {
  if (/[?#{}]/.test(claimed)) return true;
  if (!/^https?:/i.test(claimed)) return false;
  const url = URL.parse(claimed);
  return !url || url.username !== '' || url.password !== '' || (metadataProblem(claimed) ?? canonicalProblem(claimed)) !== undefined;
}

function metadataProblem(issuer: string): string | undefined {
  return issuer.includes('/.well-known/') ? 'is the address of the metadata. Use the issuer, which is the part before /.well-known/' : undefined;
}

/** RFC 8414 s2: an issuer identifier has no query and no fragment. */
function partProblem(issuer: string): string | undefined {
  if (/[?#]/.test(issuer)) return 'has a query or a fragment, which an issuer never has';
  if (/[{}]/.test(issuer.replace(TENANT, ''))) return 'has braces. It may contain {tenant} once, as one segment of its path';
  if (issuer.includes(TENANT) && !new RegExp(`/\\${TENANT.slice(0, -1)}\\}(?:/|$)`).test(issuer.replace(/^https?:\/\/[^/]*/, ''))) {
    return 'has {tenant}, which is not a whole segment of its path';
  }
  return metadataProblem(issuer);
}

/** Returns the tenants that `{tenant}` stands for. undefined if the issuer has no `{tenant}`. */
export function requireTenants(
  reader: OptionReader,
  issuer: string,
  tenants: readonly string[] | undefined,
  acceptsAny: boolean,
): ReadonlySet<string> | 'any' | undefined {
  if (!issuer.includes(TENANT)) {
    for (const name of ['tenants', 'unsafeAcceptAnyTenant']) {
      if (reader.get(name) !== undefined) reader.wrong(name, 'has no effect without {tenant} in issuer. Leave it out, or add {tenant}');
    }
    return undefined;
  }
  for (const tenant of tenants ?? []) {
    if (!isTenant(tenant)) reader.wrong('tenants', `must list names of 1 to 64 letters, digits and hyphens (got ${shown(tenant, 'name')})`);
  }
  const isListed = reader.get('tenants') !== undefined;
  if (acceptsAny && isListed) reader.wrong('tenants', 'cannot be combined with unsafeAcceptAnyTenant. Set only one of them');
  if (!acceptsAny && !isListed) reader.wrong('tenants', 'is missing: list the tenants that {tenant} in issuer may stand for');
  if (acceptsAny && !knowsAllKeys(reader)) {
    reader.wrong('unsafeAcceptAnyTenant', 'needs jwks, jwksFile, or jwksUri without {tenant}: otherwise an attacker could choose the address of the keys');
  }
  return acceptsAny ? 'any' : new Set(tenants);
}

/** Reports `requiredValues` whose `tid` is not one of the tenants. The guard demands that `tid` is the tenant of `iss`, and these values as well. */
export function checkTenantValues(reader: OptionReader, tenants: ReadonlySet<string> | 'any' | undefined, { requiredValues }: ClaimRules): void {
  const allowed = requiredValues.get('tid');
  if (tenants === undefined || tenants === 'any' || tenants.size === 0 || !allowed) return;
  if (![...tenants].some((tenant) => allowed.has(tenant))) {
    reader.wrong('requiredValues.tid', 'allows none of the tenants, so every token would be refused. Change it or tenants.');
  }
}
