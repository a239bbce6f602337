import { type OptionReader } from '../lib/option-reader.js';
import { shown } from '../lib/shown-option.js';
import { canonicalProblem, identifierProblem, urlProblem } from '../lib/url.js';
import type { ClaimRules } from './claim-rules.js';
import { knowsAllKeys } from './given-keys.js';
import { isTenant, TENANT } from './tenants.js';

/** Reads the issuer identifier, which may come from the environment. */
export function readIssuer(reader: OptionReader, environment: boolean, isAsked: boolean, unsafeHttpHosts: ReadonlySet<string>): string {
  const fromEnvironment = environment && reader.get('issuer') === undefined;
  const issuer = fromEnvironment ? process.env['ISSUER_BASE_URL'] : reader.get('issuer');
  if (issuer === undefined || issuer === '') {
    reader.wrong('issuer', `is missing: give the authorization server's issuer URL${environment ? ', or set ISSUER_BASE_URL in the environment' : ''}`);
    return '';
  }
  // where the options say where the keys are, nothing is fetched from the issuer: it is only compared
  const problem = typeof issuer === 'string' ? (isAsked ? askedIssuerProblem(issuer, unsafeHttpHosts) : comparedIssuerProblem(issuer)) : 'is not a string';
  if (problem) reader.wrong('issuer', `${problem} (given${fromEnvironment ? ' by ISSUER_BASE_URL' : ''}: ${shown(issuer, 'url')})`);
  return issuer as string;
}

function askedIssuerProblem(issuer: string, unsafeHttpHosts: ReadonlySet<string>): string | undefined {
  const one = issuer.replace(TENANT, 'tenant');
  const problem = urlProblem(one, unsafeHttpHosts) ?? partProblem(issuer);
  if (problem === 'is not an absolute URL') return `${problem}: give one, or say where its keys are by jwksUri, jwks, jwksFile or sharedSecrets`;
  return problem ?? canonicalProblem(one)?.replace('tenant', TENANT);
}

function comparedIssuerProblem(issuer: string): string | undefined {
  return identifierProblem(issuer) ?? (issuer.includes(TENANT) ? partProblem(issuer) : metadataProblem(issuer));
}

/**
 * Whether nobody who is asked for metadata can have a token's issuer, whatever the options say: RFC 8414 s2, and there is one spelling of each. A bare
 * word, a URN or plain http may be somebody's, once the options say more.
 */
export function isNobodys(claimed: string): boolean {
  if (/[?#{}]/.test(claimed)) return true;
  if (!/^https?:/i.test(claimed)) return false;
  const url = URL.parse(claimed);
  return !url || url.username !== '' || url.password !== '' || (metadataProblem(claimed) ?? canonicalProblem(claimed)) !== undefined;
}

function metadataProblem(issuer: string): string | undefined {
  return issuer.includes('/.well-known/') ? 'is the address of the metadata: give the issuer, which is what stands before /.well-known/' : undefined;
}

/** RFC 8414 s2: an issuer identifier has no query and no fragment. */
function partProblem(issuer: string): string | undefined {
  if (/[?#]/.test(issuer)) return 'has a query or a fragment, which an issuer never has';
  if (/[{}]/.test(issuer.replace(TENANT, ''))) return 'has braces: {tenant} may stand there once, for one segment of its path';
  if (issuer.includes(TENANT) && !new RegExp(`/\\${TENANT.slice(0, -1)}\\}(?:/|$)`).test(issuer.replace(/^https?:\/\/[^/]*/, ''))) {
    return 'has {tenant} where no segment of its path stands by itself';
  }
  return metadataProblem(issuer);
}

/** Reads which tenants `{tenant}` stands for; undefined where the issuer has none. */
export function readTenants(reader: OptionReader, issuer: string): ReadonlySet<string> | 'any' | undefined {
  const any = reader.flag('unsafeAcceptAnyTenant');
  const tenants = reader.texts('tenants');
  if (typeof issuer !== 'string' || !issuer.includes(TENANT)) {
    for (const name of ['tenants', 'unsafeAcceptAnyTenant']) {
      if (reader.get(name) !== undefined) reader.wrong(name, 'is for an issuer with {tenant} in it');
    }
    return undefined;
  }
  for (const tenant of tenants ?? []) {
    if (!isTenant(tenant)) reader.wrong('tenants', `holds ${shown(tenant, 'name')}: letters, digits and hyphens are needed, 64 at the most`);
  }
  if (any === (tenants !== undefined)) {
    reader.wrong(
      'tenants',
      any ? 'stands beside unsafeAcceptAnyTenant: give one of them' : 'is missing: list the tenants that {tenant} in the issuer may stand for',
    );
  }
  if (any && !knowsAllKeys(reader)) {
    reader.wrong('unsafeAcceptAnyTenant', "needs jwksUri (without {tenant}) or jwks: an address of a stranger's choice is not asked for keys");
  }
  return any ? 'any' : new Set(tenants);
}

/** `tid` must be the tenant of `iss`, and what `requiredValues` says of it holds besides. */
export function checkTenantValues(reader: OptionReader, tenants: ReadonlySet<string> | 'any' | undefined, { requiredValues }: ClaimRules): void {
  const allowed = requiredValues.get('tid');
  if (tenants === undefined || tenants === 'any' || tenants.size === 0 || !allowed) return;
  if (![...tenants].some((tenant) => allowed.has(tenant))) {
    reader.wrong('requiredValues.tid', 'allows none of the tenants, so no token could pass. Change it or tenants.');
  }
}
