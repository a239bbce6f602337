import { bounded } from './bounded.js';
import type { Issuer, Issuers } from './issuer.js';

/** Issuers that differ in one segment of their identifier. */
export interface TenantsConfig {
  /** With `{tenant}` in it, once. */
  readonly template: string;
  /** undefined: any, since the options said so. */
  readonly tenants: ReadonlySet<string> | undefined;
  readonly build: (tenant: string, issuer: string) => Issuer;
}

export const TENANT = '{tenant}';
const SEGMENT = /^[A-Za-z0-9-]{1,64}$/;
const MAX_TENANTS = 1000;

/** Whether a name can stand for `{tenant}`. */
export function isTenant(name: string): boolean {
  return SEGMENT.test(name);
}

/** One issuer for each tenant, built when its first token comes; of those that were not used for longest only so many are kept. */
export function tenantIssuers({ template, tenants, build }: TenantsConfig): Issuers {
  const [prefix, suffix] = template.split(TENANT) as [string, string];
  const built = bounded<Issuer>(Math.max(MAX_TENANTS, tenants?.size ?? 0));

  return {
    only: undefined,
    name: template,
    find(claimed) {
      if (!claimed.startsWith(prefix) || !claimed.endsWith(suffix)) return undefined;
      const tenant = claimed.slice(prefix.length, claimed.length - suffix.length);
      if (!isTenant(tenant) || tenants?.has(tenant) === false) return undefined;
      return built.get(tenant) ?? built.set(tenant, build(tenant, claimed));
    },
    known: () => built.values(),
  };
}
