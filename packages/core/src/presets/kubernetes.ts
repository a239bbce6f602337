import type { ClaimsSchema } from '../auth/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import type { GuardOptions } from '../options.js';
import { finish, readBaseUrl, readPreset, readTexts, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface KubernetesOptions extends PresetOptions {
  /** The service accounts that may call, as `namespace/name`. */
  readonly serviceAccounts?: readonly string[] | undefined;
  /** The namespaces of which every service account may call, instead of `serviceAccounts`. */
  readonly namespaces?: readonly string[] | undefined;
  /** The issuer of the cluster's tokens (`--service-account-issuer`). Default: `https://kubernetes.default.svc.cluster.local`. */
  readonly clusterIssuer?: string | undefined;
  /**
   * Where the keys are. `cluster`: at the API server of the cluster that this process runs in, with the token and the authority that Kubernetes mounts into
   * each pod. `issuer`: at the public address of the issuer, as managed clusters have it. Default: `cluster`.
   */
  readonly keys?: 'cluster' | 'issuer' | undefined;
}

/**
 * Returns the options for the tokens with which pods call APIs: projected tokens of service accounts.
 *
 * - A pod chooses the `aud` of its token, in `serviceAccountToken.audience` of a projected volume. Choose one for this API: tokens for the API server itself,
 *   which every pod has, must not be accepted.
 * - `serviceAccounts` or `namespaces` says who may call. `sub` is `system:serviceaccount:<namespace>:<name>`.
 * - Tokens from Secrets, of old clusters, have no `aud` and do not expire. They are refused.
 * - Whether the pod still exists is not checked. The token stays valid until it expires; only the TokenReview API says more.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(kubernetes({ audience: 'orders', serviceAccounts: ['shop/web'] }))
 */
export function kubernetes<S extends ClaimsSchema | undefined = undefined>(options: KubernetesOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('kubernetes', options, ['serviceAccounts', 'namespaces', 'clusterIssuer', 'keys']);
  const issuer = reader.get('clusterIssuer') === undefined ? CLUSTER_ISSUER : readBaseUrl(reader, 'clusterIssuer');
  const keys = reader.get('keys') ?? 'cluster';
  if (keys !== 'cluster' && keys !== 'issuer') reader.wrong('keys', 'must be "cluster" or "issuer"');
  const byNamespace = reader.get('namespaces') !== undefined;
  if (byNamespace && reader.get('serviceAccounts') !== undefined) reader.wrong('namespaces', 'cannot be combined with serviceAccounts. Set only one of them');
  const requiredValues = byNamespace
    ? { 'kubernetes.io': { namespace: readTexts(reader, 'namespaces', NAMESPACE, 'a list of names of namespaces') } }
    : { sub: readTexts(reader, 'serviceAccounts', ACCOUNT, 'a list of service accounts such as shop/web').map(subjectOf) };
  const inCluster = keys === 'cluster';
  const merged = withKnown(reader, rest, { requiredClaims: ['sub', 'kubernetes.io'], requiredValues, jwksUri: inCluster ? CLUSTER_KEYS : undefined });
  const fetched = inCluster && merged.jwksUri === CLUSTER_KEYS ? { keyFetching: fetchingOf(rest) } : undefined;
  return finish(reader, () => keepDemands({ ...merged, ...fetched, issuer }) as PresetResult<S>);
}

const CLUSTER_ISSUER = 'https://kubernetes.default.svc.cluster.local';
const CLUSTER_KEYS = 'https://kubernetes.default.svc/openid/v1/jwks';
const MOUNTED = '/var/run/secrets/kubernetes.io/serviceaccount';
/** RFC 1123 labels and, for service accounts, subdomains. */
const NAMESPACE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const ACCOUNT = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\/[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

function subjectOf(account: string): string {
  return `system:serviceaccount:${account.replace('/', ':')}`;
}

/** A fetch of the user's own has its own authorities. A value of the wrong type is passed on, so that the guard reports it. */
function fetchingOf({ keyFetching, fetch }: GuardOptions): GuardOptions['keyFetching'] {
  if (keyFetching !== undefined && (typeof keyFetching !== 'object' || keyFetching === null || Array.isArray(keyFetching))) return keyFetching;
  return { ...(fetch === undefined && keyFetching?.ca === undefined && { caFile: `${MOUNTED}/ca.crt` }), bearerTokenFile: `${MOUNTED}/token`, ...keyFetching };
}
