import type { GuardHealth } from '@tokenward/core';
import { createIssuerAttributes, type IssuerAttributes } from './attributes.js';
import { OTHER } from './closed-sets.js';

/** The issuers that have a label of their own: a closed set, to which tokens cannot add. */
export interface IssuerLabels {
  /** Returns the attributes with which an event of this issuer is counted. */
  of(issuer: unknown): IssuerAttributes;
  /** Returns the attributes of an issuer that has a label of its own. */
  own(issuer: string): IssuerAttributes | undefined;
  /** Gives issuers a label of their own, up to the limit. */
  add(issuers: Iterable<string>): void;
}

const MAX_ISSUERS = 200;
const REFRESH_EVERY_MS = 1000;
const TENANT = '{tenant}';

interface Template {
  readonly prefix: string;
  readonly suffix: string;
  readonly attributes: IssuerAttributes;
}

/**
 * Creates the set of labels.
 *
 * @param currentIssuers returns the issuers of the guards. Called at most once a second, however many events name unknown issuers
 * @param added called with each new label
 */
export function createIssuerLabels(currentIssuers: () => Iterable<string>, added: (attributes: IssuerAttributes) => void): IssuerLabels {
  const labels = new Map<unknown, IssuerAttributes>();
  const templates: Template[] = [];
  const other = createIssuerAttributes(OTHER);
  let refreshedAtMs = -Infinity;

  function add(issuers: Iterable<string>): void {
    for (const issuer of issuers) {
      if (labels.has(issuer)) continue;
      if (labels.size >= MAX_ISSUERS) return;
      const attributes = createIssuerAttributes(issuer);
      labels.set(issuer, attributes);
      const [prefix, suffix] = issuer.split(TENANT);
      if (prefix !== undefined && suffix !== undefined) templates.push({ prefix, suffix, attributes });
      added(attributes);
    }
  }

  /** Tenants that share their keys count under their template. */
  function ofTemplate(issuer: unknown): IssuerAttributes | undefined {
    if (typeof issuer !== 'string') return undefined;
    return templates.find(({ prefix, suffix }) => issuer.startsWith(prefix) && issuer.endsWith(suffix))?.attributes;
  }

  function of(issuer: unknown): IssuerAttributes {
    const known = labels.get(issuer) ?? ofTemplate(issuer);
    if (known) return known;
    const now = performance.now();
    if (now - refreshedAtMs < REFRESH_EVERY_MS) return other;
    refreshedAtMs = now;
    add(currentIssuers());
    return labels.get(issuer) ?? ofTemplate(issuer) ?? other;
  }

  return { of, own: (issuer) => labels.get(issuer), add };
}

/** Returns all issuers that a guard knows. Before the first request, these are the issuers in its options. */
export function issuersAtStart({ issuers }: GuardHealth): string[] {
  return issuers.map(({ issuer }) => issuer);
}

/** Returns the issuers whose keys were fetched. A resolver may accept any issuer that a token claims, but an invented one has no keys. */
export function issuersWithKeys({ issuers }: GuardHealth): string[] {
  return issuers.filter(({ usable }) => usable).map(({ issuer }) => issuer);
}
