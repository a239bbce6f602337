import type { Algorithm } from '../jose/algorithms.js';
import type { Clock } from '../lib/clock.js';
import { leadsToOtherHost, printable, printableUrl } from '../lib/url.js';
import { fetchJson, type FetchLimits } from '../net/fetch-json.js';
import { freshnessSeconds } from './freshness.js';
import { createKeyAccess } from './key-access.js';
import { parseKeySet, type KeySet, type KeyUse } from '../jose/key-set.js';
import { discoverJwksUri, MetadataUnavailableError, type MetadataSource } from '../net/metadata.js';

/** Where one issuer's keys are, and the limits of fetching them. */
export interface KeyFetchConfig extends FetchLimits, MetadataSource {
  /** undefined: from the issuer's metadata. */
  readonly jwksUri: string | undefined;
  readonly algorithms: readonly Algorithm[];
  readonly keyUse?: KeyUse | undefined;
  readonly maxKeys: number;
  readonly freshSeconds: number;
  readonly clock: Clock;
  /** The hosts besides the issuer's own that the metadata may name. undefined: any. */
  readonly jwksHosts: ReadonlySet<string> | undefined;
  readonly ca?: string | undefined;
  readonly caFile?: string | undefined;
  readonly bearerTokenFile?: string | undefined;
}

/** The key that is missing from the cache. */
export interface WantedKey {
  readonly algorithm: string;
  readonly keyId: string | undefined;
}

export interface FetchedKeys {
  readonly set: KeySet;
  readonly freshSeconds: number;
  /** Why the metadata could not be read again: it may name another address by now, with keys that are not in the set. */
  readonly metadataError: Error | undefined;
}

interface FetchOptions {
  /** The cached keys. Keys that did not change stay the same objects. */
  readonly previous: KeySet | undefined;
  readonly wanted: WantedKey | undefined;
  /** What the last fetch failed to get, if it failed. The address itself may then be outdated. */
  readonly lastFailure: 'keys' | 'metadata' | undefined;
  readonly signal: AbortSignal;
}

/** How long a `jwks_uri` is used before the metadata is fetched again. */
const METADATA_MAX_AGE_SECONDS = 3600;
/** How long it is used if the metadata cannot be fetched. Browser sessions use metadata for as long. */
const METADATA_USABLE_SECONDS = 86_400;
/** After a failed fetch of the metadata, requests with unknown keys do not wait for another one for this long. The background refresh tries twice as often. */
const METADATA_RETRY_SECONDS = 60;

/** Returns a function that fetches one issuer's keys, from the configured address or from the one in its metadata. */
export function createKeyFetcher(config: KeyFetchConfig): (options: FetchOptions) => Promise<FetchedKeys> {
  const access = createKeyAccess(config);
  const limits: FetchLimits = access ? { ...config, access } : config;
  let discovered: { readonly jwksUri: string; readonly at: number } | undefined;
  let metadataOutage: { readonly error: MetadataUnavailableError; readonly at: number } | undefined;

  async function discover(signal: AbortSignal): Promise<string> {
    try {
      const jwksUri = await discoverJwksUri(config, limits, signal);
      checkHost(config, jwksUri);
      discovered = { jwksUri, at: config.clock.monotonic() };
      metadataOutage = undefined;
      return jwksUri;
    } catch (error) {
      metadataOutage = error instanceof MetadataUnavailableError ? { error, at: config.clock.monotonic() } : undefined;
      throw error;
    }
  }

  function secondsSince(at: number | undefined): number {
    return at === undefined ? Infinity : (config.clock.monotonic() - at) / 1000;
  }

  async function fetchFrom(jwksUri: string, { previous, signal }: FetchOptions): Promise<FetchedKeys> {
    const { document, header } = await fetchJson(jwksUri, limits, signal, config.jwksUri === undefined && isNamedByMetadataAlone(config, jwksUri));
    try {
      const set = parseKeySet(document, config.algorithms, config.maxKeys, previous, config.keyUse);
      return { set, freshSeconds: freshnessSeconds(header, config.freshSeconds), metadataError: undefined };
    } catch (error) {
      throw new Error(`${printableUrl(jwksUri)}: ${(error as Error).message}`);
    }
  }

  /**
   * Fetches the metadata and the keys at once, since the known address of the keys may be outdated. They share a time limit, and a server may hang. If only the
   * metadata cannot be fetched, the keys count.
   */
  async function fetchWithMetadata(jwksUri: string, options: FetchOptions): Promise<FetchedKeys> {
    const moved = new AbortController();
    const fetching = fetchFrom(jwksUri, { ...options, signal: AbortSignal.any([options.signal, moved.signal]) });
    // avoids an unhandled rejection if it fails before the metadata arrives
    fetching.catch(() => {});
    try {
      const current = await discover(options.signal);
      if (current === jwksUri) return await fetching;
      moved.abort();
      return await fetchFrom(current, options);
    } catch (error) {
      if (!(error instanceof MetadataUnavailableError)) throw error;
      const fetched = await fetching.catch((other: Error) => {
        throw new Error(`${error.message}; ${other.message}`);
      });
      return { ...fetched, metadataError: error };
    } finally {
      moved.abort();
    }
  }

  return async (options) => {
    if (config.jwksUri !== undefined) return fetchFrom(config.jwksUri, options);
    const { wanted, signal, lastFailure } = options;
    const ageSeconds = secondsSince(discovered?.at);
    if (ageSeconds >= METADATA_USABLE_SECONDS) return fetchFrom(await discover(signal), options);
    const { jwksUri } = discovered!;
    // a server that hangs would delay each request with an unknown key, and the next refresh asks it again
    const recentOutage = wanted && lastFailure !== 'keys' && secondsSince(metadataOutage?.at) < METADATA_RETRY_SECONDS ? metadataOutage : undefined;
    if (!recentOutage && (lastFailure || ageSeconds >= METADATA_MAX_AGE_SECONDS)) return fetchWithMetadata(jwksUri, options);
    let fetched: FetchedKeys;
    try {
      fetched = { ...(await fetchFrom(jwksUri, options)), metadataError: recentOutage?.error };
    } catch (error) {
      // the metadata may be back by now, and name another address
      if (recentOutage && !signal.aborted) return fetchWithMetadata(jwksUri, options);
      throw error;
    }
    if (!wanted || fetched.set.candidates(wanted.algorithm, wanted.keyId).length > 0) return fetched;
    // the old address may still answer although the metadata names a new one
    let current: string;
    try {
      current = await discover(signal);
    } catch (error) {
      // whatever failed, these keys are current. The next fetch reads the metadata again
      return { ...fetched, metadataError: error as Error };
    }
    return current === jwksUri ? { ...fetched, metadataError: undefined } : fetchFrom(current, options);
  };
}

/** @throws Error if the options list hosts, and the metadata names another one that is not the issuer's own */
function checkHost(config: KeyFetchConfig, jwksUri: string): void {
  const { hostname } = new URL(jwksUri);
  const { issuer, metadataUrl, jwksHosts } = config;
  const isOwn = [issuer, metadataUrl].some((own) => own !== undefined && URL.parse(own)?.hostname === hostname);
  if (jwksHosts === undefined || isOwn || isListed(config, hostname)) return;
  throw new Error(
    `the metadata of ${issuer} names the host ${printable(hostname)} for its keys, which is neither the issuer's own nor in keyFetching.jwksHosts`,
  );
}

/** Whether the metadata names the host, and the options do not. */
function isNamedByMetadataAlone(config: KeyFetchConfig, jwksUri: string): boolean {
  return leadsToOtherHost(jwksUri, config) && !isListed(config, new URL(jwksUri).hostname);
}

/** Whether the options list the host. `unsafeHttpHosts` does not count: it only allows http. */
function isListed({ jwksHosts }: KeyFetchConfig, hostname: string): boolean {
  return jwksHosts?.has(hostname) === true;
}
