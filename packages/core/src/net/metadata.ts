import { isJsonObject, own } from '../lib/json.js';
import { printable, printableUrl, urlProblem } from '../lib/url.js';
import { fetchJson, NotFoundError, type FetchLimits } from './fetch-json.js';

/** An authorization server's metadata, and where it was fetched. */
export interface IssuerMetadata {
  readonly url: string;
  readonly document: Readonly<Record<string, unknown>>;
}

/** An issuer, and the address of its metadata. */
export interface MetadataSource {
  readonly issuer: string;
  /** undefined: the issuer's well-known addresses. */
  readonly metadataUrl?: string | undefined;
  /** The hosts for which plain http is accepted. */
  readonly unsafeHttpHosts: ReadonlySet<string>;
}

/** The metadata names another issuer than the options. */
export class OtherIssuerError extends Error {
  /** @param found the issuer that the metadata names */
  constructor(
    message: string,
    readonly found: string,
  ) {
    super(message);
  }
}

/**
 * The metadata could not be fetched, so its content is unknown. Something in front of the server may have answered: a document that names no issuer is no metadata
 * (RFC 8414 s2). If the servers say that there is no document, the error is a {@link NoMetadataError}.
 */
export class MetadataUnavailableError extends Error {}

/** The servers say that there is no document (404, 410). */
export class NoMetadataError extends Error {}

/**
 * Fetches an issuer's metadata. It tries the address of OpenID Connect Discovery first, then that of RFC 8414. It rejects a document that does not
 * name exactly the configured issuer (RFC 8414 s3.3).
 *
 * @param otherOption the option that makes the metadata unnecessary, if there is one, for the error
 * @throws OtherIssuerError if it names another issuer, with what to do
 * @throws MetadataUnavailableError, or NoMetadataError, that names each address that was tried, and the options that help
 */
export async function discover(source: MetadataSource, limits: FetchLimits, signal: AbortSignal, otherOption?: string): Promise<IssuerMetadata> {
  const { issuer, metadataUrl } = source;
  const { url, document } = await fetchMetadata(source, limits, signal, otherOption);
  const metadata = (typeof document === 'object' && document !== null ? document : {}) as Record<string, unknown>;
  if (metadata['issuer'] !== issuer) {
    const found = metadata['issuer'];
    const says = found === undefined ? 'no issuer' : `the issuer ${named(found)}`;
    const hint = metadataUrl === undefined ? '' : '. metadataUrl changes only where the metadata is fetched';
    const message = `${printableUrl(url)}: the metadata names ${says}, but the option issuer is ${named(issuer)}; both must be exactly equal${hint}${issuerRemedy(issuer, found)}`;
    throw typeof found === 'string' ? new OtherIssuerError(message, found) : new MetadataUnavailableError(message);
  }
  return { url, document: metadata };
}

async function fetchMetadata(
  { issuer, metadataUrl }: MetadataSource,
  limits: FetchLimits,
  signal: AbortSignal,
  otherOption: string | undefined,
): Promise<{ readonly url: string; readonly document: unknown }> {
  const tried: string[] = [];
  let isAbsent = true;
  for (const url of metadataUrl === undefined ? metadataUrls(issuer) : [metadataUrl]) {
    try {
      return { url, document: (await fetchJson(url, limits, signal)).document };
    } catch (error) {
      tried.push((error as Error).message);
      if (!(error instanceof NotFoundError && error.isGone)) isAbsent = false;
      if (!(error instanceof NotFoundError)) break;
    }
  }
  const set = metadataUrl === undefined ? 'set metadataUrl' : 'correct metadataUrl';
  const remedy = otherOption === undefined ? set : metadataUrl === undefined ? `${set} or ${otherOption}` : `${set}, or set ${otherOption} instead`;
  throw new (isAbsent ? NoMetadataError : MetadataUnavailableError)(`${tried.join('; ')}. If the metadata is at another address, ${remedy}`);
}

/** Returns the address of an issuer's keys: `jwks_uri` of its metadata. */
export async function discoverJwksUri(source: MetadataSource, limits: FetchLimits, signal: AbortSignal): Promise<string> {
  return endpointOf(await discover(source, limits, signal, 'jwksUri'), 'jwks_uri', 'jwksUri', source.unsafeHttpHosts);
}

/**
 * Returns an address that metadata names.
 *
 * @param option the option that sets the address instead, for the error
 * @throws Error if the metadata does not name it, or if its URL is not allowed
 */
export function endpointOf({ url, document }: IssuerMetadata, name: string, option: string, unsafeHttpHosts: ReadonlySet<string>): string {
  const endpoint = document[name];
  if (typeof endpoint !== 'string') throw new Error(`${printableUrl(url)}: the metadata has no ${name}; set the option ${option} to the address`);
  const problem = urlProblem(endpoint, unsafeHttpHosts);
  if (problem) throw new Error(`${printableUrl(url)}: its ${name}, ${printableUrl(endpoint)}, ${problem}`);
  return endpoint;
}

/** Returns metadata in which the addresses for clients with a certificate replace the others (RFC 8705 s5). */
export function withMtlsAliases({ url, document }: IssuerMetadata): IssuerMetadata {
  const aliases = own(document, 'mtls_endpoint_aliases');
  return isJsonObject(aliases) ? { url, document: { ...document, ...aliases } } : { url, document };
}

/** OpenID Connect Discovery s4 appends its suffix to the issuer's path. RFC 8414 s3.1 inserts it before the path. */
export function metadataUrls(issuer: string): readonly [openid: string, oauth: string] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [`${origin}${path}/.well-known/openid-configuration`, `${origin}/.well-known/oauth-authorization-server${path}`];
}

function issuerRemedy(configured: string, found: unknown): string {
  if (typeof found !== 'string') return '';
  if (found === `${configured}/`) return `. Set issuer to ${named(found)}, with the slash at the end`;
  if (`${found}/` === configured) return `. Set issuer to ${named(found)}, without the slash at the end`;
  return `. If ${named(found)} is the issuer of your tokens, set issuer to it`;
}

function named(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(printable(value)) : `(${typeof value})`;
}
