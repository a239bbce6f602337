import { createOutageWarnings, discover, OtherIssuerError, printable, urlProblem } from '@tokenward/core/store';
import type { SessionConfig } from '../config.js';
import { IssuerCallError, MAX_RESPONSE_BYTES, type IssuerHttp } from './http.js';
import { createRenewed, type Renewed } from './renewed.js';

/** How long metadata is used after it was fetched, if it cannot be fetched again. The addresses in it change rarely. */
const USABLE_SECONDS = 86_400;

/** What an issuer publishes about itself. The type of each member is unknown until it is read. */
export type Metadata = Readonly<Record<string, unknown>> & { readonly issuer: string };

/** The metadata names another issuer. Refresh tokens and secrets must not go to the addresses that it named before, either. */
class OtherIssuerCallError extends IssuerCallError {}

/** The issuer's metadata. If this document is unreachable, the issuer's endpoints may still work. If an endpoint does not work, it may have moved. */
export type Discovery = Pick<Renewed<Metadata>, 'get' | 'doubt'>;

/** A fetch that fails throws an `IssuerCallError`. */
export function createDiscovery(config: SessionConfig, { transport }: IssuerHttp): Discovery {
  const { issuer, metadataUrl, unsafeHttpHosts, timeoutSeconds, clock } = config;
  const limits = { transport, maxBytes: MAX_RESPONSE_BYTES, timeoutSeconds };

  async function load(): Promise<Metadata> {
    const signal = AbortSignal.timeout(timeoutSeconds * 1000);
    let document: Readonly<Record<string, unknown>>;
    try {
      ({ document } = await discover({ issuer, metadataUrl, unsafeHttpHosts }, limits, signal));
    } catch (error) {
      throw new (error instanceof OtherIssuerError ? OtherIssuerCallError : IssuerCallError)((error as Error).message);
    }
    // own members only, and none inherited later on
    return Object.freeze(Object.assign(Object.create(null) as Record<string, unknown>, document)) as Metadata;
  }

  return createRenewed(load, {
    what: `the metadata of ${issuer}`,
    usableSeconds: USABLE_SECONDS,
    clock,
    outages: createOutageWarnings(),
    disproves: (error) => error instanceof OtherIssuerCallError,
  });
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
