import { inspect } from 'node:util';
import type { FoundRoute } from './route.js';

type Fields = Readonly<Record<string, string>>;

/** A version, a host or the like for which a framework has a route of its own. */
export interface Variant {
  /** `version 2`. undefined: every request that asks for no other. */
  readonly words: string | undefined;
  /** The headers of a request for it. undefined: unknown. */
  readonly headers: Fields | undefined;
}

const ANY: Variant = { words: undefined, headers: {} };

/** Returns the route once for each variant, so that each is tried. */
export function withVariants(routes: readonly FoundRoute[], variants: readonly Variant[]): readonly FoundRoute[] {
  return variants.length === 0 ? routes : routes.flatMap((route) => variants.map((variant) => ofVariant(route, variant)));
}

function ofVariant(route: FoundRoute, { words, headers }: Variant): FoundRoute {
  if (words === undefined) return route;
  const only = `only for ${words}${headers ? '' : ', and it is unknown how to ask for that'}`;
  return {
    ...route,
    note: route.note === undefined ? only : `${route.note}; ${only}`,
    headers: { ...route.headers, ...headers },
    sample: headers && route.sample,
  };
}

/** @param ask returns the headers that ask for a version; undefined if that is unknown */
export function versionVariants(versions: unknown, ask: (version: string) => Fields | undefined): readonly Variant[] {
  return [versions].flat().map((version) => (typeof version === 'string' ? { words: `version ${version}`, headers: ask(version) } : ANY));
}

const HOST = /^[\w.-]+(?::\d+)?$/;

/** @param sampleOf returns a host that a pattern of the framework matches */
export function hostVariants(hosts: unknown, sampleOf: (pattern: string) => string = (host) => host): readonly Variant[] {
  return [hosts].flat().map((host) => {
    if (host === undefined) return ANY;
    const sample = typeof host === 'string' ? sampleOf(host) : '';
    return { words: `host ${shown(host)}`, headers: HOST.test(sample) ? { host: sample } : undefined };
  });
}

/** A variant that the app itself tells apart. */
export function ownVariants(name: string, value: unknown): readonly Variant[] {
  return [{ words: `${name} ${shown(value)}`, headers: undefined }];
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { breakLength: Infinity });
}
