import type { FetchAccess } from '../net/fetch-json.js';
import type { MetadataSource } from '../net/metadata.js';
import { readTextFile } from './watched-file.js';

/** What the options say about the server of the keys. */
interface KeyAccessConfig extends MetadataSource {
  readonly jwksUri: string | undefined;
  /** The authorities that must have issued the certificates of the servers of metadata and keys. */
  readonly caFile?: string | undefined;
  /** The same as text. */
  readonly ca?: string | undefined;
  /** The token that the server of the keys demands. */
  readonly bearerTokenFile?: string | undefined;
}

/** RFC 6750 s2.1 */
const TOKEN = /^[A-Za-z0-9\-._~+/]{1,16384}=*$/;

/**
 * Returns a function that says what each fetch of metadata and keys shows and trusts; undefined if that is nothing special. The files are read at each fetch,
 * since platforms such as Kubernetes replace them while the process runs. The token goes only to the origin that the options name, and only over https.
 *
 * The function throws an error without the contents if a file cannot be read, or does not contain what it should.
 */
export function createKeyAccess(config: KeyAccessConfig): ((url: string) => FetchAccess) | undefined {
  const { ca, caFile, bearerTokenFile } = config;
  if (ca === undefined && caFile === undefined && bearerTokenFile === undefined) return undefined;
  const origin = URL.parse(config.jwksUri ?? config.metadataUrl ?? config.issuer)?.origin;
  return (url) => ({
    tls: caFile !== undefined ? { ca: readAuthorities(caFile) } : ca !== undefined ? { ca } : undefined,
    request:
      bearerTokenFile === undefined || !isFor(url, origin) ? undefined : { method: 'GET', headers: { authorization: `Bearer ${readToken(bearerTokenFile)}` } },
  });
}

function isFor(url: string, origin: string | undefined): boolean {
  const target = new URL(url);
  return target.protocol === 'https:' && target.origin === origin;
}

/** Whether a text contains a certificate in PEM. */
export function hasCertificate(text: string): boolean {
  return text.includes('-----BEGIN CERTIFICATE-----');
}

function readAuthorities(path: string): string {
  const text = readTextFile(path);
  if (!hasCertificate(text)) throw new Error('the file of keyFetching.caFile contains no certificate in PEM');
  return text;
}

function readToken(path: string): string {
  const token = readTextFile(path).trim();
  if (!TOKEN.test(token)) throw new Error('the file of keyFetching.bearerTokenFile does not contain a token');
  return token;
}
