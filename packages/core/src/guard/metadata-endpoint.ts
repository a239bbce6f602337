import {
  isResourceUrl,
  mayBeMetadata,
  metadataPlace,
  offeredScopes,
  offeredServers,
  type MetadataAnswer,
  type MetadataEndpoint,
  type ResourceMetadataConfig,
} from '../decision/resource-metadata.js';
import type { ResponseHeaders } from '../decision/decision.js';
import type { Issuers } from '../issuer/issuer.js';
import { mentionedDetailTypes, mentionedScopes } from '../policy/evaluate.js';
import type { Policy, RoutePolicies } from '../policy/policy.js';
import { isPreflight } from '../request/preflight.js';

export interface MetadataEndpointConfig {
  readonly issuers: Issuers;
  /** Hosts besides loopback whose URLs may have plain http. */
  readonly httpHosts: ReadonlySet<string>;
  readonly metadata: ResourceMetadataConfig;
  readonly publicOrigin: string | undefined;
  readonly clientCertificate: { readonly isAnnounced: boolean };
  /** undefined if proofs are not accepted. */
  readonly dpop: { readonly algorithms: readonly string[] } | undefined;
  readonly senderConstraint: 'dpop' | 'mtls' | 'any' | undefined;
  /** Audiences of the guard itself, which come before those of its issuers. */
  readonly audiences: readonly string[];
}

/**
 * Creates the metadata of an API. Nothing in it comes from a request: a client chooses the `Host` that it sends, and a cache may serve the answer to others
 * (RFC 9728 s3.3, s7.3).
 */
export function createMetadataEndpoint(
  { issuers, httpHosts, metadata, publicOrigin, clientCertificate, dpop, senderConstraint, audiences }: MetadataEndpointConfig,
  policies: RoutePolicies,
): MetadataEndpoint {
  const resource = metadata.resource ?? [...audiences, ...issuers.audiences].find((name) => isResourceUrl(name, httpHosts)) ?? publicOrigin;
  if (resource === undefined) {
    process.emitWarning(UNKNOWN_RESOURCE, { code: 'TOKENWARD_METADATA' });
    return NOWHERE;
  }
  const { paths, url } = metadataPlace(resource, publicOrigin);
  const known: ReadonlySet<string> = new Set(paths);
  const servers = metadata.authorizationServers ?? offeredServers(issuers.names, httpHosts);
  let last: { readonly policies: readonly Policy[]; readonly count: number; readonly answer: MetadataAnswer } | undefined;

  function document(ofRoutes: readonly Policy[]): object {
    const scopes = metadata.scopes ?? offeredScopes(ofRoutes.flatMap(mentionedScopes));
    const types = [...new Set(ofRoutes.flatMap(mentionedDetailTypes))];
    const { resourceName, resourceDocumentation, resourcePolicyUri, resourceTosUri } = metadata;
    return {
      resource,
      // RFC 9728 s3.2: a list without items is left out
      authorization_servers: servers.length > 0 ? servers : undefined,
      scopes_supported: scopes.length > 0 ? scopes : undefined,
      bearer_methods_supported: ['header'],
      // RFC 9728 s2: false is the default
      tls_client_certificate_bound_access_tokens: clientCertificate.isAnnounced || senderConstraint === 'mtls' || senderConstraint === 'any' || undefined,
      dpop_signing_alg_values_supported: senderConstraint === 'mtls' ? undefined : dpop?.algorithms,
      dpop_bound_access_tokens_required: senderConstraint === 'dpop' || undefined,
      authorization_details_types_supported: types.length > 0 ? types : undefined,
      resource_name: resourceName,
      resource_documentation: resourceDocumentation,
      resource_policy_uri: resourcePolicyUri,
      resource_tos_uri: resourceTosUri,
    };
  }

  /** Returns the document. It is written again only if the routes have changed. */
  function found(): MetadataAnswer {
    const ofRoutes = typeof policies === 'function' ? policies() : policies;
    if (last?.policies === ofRoutes && last.count === ofRoutes.length) return last.answer;
    const answer = answerWith(200, JSON.stringify(document(ofRoutes)), DOCUMENT_HEADERS);
    last = { policies: ofRoutes, count: ofRoutes.length, answer };
    return answer;
  }

  return Object.freeze({
    paths,
    url,
    authorizationServers: servers,
    answer({ method, target, headers }) {
      // compared as it was sent: a path in another spelling may belong to another route
      if (!mayBeMetadata(target) || !known.has(target.split('?', 1)[0]!)) return undefined;
      if (method === 'GET' || method === 'HEAD') return found();
      return isPreflight({ method, target, headers }) ? PREFLIGHT : WRONG_METHOD;
    },
  } satisfies MetadataEndpoint);
}

/** Clients run in pages of any origin. */
const FOR_ALL_ORIGINS = { 'access-control-allow-origin': '*' };
/** Metadata changes when a new version of the app is deployed. */
const DOCUMENT_HEADERS: ResponseHeaders = { 'content-type': 'application/json', 'cache-control': 'public, max-age=300', ...FOR_ALL_ORIGINS };
const ALLOWED = 'GET, HEAD';
const WRONG_METHOD = answerWith(405, '', { allow: ALLOWED, ...FOR_ALL_ORIGINS });
/** Clients may send headers of their own, such as MCP-Protocol-Version. */
const PREFLIGHT = answerWith(204, '', {
  ...FOR_ALL_ORIGINS,
  'access-control-allow-methods': ALLOWED,
  'access-control-allow-headers': '*',
  'access-control-max-age': '86400',
});

const UNKNOWN_RESOURCE =
  'guard.metadata() serves nothing, since no option says the URL of this API: its audience is not an https URL. Set publicOrigin or metadata.resource';
const NOWHERE: MetadataEndpoint = Object.freeze({ paths: Object.freeze([]), url: undefined, authorizationServers: Object.freeze([]), answer: () => undefined });

function answerWith(status: number, body: string, headers: ResponseHeaders): MetadataAnswer {
  return Object.freeze({ status, headers: Object.freeze(headers), body });
}
