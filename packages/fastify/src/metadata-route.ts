import type { FastifyContextConfig, FastifyRequest } from 'fastify';

/** Every path of metadata begins like this (RFC 9728 s3). */
export const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** Marks the configuration of a route that serves metadata with the URLs of such routes, because a configuration may be copied to another route. */
const METADATA = Symbol('metadata');

export function metadataConfig(urls: ReadonlySet<string>): FastifyContextConfig {
  return { [METADATA]: urls } as FastifyContextConfig;
}

/** Returns whether a request is on a route that serves metadata. Guards let it pass there, since nothing else can run. */
export function isOnMetadataRoute(request: FastifyRequest): boolean {
  // Fastify makes the options of a route anew for each request
  if (request.raw.url?.startsWith(WELL_KNOWN) !== true) return false;
  const { url, config } = request.routeOptions;
  return url !== undefined && (config as { [METADATA]?: ReadonlySet<string> })[METADATA]?.has(url) === true;
}
