import type { Issuer, Issuers } from './issuer.js';
import { keptIssuers } from './kept-issuers.js';
import type { KeySource } from '../keys/key-source.js';

/** Issuers that differ in one segment of their identifier. */
export interface TenantsConfig {
  /** With `{tenant}` in it, once. */
  readonly template: string;
  /** undefined: any, since the options said so. */
  readonly tenants: ReadonlySet<string> | undefined;
  /** The keys of all tenants, where they have them in common. */
  readonly sharedKeys: KeySource | undefined;
  readonly build: (tenant: string, issuer: string) => Issuer;
}

export const TENANT = '{tenant}';
const SEGMENT = /^[A-Za-z0-9-]{1,64}$/;

/** Whether a name can stand for `{tenant}`. */
export function isTenant(name: string): boolean {
  return SEGMENT.test(name);
}

/** The tenant of an issuer that a template stands for. */
export function tenantOf(template: string, issuer: string): string | undefined {
  const [prefix, suffix] = template.split(TENANT) as [string, string];
  if (!issuer.startsWith(prefix) || !issuer.endsWith(suffix)) return undefined;
  const tenant = issuer.slice(prefix.length, issuer.length - suffix.length);
  return isTenant(tenant) ? tenant : undefined;
}

/** What an entry's issuer stands for: itself, or one identifier for each tenant. */
export interface Identifiers {
  readonly segments: readonly string[];
  readonly isTemplate: boolean;
  /** undefined: any. */
  readonly tenants: ReadonlySet<unknown> | undefined;
}

/** An identifier that two entries both stand for, if there is one. `{tenant}` is a whole segment, so it is enough to compare segment by segment. */
export function identifierOfBoth(one: Identifiers, other: Identifiers): string | undefined {
  if (one.segments.length !== other.segments.length) return undefined;
  const both: string[] = [];
  for (const [at, segment] of one.segments.entries()) {
    const common = segmentOfBoth(segment, one.tenants, other.segments[at]!, other.tenants);
    if (common === undefined) return undefined;
    both.push(common);
  }
  return both.join('/');
}

function segmentOfBoth(one: string, ours: Identifiers['tenants'], other: string, theirs: Identifiers['tenants']): string | undefined {
  if (one !== TENANT && other !== TENANT) return one === other ? one : undefined;
  if (other !== TENANT) return isAmong(other, ours) ? other : undefined;
  if (one !== TENANT) return isAmong(one, theirs) ? one : undefined;
  if (!ours && !theirs) return 'any';
  return [...(ours ?? theirs!)].find((tenant): tenant is string => isAmong(tenant, ours) && isAmong(tenant, theirs));
}

function isAmong(tenant: unknown, tenants: Identifiers['tenants']): boolean {
  return typeof tenant === 'string' && isTenant(tenant) && tenants?.has(tenant) !== false;
}

/** One issuer for each tenant, built when its first token comes, and kept while there is room. */
export function tenantIssuers({ template, tenants, sharedKeys, build }: TenantsConfig): Issuers {
  const built = keptIssuers((issuer) => issuer.release());
  let closed = false;

  function buildAnew(tenant: string, identifier: string): Issuer {
    const issuer = build(tenant, identifier);
    if (closed) issuer.keys.close();
    return issuer;
  }

  return {
    only: undefined,
    name: template,
    names: [template],
    find(claimed) {
      const tenant = tenantOf(template, claimed);
      if (tenant === undefined || tenants?.has(tenant) === false) return undefined;
      return built.get(tenant) ?? built.add(tenant, buildAnew(tenant, claimed));
    },
    known: () =>
      sharedKeys
        ? [{ name: template, isListed: true, keys: sharedKeys }]
        : built.values().map(({ rules, keys }) => ({ name: rules.issuer, isListed: false, keys })),
    close() {
      closed = true;
      sharedKeys?.close();
      for (const { keys } of built.values()) keys.close();
    },
  };
}
