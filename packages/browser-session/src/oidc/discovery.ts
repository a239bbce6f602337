import { discover, printable, urlProblem } from '@tokenward/core/store';
import type { SessionConfig } from '../config.js';
import { IssuerCallError, MAX_RESPONSE_BYTES, type IssuerHttp } from './http.js';

/** After this time metadata is fetched again, so that a new endpoint is found without a restart. */
const FRESH_MS = 10 * 60_000;
/** The least time between two fetches while old metadata is there. */
const COOLDOWN_MS = 10_000;

/** What an issuer publishes about itself. The type of each member is unknown until it is read. */
export type Metadata = Readonly<Record<string, unknown>> & { readonly issuer: string };

/** The issuer's metadata: cached, and fetched again when it is old or seems wrong. */
export interface Discovery {
  /** @throws IssuerCallError (the promise rejects) if there is none, not even an old one */
  metadata(): Promise<Metadata>;
  /** Fetches the metadata again at the next use: an endpoint did not work. */
  doubt(): void;
}

export function createDiscovery(config: SessionConfig, { transport }: IssuerHttp): Discovery {
  const { issuer, metadataUrl, unsafeHttpHosts, timeoutSeconds, clock } = config;
  const limits = { transport, maxBytes: MAX_RESPONSE_BYTES, timeoutSeconds };
  let known: Metadata | undefined;
  let freshUntil = 0;
  let triedAt = -Infinity;
  let flight: Promise<Metadata> | undefined;

  /** All callers share one fetch. */
  function load(): Promise<Metadata> {
    flight ??= fetchMetadata().finally(() => (flight = undefined));
    return flight;
  }

  async function fetchMetadata(): Promise<Metadata> {
    triedAt = clock.monotonic();
    const signal = AbortSignal.timeout(timeoutSeconds * 1000);
    let document: Readonly<Record<string, unknown>>;
    try {
      ({ document } = await discover({ issuer, metadataUrl, unsafeHttpHosts }, limits, signal));
    } catch (error) {
      throw new IssuerCallError((error as Error).message);
    }
    // own members only, and none inherited later on
    known = Object.freeze(Object.assign(Object.create(null) as Record<string, unknown>, document)) as Metadata;
    freshUntil = clock.monotonic() + FRESH_MS;
    return known;
  }

  return {
    async metadata() {
      if (known && (clock.monotonic() < freshUntil || clock.monotonic() < triedAt + COOLDOWN_MS)) return known;
      try {
        return await load();
      } catch (error) {
        // the old metadata probably still holds: an outage of one document is no outage of the issuer
        if (known) return known;
        throw error;
      }
    },
    doubt() {
      freshUntil = 0;
    },
  };
}

/**
 * Returns an address that metadata names; undefined if it names none.
 *
 * @throws IssuerCallError if nobody may be sent there
 */
export function endpointIn(metadata: Metadata, name: string, { unsafeHttpHosts }: Pick<SessionConfig, 'unsafeHttpHosts'>): string | undefined {
  const endpoint = metadata[name];
  if (endpoint === undefined || endpoint === null) return undefined;
  const problem = typeof endpoint === 'string' ? urlProblem(endpoint, unsafeHttpHosts) : 'is not a string';
  if (problem === undefined) return endpoint as string;
  throw new IssuerCallError(`${printable(metadata.issuer)}: the ${name} of its metadata ${problem}`);
}
