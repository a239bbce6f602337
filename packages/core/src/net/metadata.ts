import { printable, printableUrl, urlProblem } from '../lib/url.js';
import { fetchJson, NotFoundError, type FetchLimits } from './fetch-json.js';

/** What an issuer says of itself, and where it said so. */
export interface IssuerMetadata {
  readonly url: string;
  readonly document: Readonly<Record<string, unknown>>;
}

/** Whose metadata is read, and where. */
export interface MetadataSource {
  readonly issuer: string;
  /** undefined: at the issuer's well-known addresses. */
  readonly metadataUrl?: string | undefined;
  /** The hosts that may be asked over plain http. */
  readonly unsafeHttpHosts: ReadonlySet<string>;
}

/**
 * Reads an issuer's metadata. OpenID Connect Discovery's address is asked first, RFC 8414's when there is none; of what comes back nothing is
 * used unless it names exactly the configured issuer (RFC 8414 s3.3).
 *
 * @param otherOption the option that makes metadata needless, for the error
 * @throws Error that names each address that was tried, and the options that help
 */
export async function discover(source: MetadataSource, limits: FetchLimits, signal: AbortSignal, otherOption: string): Promise<IssuerMetadata> {
  const { issuer, metadataUrl } = source;
  const { url, document } = await fetchMetadata(source, limits, signal, otherOption);
  const metadata = (typeof document === 'object' && document !== null ? document : {}) as Record<string, unknown>;
  if (metadata['issuer'] !== issuer) {
    const hint = metadataUrl === undefined ? '' : '; metadataUrl says only where it is fetched';
    throw new Error(
      `${printableUrl(url)}: the metadata is of issuer ${named(metadata['issuer'])}, but the guard's issuer is ${named(issuer)}; both must be equal to the letter${hint}`,
    );
  }
  return { url, document: metadata };
}

async function fetchMetadata(
  { issuer, metadataUrl }: MetadataSource,
  limits: FetchLimits,
  signal: AbortSignal,
  otherOption: string,
): Promise<{ readonly url: string; readonly document: unknown }> {
  const tried: string[] = [];
  for (const url of metadataUrl === undefined ? metadataUrls(issuer) : [metadataUrl]) {
    try {
      return { url, document: (await fetchJson(url, limits, signal)).document };
    } catch (error) {
      tried.push((error as Error).message);
      if (!(error instanceof NotFoundError)) break;
    }
  }
  const remedy = metadataUrl === undefined ? `give it by metadataUrl, or give ${otherOption}` : `correct metadataUrl, or give ${otherOption} instead`;
  throw new Error(`${tried.join('; ')}. If the metadata is at another address, ${remedy}`);
}

/** Finds where an issuer publishes its keys: its metadata's `jwks_uri`. */
export async function discoverJwksUri(source: MetadataSource, limits: FetchLimits, signal: AbortSignal): Promise<string> {
  return endpointOf(await discover(source, limits, signal, 'jwksUri'), 'jwks_uri', 'jwksUri', source.unsafeHttpHosts);
}

/**
 * An address that metadata names.
 *
 * @param option by which it can be given instead
 * @throws Error where there is none, or one that must not be asked
 */
export function endpointOf({ url, document }: IssuerMetadata, name: string, option: string, unsafeHttpHosts: ReadonlySet<string>): string {
  const endpoint = document[name];
  if (typeof endpoint !== 'string') throw new Error(`${printableUrl(url)}: the metadata has no ${name}; give the address by the option ${option}`);
  const problem = urlProblem(endpoint, unsafeHttpHosts);
  if (problem) throw new Error(`${printableUrl(url)}: its ${name}, ${printableUrl(endpoint)}, ${problem}`);
  return endpoint;
}

/** OpenID Connect Discovery s4 puts its suffix behind the issuer's path, RFC 8414 s3.1 before it. */
function metadataUrls(issuer: string): readonly [openid: string, oauth: string] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [`${origin}${path}/.well-known/openid-configuration`, `${origin}/.well-known/oauth-authorization-server${path}`];
}

function named(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(printable(value)) : `(${typeof value})`;
}
