import type { Clock } from '../lib/clock.js';
import type { OptionReader } from '../lib/option-reader.js';
import { readTable } from '../lib/option-table.js';
import type { OutageWarnings } from '../events/outage-warnings.js';
import { createKeyAccess } from '../keys/key-access.js';
import { keysOfBothKinds } from '../keys/both-kinds.js';
import { bothValues, RFC9068_CLAIMS, type ClaimRules } from './claim-rules.js';
import { checkIssuedAtOptions, requireAudience } from './claim-options.js';
import { allowedAlgorithms, asksIssuer, checkKeyOptions, readGivenKeys, readGivenSecrets } from './given-keys.js';
import type { Issuer, Issuers } from './issuer.js';
import type { KeySource } from '../keys/key-source.js';
import type { Probes } from '../keys/probes.js';
import { ISSUER_OPTIONS, type IssuerValues } from './issuer-table.js';
import { checkKeyAccess } from './read-key-fetching.js';
import { readIntrospection } from './read-introspection.js';
import type { IntrospectionConfig } from './introspection-config.js';
import { checkTenantValues, requireIssuer, requireTenants } from './read-identifier.js';
import { createRemoteKeySource } from '../keys/remote-keys.js';
import type { SecretOwner } from '../keys/secret-owners.js';
import type { SharedSources } from '../keys/shared-sources.js';
import { algorithmsOf, checkSvidOptions } from './svid.js';
import { TENANT, tenantIssuers } from './tenants.js';
import type { Transport } from '../net/transport.js';

/** What an issuer needs from its guard. */
export interface IssuerContext {
  readonly clock: Clock;
  readonly transport: Transport;
  /** Whether the transport is the user's own fetch. */
  readonly hasOwnFetch: boolean;
  readonly outages: OutageWarnings;
  readonly metadataOutages: OutageWarnings;
  /** Whether missing options may come from the environment. They may not if there are several issuers. */
  readonly environment: boolean;
  /** Key sources that the issuers of a resolver share, so that the keys of one issuer under several options are fetched once. */
  readonly keySources?: SharedSources | undefined;
  /** Detects secrets that another issuer has too. Set if there are several issuers. */
  readonly secretOwner?: SecretOwner | undefined;
  /** Limits the fetches for issuers that the options do not name. */
  readonly probes: Probes;
}

/**
 * Reads one issuer's options and reports problems to the reader. Call the result only if there were none.
 *
 * @returns creates the issuer, or the issuers of its tenants
 */
export function readIssuerOptions(reader: OptionReader, context: IssuerContext): () => Issuer | Issuers {
  const { clock, transport, hasOwnFetch, outages, metadataOutages, environment, keySources, secretOwner, probes } = context;
  const values = readTable(reader, ISSUER_OPTIONS);
  const { keyFetching, jwksUri, metadataUrl, unsafeHttpHosts = NO_HOSTS } = values;
  const { profile } = values;
  const algorithms = allowedAlgorithms(reader, values.algorithms);
  const { macs } = algorithms;
  const publicKeys = algorithmsOf(profile, algorithms.publicKeys);
  const keyUse = profile === 'jwt-svid' ? profile : 'sig';
  const isFetchedFrom = profile !== 'jwt-svid' && asksIssuer(reader, publicKeys);
  const issuer = requireIssuer(reader, values.issuer, environment, isFetchedFrom, unsafeHttpHosts);
  if (profile === 'jwt-svid') checkSvidOptions(reader, issuer);
  checkKeyAccess(reader, jwksUri ?? metadataUrl ?? issuer, keyFetching, hasOwnFetch);
  const audiences = requireAudience(reader, values.audience, values.unsafeAcceptTokensForAnyAudience, environment);
  const tenants = requireTenants(reader, issuer, values.tenants, values.unsafeAcceptAnyTenant);
  const rules = claimRulesOf(values, issuer, audiences);
  checkIssuedAtOptions(reader, rules.acceptWithoutIssuedAt);
  checkTenantValues(reader, tenants, rules);
  const fileOwner = { issuer, isListed: keySources === undefined, outages };
  const given = readGivenKeys(reader, values, publicKeys, { maxKeys: keyFetching.maxKeys, use: keyUse }, fileOwner);
  const secrets = readGivenSecrets(reader, values, macs, secretOwner, fileOwner);
  checkKeyOptions(reader, algorithms, tenants !== undefined);
  const source = { issuer, metadataUrl, unsafeHttpHosts };
  const access = createKeyAccess({ ...keyFetching, ...source, jwksUri });
  const introspection = readIntrospection(reader, values.introspect, { source, transport, access, hasOwnFetch, clock, fileOwner });
  if (introspection && tenants !== undefined)
    reader.wrong(
      'introspection',
      'cannot be combined with {tenant}, since an opaque token names no tenant. List the tenants in issuers, each with introspection',
    );

  /** @param release is called when the guard evicts the issuer */
  function issuerWith(
    identifier: string,
    extraValues: ClaimRules['requiredValues'],
    keys: KeySource,
    isListed: boolean,
    release: () => void,
    asked?: IntrospectionConfig,
  ): Issuer {
    return {
      algorithms: new Set<string>([...macs, ...publicKeys]),
      rules: { ...rules, issuer: identifier, requiredValues: bothValues(rules.requiredValues, extraValues) },
      keys,
      introspection: asked,
      isVerified: isListed,
      release,
    };
  }

  function remoteKeys(identifier: string, tenant: string | undefined, isListed: boolean): KeySource {
    const ofTenant = (address: string | undefined): string | undefined => (tenant === undefined ? address : address?.replace(TENANT, tenant));
    return createRemoteKeySource({
      ...keyFetching,
      issuer: identifier,
      jwksUri: ofTenant(jwksUri),
      metadataUrl: ofTenant(metadataUrl),
      unsafeHttpHosts,
      algorithms: publicKeys,
      keyUse,
      clock,
      transport,
      outages,
      metadataOutages,
      probes: isListed ? undefined : probes,
    });
  }

  function createOne(): Issuer {
    const secretKeys = secrets?.();
    if (given || publicKeys.length === 0) {
      const keys = given ? withSecrets(secretKeys, given(), true) : secretKeys!;
      const release = (): void => {
        keys.close();
        secretOwner?.release();
      };
      return issuerWith(issuer, NO_VALUES, keys, !keySources, release, introspection?.());
    }
    if (!keySources)
      return issuerWith(issuer, NO_VALUES, withSecrets(secretKeys, remoteKeys(issuer, undefined, true), true), true, () => {}, introspection?.());
    const hosts = { jwksHosts: [...(keyFetching.jwksHosts ?? [])], unsafeHttpHosts: [...unsafeHttpHosts] };
    const name = JSON.stringify([issuer, jwksUri, metadataUrl, publicKeys, keyUse, { ...keyFetching, ...hosts }]);
    const keys = keySources.acquire(name, () => remoteKeys(issuer, undefined, false));
    return issuerWith(issuer, NO_VALUES, withSecrets(secretKeys, keys, false), false, () => {
      secretKeys?.close();
      secretOwner?.release();
      keySources.release(name);
    });
  }

  /** Returns the keys that all tenants share. With secrets they always do: see checkKeyOptions. */
  function createSharedKeys(): KeySource | undefined {
    if (secrets && publicKeys.length === 0) return secrets();
    const keys = given ? given() : jwksUri?.includes(TENANT) === false ? remoteKeys(issuer, undefined, true) : undefined;
    return keys && withSecrets(secrets?.(), keys, true);
  }

  return () => {
    if (!tenants) return createOne();
    const shared = createSharedKeys();
    return tenantIssuers({
      template: issuer,
      tenants: tenants === 'any' ? undefined : tenants,
      sharedKeys: shared,
      audiences,
      build(tenant, identifier) {
        const keys = shared ?? remoteKeys(identifier, tenant, false);
        return issuerWith(identifier, new Map([['tid', new Set([tenant])]]), keys, false, () => {});
      },
    });
  };
}

function claimRulesOf(values: IssuerValues, issuer: string, audiences: ClaimRules['audiences']): ClaimRules {
  return {
    issuer,
    audiences,
    clockSkewSeconds: values.clockSkewSeconds,
    requiredClaims: [...(values.profile === 'rfc9068' ? RFC9068_CLAIMS : []), ...(values.requiredClaims ?? [])],
    ...values.requiredValues,
    forbiddenClaims: values.forbiddenClaims ?? [],
    forbiddenValues: values.forbiddenValues,
    maxTokenAgeSeconds: values.maxTokenAgeSeconds,
    maxTokenLifetimeSeconds: values.maxTokenLifetimeSeconds,
    allowedClients: values.allowedClients && new Set(values.allowedClients),
    clientIdClaim: values.clientIdClaim,
    profile: values.profile,
    rolesFrom: values.rolesClaim ?? [['roles']],
    scopesFrom: values.scopesClaim,
    acceptWithoutIssuedAt: values.unsafeAcceptTokensWithoutIssuedAt,
  };
}

function withSecrets(secrets: KeySource | undefined, keys: KeySource, ownsKeys: boolean): KeySource {
  return secrets ? keysOfBothKinds(secrets, keys, ownsKeys) : keys;
}

const NO_HOSTS: ReadonlySet<string> = new Set();
const NO_VALUES: ClaimRules['requiredValues'] = new Map();
