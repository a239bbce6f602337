import type { GuardOptions, IssuerOptions } from '@tokenward/core';
import { isLoopback, printable, shown, urlProblem } from '@tokenward/core/store';
import { isTemplate, ofTenant } from '../lib/tenant.js';
import { fail, note, skip, warn, type Check } from './check.js';
import { checkEndpoints } from './endpoints.js';
import { accessOf, checkClock, checkKeys, checkMetadata, timeoutOf } from './issuer.js';
import { checkDns, checkVariables, proxyOf } from './machine.js';
import { checkTls } from './tls.js';

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
}

/** Returns the issuers of a guard's options, each with its own options. */
export function issuersOf(options: GuardOptions): readonly IssuerOptions[] {
  const { issuers } = options;
  return Array.isArray(issuers) ? (issuers as readonly IssuerOptions[]) : [options];
}

/** Runs the checks of one issuer in the order in which a connection is made, so that the first failure is the cause of those after it. */
export async function diagnoseIssuer(options: IssuerOptions, surroundings: Surroundings): Promise<readonly Check[]> {
  const { issuer = '', tenants: [tenant, ...others] = [] } = options;
  if (!isTemplate(issuer) || tenant === undefined) return diagnose(options, surroundings);
  const rest = others.length > 0 ? `. ${others.length} more ${others.length === 1 ? 'is' : 'are'} not checked` : '';
  const chosen = note('tenant', `"${tenant}", the first of tenants, is checked in place of {tenant}${rest}`);
  return [chosen, ...(await diagnose(ofTenant(options, tenant), surroundings))];
}

async function diagnose(options: IssuerOptions, { env, now }: Surroundings): Promise<readonly Check[]> {
  const { issuer, metadataUrl, jwksUri, jwksFile } = options;
  if (jwksFile !== undefined) return checkKeys(options, undefined);
  const timeoutMs = timeoutOf(options) * 1000;
  const hosts = new Set(options.unsafeHttpHosts);
  const address = jwksUri ?? (issuer === undefined ? undefined : (metadataUrl ?? issuer));
  if (address === undefined) return [skip('address', 'no address is known: correct the options')];
  const problem = urlProblem(address, hosts);
  if (problem) return [fail('address', `${shown(address, 'url')} ${problem}`, 'Correct the address.')];
  const checks: Check[] = [...checkVariables(address, env)];
  let ca: string | undefined;
  try {
    ca = accessOf(options)?.(address).tls?.ca;
  } catch (error) {
    return [...checks, fail('files', printable((error as Error).message, 400), 'Correct the file in keyFetching: the guard cannot fetch keys without it.')];
  }
  if (proxyOf(address, env)) checks.push(skip('dns', 'the proxy looks the name up'), skip('tls', 'the connection goes through the proxy'));
  else {
    const dns = await checkDns(address, timeoutMs);
    checks.push(dns);
    if (dns.verdict !== 'fail') checks.push(await checkTls(address, { timeoutMs, nowMs: now(), ca }));
    if (isLoopback(new URL(address).hostname)) checks.push(skip('network', 'the issuer is on this machine. In a container, that is the container itself'));
  }
  if (isTemplate(address)) return [...checks, TENANT_MISSING];
  if (jwksUri !== undefined) return [...checks, ...(await checkKeys(options, undefined))];
  const { checks: ofMetadata, found } = await checkMetadata(options, now);
  checks.push(...ofMetadata);
  if (found) checks.push(checkClock(found, options.clockSkewSeconds ?? 30));
  checks.push(...(await checkKeys(options, found)));
  if (found) checks.push(...checkEndpoints(found, hosts));
  return checks;
}

const TENANT_MISSING = warn(
  'tenant',
  'the address has {tenant}, and each tenant has metadata and keys of its own. They were not checked',
  `Name a tenant to check, as the API does: --option 'tenants=["NAME"]'.`,
);
