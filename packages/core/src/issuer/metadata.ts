import { printable, printableUrl, urlProblem } from '../url.js';
import { fetchJson, NotFoundError, type FetchLimits } from './fetch-json.js';

/**
 * Finds where an issuer publishes its keys. OpenID Connect Discovery's address is asked first, RFC 8414's when there is none; of what comes
 * back nothing is used unless it names exactly the configured issuer (RFC 8414 s3.3).
 *
 * @returns the `jwks_uri`
 */
export async function discoverJwksUri(issuer: string, limits: FetchLimits, signal: AbortSignal): Promise<string> {
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
  const metadata = (typeof document === 'object' && document !== null ? document : {}) as { issuer?: unknown; jwks_uri?: unknown };
  if (metadata.issuer !== issuer) {
    throw new Error(
      `${url}: the metadata is of issuer ${named(metadata.issuer)}, but the guard's issuer is ${named(issuer)}; both must be equal to the letter`,
    );
  }
  if (typeof metadata.jwks_uri !== 'string') throw new Error(`${url}: the metadata has no jwks_uri; give the address by the option jwksUri`);
  const problem = urlProblem(metadata.jwks_uri);
  if (problem) throw new Error(`${url}: its jwks_uri, ${printableUrl(metadata.jwks_uri)}, ${problem}`);
  return metadata.jwks_uri;
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
