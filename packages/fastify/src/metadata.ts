import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { misuse, type MetadataEndpoint } from '@tokenward/core/adapter';
import { metadataConfig, WELL_KNOWN } from './metadata-route.js';
import { setHeaders } from './reply-headers.js';
import { markReceiver } from './route-rules.js';

/** Returns a plugin with the routes of the metadata. */
export function metadataPlugin(endpoint: MetadataEndpoint): FastifyPluginAsync {
  const handler = markReceiver(async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const { method, headers, raw } = request;
    // the router decodes paths, and may ignore their case
    const metadata = endpoint.answer({ method, target: raw.url ?? '/', headers });
    if (!metadata) return reply.callNotFound();
    setHeaders(reply, metadata.headers);
    return reply.code(metadata.status).serializer(String).send(metadata.body);
  });

  return async (scope) => {
    if (scope.prefix !== '') {
      throw misuse(
        'app.guard.metadata()',
        `is registered with the prefix "${scope.prefix}", where no client looks for metadata (RFC 9728 s3.1). Register it in the app itself`,
      );
    }
    const urls = new Set(endpoint.paths.map((path) => routePath(path, ignoresLastSlash(scope))));
    for (const url of urls) {
      // another API of this app may have the path without that of a resource
      if (url === WELL_KNOWN && scope.hasRoute({ method: 'GET', url })) continue;
      scope.route({ method: ['GET', 'HEAD', 'OPTIONS'], url, config: metadataConfig({ urls, answer: endpoint.answer }), handler });
    }
  };
}

/** Fastify's router compares decoded paths, and takes a colon for the beginning of a parameter. */
function routePath(path: string, dropsLastSlash: boolean): string {
  const decoded = decodeURI(path).replaceAll(':', '::');
  return dropsLastSlash ? decoded.replace(/\/$/, '') : decoded;
}

/** Then two paths that differ only in the last slash are one route. */
function ignoresLastSlash({ initialConfig }: FastifyInstance): boolean {
  const { ignoreTrailingSlash, routerOptions } = initialConfig as { ignoreTrailingSlash?: boolean; routerOptions?: { ignoreTrailingSlash?: boolean } };
  return ignoreTrailingSlash === true || routerOptions?.ignoreTrailingSlash === true;
}
