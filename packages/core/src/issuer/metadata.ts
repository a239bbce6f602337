import { printable, printableUrl, urlProblem } from '../url.js';
import { fetchJson, NotFoundError, type FetchLimits } from './fetch-json.js';

/** What an issuer says of itself, and where it said so. */
export interface IssuerMetadata {
  readonly url: string;
  readonly document: Readonly<Record<string, unknown>>;
}

/**
 * Reads an issuer's metadata. OpenID Connect Discovery's address is asked first, RFC 8414's when there is none; of what comes back nothing is
 * used unless it names exactly the configured issuer (RFC 8414 s3.3).
 */
export async function discover(issuer: string, limits: FetchLimits, signal: AbortSignal): Promise<IssuerMetadata> {
  const [openid, oauth] = metadataUrls(issuer);
  let url = openid;
  let document: unknown;
  try {
    ({ document } = await fetchJson(openid, limits, signal));
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    url = oauth;
    ({ document } = await fetchJson(oauth, limits, signal));
  }
  const metadata = (typeof document === 'object' && document !== null ? document : {}) as Record<string, unknown>;
  if (metadata['issuer'] !== issuer) {
    throw new Error(
      `${url}: the metadata is of issuer ${named(metadata['issuer'])}, but the guard's issuer is ${named(issuer)}; both must be equal to the letter`,
    );
  }
  return { url, document: metadata };
}

/** Finds where an issuer publishes its keys: its metadata's `jwks_uri`. */
export async function discoverJwksUri(issuer: string, limits: FetchLimits, signal: AbortSignal): Promise<string> {
  return endpointOf(await discover(issuer, limits, signal), 'jwks_uri', 'jwksUri');
}

/**
 * An address that metadata names.
 *
 * @param option by which it can be given instead
 * @throws Error where there is none, or one that must not be asked
 */
export function endpointOf({ url, document }: IssuerMetadata, name: string, option: string): string {
  const endpoint = document[name];
  if (typeof endpoint !== 'string') throw new Error(`${url}: the metadata has no ${name}; give the address by the option ${option}`);
  const problem = urlProblem(endpoint);
  if (problem) throw new Error(`${url}: its ${name}, ${printableUrl(endpoint)}, ${problem}`);
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
