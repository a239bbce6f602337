import type { MetadataEndpoint } from '@tokenward/core/adapter';
import type { FastifyContextConfig, FastifyRequest } from 'fastify';

/** Every path of metadata begins like this (RFC 9728 s3). */
export const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** Marks the configuration of a route that serves metadata. */
const METADATA = Symbol('metadata');

interface MetadataRoutes {
  /** The URLs of the routes, because a configuration may be copied to another route. */
  readonly urls: ReadonlySet<string>;
  readonly answer: MetadataEndpoint['answer'];
}

export function metadataConfig(routes: MetadataRoutes): FastifyContextConfig {
  return { [METADATA]: routes } as FastifyContextConfig;
}

/**
 * Returns whether a request gets the metadata as its answer. Guards let it pass then, because nothing else can run. Fastify's router also sends other spellings of
 * the path to such a route. They get the answer for unknown paths, which may be a handler of the app, so guards do not let them pass.
 */
export function getsMetadata({ raw, method, headers, routeOptions }: FastifyRequest): boolean {
  const target = raw.url;
  // Fastify makes the options of a route anew for each request
  if (target?.startsWith(WELL_KNOWN) !== true) return false;
  const { url, config } = routeOptions;
  const routes = (config as { [METADATA]?: MetadataRoutes })[METADATA];
  return url !== undefined && routes?.urls.has(url) === true && routes.answer({ method, target, headers }) !== undefined;
}
