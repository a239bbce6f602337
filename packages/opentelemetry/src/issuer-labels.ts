import type { GuardHealth } from '@tokenward/core';
import { createIssuerAttributes, type IssuerAttributes } from './attributes.js';
import { OTHER } from './closed-sets.js';

/** Which issuers are labels: a closed set, of which no token has a say. */
export interface IssuerLabels {
  /** What an event's issuer counts under. */
  of(issuer: unknown): IssuerAttributes;
  /** One that is a label itself. */
  listed(issuer: string): IssuerAttributes | undefined;
  /** Takes issuers in, each as long as there is room. */
  admit(issuers: Iterable<string>): void;
}

const MAX_ISSUERS = 200;
const LOOK_AGAIN_MS = 1000;
const TENANT = '{tenant}';

interface Template {
  readonly prefix: string;
  readonly suffix: string;
  readonly attributes: IssuerAttributes;
}

/**
 * @param look the guards' issuers by now: asked once a second at the most, however many events name others
 * @param admitted is told of each new label
 */
export function createIssuerLabels(look: () => Iterable<string>, admitted: (attributes: IssuerAttributes) => void): IssuerLabels {
  const labels = new Map<unknown, IssuerAttributes>();
  const templates: Template[] = [];
  const other = createIssuerAttributes(OTHER);
  let lookedAtMs = -Infinity;

  function admit(issuers: Iterable<string>): void {
    for (const issuer of issuers) {
      if (labels.has(issuer)) continue;
      if (labels.size >= MAX_ISSUERS) return;
      const attributes = createIssuerAttributes(issuer);
      labels.set(issuer, attributes);
      const [prefix, suffix] = issuer.split(TENANT);
      if (prefix !== undefined && suffix !== undefined) templates.push({ prefix, suffix, attributes });
      admitted(attributes);
    }
  }

  /** Tenants that have their keys in common count under their template. */
  function ofTemplate(issuer: unknown): IssuerAttributes | undefined {
    if (typeof issuer !== 'string') return undefined;
    return templates.find(({ prefix, suffix }) => issuer.startsWith(prefix) && issuer.endsWith(suffix))?.attributes;
  }

  function of(issuer: unknown): IssuerAttributes {
    const known = labels.get(issuer) ?? ofTemplate(issuer);
    if (known) return known;
    const now = performance.now();
    if (now - lookedAtMs < LOOK_AGAIN_MS) return other;
    lookedAtMs = now;
    admit(look());
    return labels.get(issuer) ?? ofTemplate(issuer) ?? other;
  }

  return { of, listed: (issuer) => labels.get(issuer), admit };
}

/** Before anybody has sent a token they are those that the options name. */
export function issuersAtStart({ issuers }: GuardHealth): string[] {
  return issuers.map(({ issuer }) => issuer);
}

/** Those that came later count from when their keys could be had: a resolver may agree to whatever a token claims, and what is made up has no keys. */
export function issuersWithKeys({ issuers }: GuardHealth): string[] {
  return issuers.filter(({ usable }) => usable).map(({ issuer }) => issuer);
}
