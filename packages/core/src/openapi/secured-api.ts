import { offeredServers } from '../decision/resource-metadata.js';
import type { GuardConfig } from '../options.js';

/** What documents need to know about the guard of an API. */
export interface SecuredApi {
  /** The issuers whose names are URLs. */
  readonly issuers: readonly string[];
  /** Whether the guard also accepts tokens of issuers that are not listed here, or whose metadata has no address. */
  readonly hasOtherIssuers: boolean;
  readonly hasSession: boolean;
  /** How every token must be bound to its sender: one of these. Empty: bearer tokens are accepted. */
  readonly proofs: readonly ('dpop' | 'mtls')[];
  /** Whether proofs need a nonce of this guard. */
  readonly hasNonces: boolean;
  /** Scopes that imply others: the option `scopes`. */
  readonly impliedScopes: Readonly<Record<string, readonly string[]>>;
}

/** Nobody would read a longer list of issuers. */
const MAX_ISSUERS = 20;

/**
 * Returns what documents say about a guard. Like the metadata of the API (RFC 9728), it contains nothing that is meant for the guard alone: no `metadataUrl`
 * and no `jwksUri`, which may be addresses of a private network.
 */
export function securedApi(
  config: Pick<GuardConfig, 'issuers' | 'httpHosts' | 'metadata' | 'session' | 'scopeHierarchy' | 'senderConstraint' | 'dpop'>,
): SecuredApi {
  const { issuers, httpHosts, metadata, session, scopeHierarchy, senderConstraint, dpop } = config;
  const names = metadata.authorizationServers ?? issuers.names;
  const listed = offeredServers(names, httpHosts);
  const isTooLong = listed.length > MAX_ISSUERS;
  return {
    issuers: isTooLong ? [] : listed,
    hasOtherIssuers: isTooLong || listed.length < names.length || listed.length === 0,
    hasSession: session !== undefined,
    proofs: senderConstraint === 'any' ? (dpop ? ['dpop', 'mtls'] : ['mtls']) : senderConstraint ? [senderConstraint] : [],
    hasNonces: dpop?.nonces !== undefined,
    impliedScopes: impliedBy(scopeHierarchy),
  };
}

/** The hierarchy lists the scopes that imply a scope. A document lists the scopes that a scope implies. */
function impliedBy(hierarchy: GuardConfig['scopeHierarchy']): Readonly<Record<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const [implied, by] of hierarchy ?? []) for (const scope of by) found.set(scope, [...(found.get(scope) ?? []), implied]);
  return Object.fromEntries(found);
}
