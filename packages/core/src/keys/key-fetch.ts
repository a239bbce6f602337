import type { Algorithm } from '../jose/algorithms.js';
import type { Clock } from '../lib/clock.js';
import { leadsElsewhere, printable, printableUrl } from '../lib/url.js';
import { fetchJson, type FetchLimits } from '../net/fetch-json.js';
import { freshnessSeconds } from './freshness.js';
import { parseKeySet, type KeySet } from '../jose/key-set.js';
import { discoverJwksUri, type MetadataSource } from '../net/metadata.js';

/** Where one issuer's keys are, and what is taken from there. */
export interface KeyFetchConfig extends FetchLimits, MetadataSource {
  /** undefined: the issuer's metadata says it. */
  readonly jwksUri: string | undefined;
  readonly algorithms: readonly Algorithm[];
  readonly maxKeys: number;
  readonly freshSeconds: number;
  readonly clock: Clock;
  /** The hosts that metadata may name, beside the issuer's own; undefined: any. */
  readonly jwksHosts: ReadonlySet<string> | undefined;
}

/** The key that a fetch is made for. */
export interface WantedKey {
  readonly algorithm: string;
  readonly keyId: string | undefined;
}

export interface FetchedKeys {
  readonly set: KeySet;
  readonly freshSeconds: number;
  /** The wanted key is not in the set, and the metadata that may name another address could not be read. */
  readonly doubt: Error | undefined;
}

interface FetchOptions {
  /** The keys that are cached: those that did not change are kept as they are. */
  readonly before: KeySet | undefined;
  readonly wanted: WantedKey | undefined;
  /** Whether the last fetch failed, so that the address itself may be what is wrong. */
  readonly isAfterFailure: boolean;
  readonly signal: AbortSignal;
}

/** A `jwks_uri` that metadata named is looked up again after so long. */
const METADATA_LIFE_SECONDS = 3600;

/** Fetches one issuer's keys, from the configured address or from the one that its metadata names. */
export function createKeyFetcher(config: KeyFetchConfig): (options: FetchOptions) => Promise<FetchedKeys> {
  let discovered: { readonly jwksUri: string; readonly until: number } | undefined;

  async function discover(signal: AbortSignal): Promise<string> {
    const jwksUri = await discoverJwksUri(config, config, signal);
    checkHost(config, jwksUri);
    discovered = { jwksUri, until: config.clock.monotonic() + METADATA_LIFE_SECONDS * 1000 };
    return jwksUri;
  }

  async function fetchFrom(jwksUri: string, { before, signal }: FetchOptions): Promise<FetchedKeys> {
    const { document, header } = await fetchJson(jwksUri, config, signal, config.jwksUri === undefined && isNamedByMetadataAlone(config, jwksUri));
    try {
      const set = parseKeySet(document, config.algorithms, config.maxKeys, before);
      return { set, freshSeconds: freshnessSeconds(header, config.freshSeconds), doubt: undefined };
    } catch (error) {
      throw new Error(`${printableUrl(jwksUri)}: ${(error as Error).message}`);
    }
  }

  return async (options) => {
    if (config.jwksUri !== undefined) return fetchFrom(config.jwksUri, options);
    const { wanted, signal, isAfterFailure } = options;
    const isKnown = discovered !== undefined && !isAfterFailure && config.clock.monotonic() < discovered.until;
    const jwksUri = isKnown ? discovered!.jwksUri : await discover(signal);
    const fetched = await fetchFrom(jwksUri, options);
    if (!isKnown || !wanted || fetched.set.candidates(wanted.algorithm, wanted.keyId).length > 0) return fetched;
    // the old address may serve on while the metadata names a new one
    try {
      const newer = await discover(signal);
      return newer === jwksUri ? fetched : await fetchFrom(newer, options);
    } catch (error) {
      return { ...fetched, doubt: error as Error };
    }
  };
}

/** The issuer's word for where its keys are is taken within what was configured: a host of its own, or one that was listed. */
function checkHost(config: KeyFetchConfig, jwksUri: string): void {
  const { hostname } = new URL(jwksUri);
  const { issuer, metadataUrl, jwksHosts } = config;
  const isOwn = [issuer, metadataUrl].some((own) => own !== undefined && URL.parse(own)?.hostname === hostname);
  if (jwksHosts === undefined || isOwn || isListed(config, hostname)) return;
  throw new Error(`the metadata of ${issuer} puts its keys on the host ${printable(hostname)}, which is neither the issuer's own nor in keyFetching.jwksHosts`);
}

/** Whether nobody but the metadata names the host. */
function isNamedByMetadataAlone(config: KeyFetchConfig, jwksUri: string): boolean {
  return leadsElsewhere(jwksUri, config) && !isListed(config, new URL(jwksUri).hostname);
}

/** `unsafeHttpHosts` says how a host may be asked, and never which one. */
function isListed({ jwksHosts }: KeyFetchConfig, hostname: string): boolean {
  return jwksHosts?.has(hostname) === true;
}
