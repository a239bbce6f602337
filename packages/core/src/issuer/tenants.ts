import type { Issuer, Issuers } from './issuer.js';
import { createIssuerCache } from './issuer-cache.js';
import type { KeySource } from '../keys/key-source.js';

/** Issuers that differ in one segment of their identifier. */
export interface TenantsConfig {
  /** The identifier, with `{tenant}` once. */
  readonly template: string;
  /** undefined: any, with `unsafeAcceptAnyTenant`. */
  readonly tenants: ReadonlySet<string> | undefined;
  /** The keys, if all tenants share them. */
  readonly sharedKeys: KeySource | undefined;
  /** undefined: any, with `unsafeAcceptTokensForAnyAudience`. */
  readonly audiences: ReadonlySet<string> | undefined;
  readonly build: (tenant: string, issuer: string) => Issuer;
}

export const TENANT = '{tenant}';
const SEGMENT = /^[A-Za-z0-9-]{1,64}$/;

/** Whether a name can replace `{tenant}`. */
export function isTenant(name: string): boolean {
  return SEGMENT.test(name);
}

/** Returns the tenant of an issuer that matches a template, or undefined. */
export function tenantOf(template: string, issuer: string): string | undefined {
  const [prefix, suffix] = template.split(TENANT) as [string, string];
  if (!issuer.startsWith(prefix) || !issuer.endsWith(suffix)) return undefined;
  const tenant = issuer.slice(prefix.length, issuer.length - suffix.length);
  return isTenant(tenant) ? tenant : undefined;
}

/** Returns the issuers of a template. Each is created when its first token arrives, and cached. */
export function tenantIssuers({ template, tenants, sharedKeys, audiences, build }: TenantsConfig): Issuers {
  const cache = createIssuerCache((issuer) => issuer.release());
  let closed = false;

  function buildNew(tenant: string, identifier: string): Issuer {
    const issuer = build(tenant, identifier);
    if (closed) issuer.keys.close();
    return issuer;
  }

  return {
    only: undefined,
    name: template,
    names: [template],
    introspecting: [],
    audiences: [...(audiences ?? [])],
    find(claimed) {
      const tenant = tenantOf(template, claimed);
      if (tenant === undefined || tenants?.has(tenant) === false) return undefined;
      return cache.get(tenant) ?? cache.add(tenant, buildNew(tenant, claimed));
    },
    known: () =>
      sharedKeys
        ? [{ name: template, isListed: true, keys: sharedKeys, introspectsAlways: false }]
        : cache.values().map(({ rules, keys }) => ({ name: rules.issuer, isListed: false, keys, introspectsAlways: false })),
    close() {
      closed = true;
      sharedKeys?.close();
      for (const { keys } of cache.values()) keys.close();
    },
  };
}
