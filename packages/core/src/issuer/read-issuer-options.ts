import type { Clock } from '../lib/clock.js';
import type { OptionReader } from '../lib/option-reader.js';
import type { OutageWarnings } from '../events/outage-warnings.js';
import { keysOfBothKinds } from '../keys/both-kinds.js';
import { bothValues, type ClaimRules } from './claim-rules.js';
import { asksIssuer, checkKeyOptions, readAlgorithms, readGivenKeys, readGivenSecrets } from './given-keys.js';
import type { Issuer, Issuers } from './issuer.js';
import type { KeySource } from '../keys/key-source.js';
import type { Probes } from '../keys/probes.js';
import { readClaimRules } from './read-claim-rules.js';
import { checkTenantValues, readIssuer, readTenants } from './read-identifier.js';
import { readAddress, readKeyFetching } from './read-key-fetching.js';
import { createRemoteKeySource } from '../keys/remote-keys.js';
import type { SecretOwner } from '../keys/secret-owners.js';
import type { SharedSources } from '../keys/shared-sources.js';
import { TENANT, tenantIssuers } from './tenants.js';
import type { Transport } from '../net/transport.js';

/** What issuers have in common. */
export interface IssuerSurroundings {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly outages: OutageWarnings;
  /** Whether what is absent may come from the environment: not where there are several. */
  readonly environment: boolean;
  /** Keys that several issuers have in common, by what they are fetched with: one issuer under several options is asked once. */
  readonly keySources?: SharedSources | undefined;
  /** Where there are several: whose secrets are whose. */
  readonly secretOwner?: SecretOwner | undefined;
  /** For issuers that tokens name, and not the options alone. */
  readonly probes: Probes;
}

/**
 * Reads one issuer's options. What is wrong with them is told to the reader; the result is then not to be used.
 *
 * @returns makes the issuer, or the issuers of its tenants, once everything is known to be right
 */
export function readIssuerOptions(reader: OptionReader, surroundings: IssuerSurroundings): () => Issuer | Issuers {
  const { clock, transport, outages, environment, keySources, secretOwner, probes } = surroundings;
  const unsafeHttpHosts = reader.hosts('unsafeHttpHosts') ?? NO_HOSTS;
  const { macs, publicKeys } = readAlgorithms(reader);
  const issuer = readIssuer(reader, environment, asksIssuer(reader, publicKeys), unsafeHttpHosts);
  const tenants = readTenants(reader, issuer);
  const rules = readClaimRules(reader, issuer, environment);
  checkTenantValues(reader, tenants, rules);
  const fetching = readKeyFetching(reader);
  const jwksUri = readAddress(reader, 'jwksUri', unsafeHttpHosts);
  const metadataUrl = readAddress(reader, 'metadataUrl', unsafeHttpHosts);
  const given = readGivenKeys(reader, publicKeys, fetching.maxKeys, issuer, outages);
  const secrets = readGivenSecrets(reader, macs, issuer, outages, secretOwner);
  checkKeyOptions(reader, { macs, publicKeys }, tenants !== undefined);

  /** @param release is told when the issuer is kept no longer */
  function make(identifier: string, moreValues: ClaimRules['requiredValues'], keys: KeySource, isListed: boolean, release: () => void): Issuer {
    return {
      algorithms: new Set<string>([...macs, ...publicKeys]),
      rules: { ...rules, issuer: identifier, requiredValues: bothValues(rules.requiredValues, moreValues) },
      keys,
      isVerified: isListed,
      release,
    };
  }

  function remoteKeys(identifier: string, tenant: string | undefined, isListed: boolean): KeySource {
    const ofTenant = (address: string | undefined): string | undefined => (tenant === undefined ? address : address?.replace(TENANT, tenant));
    return createRemoteKeySource({
      ...fetching,
      issuer: identifier,
      jwksUri: ofTenant(jwksUri),
      metadataUrl: ofTenant(metadataUrl),
      unsafeHttpHosts,
      algorithms: publicKeys,
      clock,
      transport,
      outages,
      probes: isListed ? undefined : probes,
    });
  }

  function makeOne(): Issuer {
    const ofSecrets = secrets?.();
    if (given || publicKeys.length === 0) {
      const keys = given ? beside(ofSecrets, given(), true) : ofSecrets!;
      return make(issuer, NO_VALUES, keys, !keySources, () => {
        keys.close();
        secretOwner?.release();
      });
    }
    if (!keySources) return make(issuer, NO_VALUES, beside(ofSecrets, remoteKeys(issuer, undefined, true), true), true, () => {});
    const hosts = { jwksHosts: [...(fetching.jwksHosts ?? [])], unsafeHttpHosts: [...unsafeHttpHosts] };
    const name = JSON.stringify([issuer, jwksUri, metadataUrl, publicKeys, { ...fetching, ...hosts }]);
    const keys = keySources.acquire(name, () => remoteKeys(issuer, undefined, false));
    return make(issuer, NO_VALUES, beside(ofSecrets, keys, false), false, () => {
      ofSecrets?.close();
      secretOwner?.release();
      keySources.release(name);
    });
  }

  /** The keys that all tenants have in common, if they have: with secrets they do, see checkKeyOptions. */
  function makeShared(): KeySource | undefined {
    if (secrets && publicKeys.length === 0) return secrets();
    const keys = given ? given() : jwksUri?.includes(TENANT) === false ? remoteKeys(issuer, undefined, true) : undefined;
    return keys && beside(secrets?.(), keys, true);
  }

  return () => {
    if (!tenants) return makeOne();
    const shared = makeShared();
    return tenantIssuers({
      template: issuer,
      tenants: tenants === 'any' ? undefined : tenants,
      sharedKeys: shared,
      build(tenant, identifier) {
        const keys = shared ?? remoteKeys(identifier, tenant, false);
        return make(identifier, new Map([['tid', new Set([tenant])]]), keys, false, () => {});
      },
    });
  };
}

function beside(secrets: KeySource | undefined, keys: KeySource, ownsKeys: boolean): KeySource {
  return secrets ? keysOfBothKinds(secrets, keys, ownsKeys) : keys;
}

const NO_HOSTS: ReadonlySet<string> = new Set();
const NO_VALUES: ClaimRules['requiredValues'] = new Map();
