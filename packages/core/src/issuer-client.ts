import { misuse, ConfigurationError } from './lib/configuration-error.js';
import { TokenwardError } from './lib/tokenward-error.js';
import { parseJson } from './lib/parse-json.js';
import { discover, endpointOf, type MetadataSource } from './net/metadata.js';
import { failureWords, silenceHint } from './net/fetch-failure.js';
import { InternalAddressError, isInternal } from './net/public-address.js';
import { nodeRequest, nodeTransport, readBytes } from './net/transport.js';
import { OptionReader, plainOptions } from './lib/option-reader.js';
import { numberOption, readTable, type OptionTable } from './lib/option-table.js';
import { shown } from './lib/shown-option.js';
import { canonicalProblem, identifierProblem, leadsToOtherHost, printableUrl, urlProblem } from './lib/url.js';

/** The authorization server, and this API's credentials as its client. */
export interface IssuerClientOptions {
  /** The authorization server's issuer identifier. */
  readonly issuer: string;
  readonly clientId: string;
  /** Required unless `authentication` is `none`. */
  readonly clientSecret?: string | undefined;
  /** How the client authenticates (RFC 6749 s2.3.1). `none` is for a public client. Default: `client_secret_basic`. */
  readonly authentication?: 'client_secret_basic' | 'client_secret_post' | 'none' | undefined;
  /** The address of the issuer's metadata, if it is not under the issuer's own name. The document's `issuer` must still equal `issuer`. */
  readonly metadataUrl?: string | undefined;
  /** Hosts for which plain http is accepted. Anybody on the network path to them can read the token and the client's secret. */
  readonly unsafeHttpHosts?: readonly string[] | undefined;
  /** The address of the revocation endpoint. By default the issuer's metadata names it. */
  readonly revocationEndpoint?: string | undefined;
  /** The limit for one call in total: metadata and the request itself. Default: 5. */
  readonly timeoutSeconds?: number | undefined;
}

export interface IssuerClient {
  /**
   * Revokes a token at the authorization server (RFC 7009): a refresh token, or an access token if the server keeps track of those. A token that the
   * server does not know is not an error (RFC 7009 s2.2).
   *
   * @throws IssuerRequestError if the server did not confirm the revocation: the token may still be valid
   *
   * @example await client.revokeAtIssuer(refreshToken, { tokenTypeHint: 'refresh_token' });
   */
  revokeAtIssuer(token: string, options?: { readonly tokenTypeHint?: 'access_token' | 'refresh_token' | undefined }): Promise<void>;
}

/** A request to the authorization server failed. The message names the address and what happened there. It contains no token and no secret. */
export class IssuerRequestError extends TokenwardError {
  override readonly name = 'IssuerRequestError';
  readonly code = 'TOKENWARD_ISSUER_REQUEST';
  /** The HTTP status. undefined if there was no response. */
  readonly status: number | undefined;
  /** The error code of the response (RFC 6749 s5.2), if it has one. */
  readonly error: string | undefined;
  /** The `Retry-After` of the response in seconds, if it has one. */
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, { status, error, retryAfterSeconds, cause }: Failure = {}) {
    super(message, { cause });
    this.status = status;
    this.error = error;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

interface Failure {
  readonly status?: number | undefined;
  readonly error?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

const INTERNAL = "the issuer's metadata names a revocation endpoint on a private address. If it is right, set the option revocationEndpoint";
const MAX_RESPONSE_BYTES = 65_536;
const MAX_METADATA_BYTES = 524_288;
const MAX_TOKEN_LENGTH = 65_536;

/**
 * Creates a client of an authorization server, for the requests that an API makes to it.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * const client = createIssuerClient({ issuer: 'https://login.example.com', clientId: 'orders-api', clientSecret: process.env.CLIENT_SECRET });
 * await client.revokeAtIssuer(rawToken(auth));
 */
export function createIssuerClient(options: IssuerClientOptions): IssuerClient {
  const { revocationEndpoint, timeoutSeconds, authenticate, ...source } = readOptions(options);
  const limits = { transport: nodeTransport, maxBytes: MAX_METADATA_BYTES, timeoutSeconds };

  return Object.freeze({
    async revokeAtIssuer(token: string, { tokenTypeHint }: { readonly tokenTypeHint?: 'access_token' | 'refresh_token' | undefined } = {}) {
      if (typeof token !== 'string' || token === '' || token.length > MAX_TOKEN_LENGTH)
        throw misuse('revokeAtIssuer()', `token must be a string of 1 to ${MAX_TOKEN_LENGTH} characters (got a ${typeof token})`);
      const form = new URLSearchParams({ token, ...(tokenTypeHint && { token_type_hint: tokenTypeHint }) });
      const headers = authenticate(form);
      const signal = AbortSignal.timeout(timeoutSeconds * 1000);
      const endpoint = revocationEndpoint ?? (await discoverEndpoint(signal));
      const response = await post(endpoint, form, headers, signal);
      // RFC 7009 s2.2: the status is 200 for an unknown token too
      if (response.status !== 200) throw failureOf(endpoint, response);
    },
  });

  async function discoverEndpoint(signal: AbortSignal): Promise<string> {
    try {
      const metadata = await discover(source, limits, signal, 'revocationEndpoint');
      return endpointOf(metadata, 'revocation_endpoint', 'revocationEndpoint', source.unsafeHttpHosts);
    } catch (error) {
      throw new IssuerRequestError((error as Error).message, { cause: error });
    }
  }

  async function post(url: string, form: URLSearchParams, headers: Record<string, string>, signal: AbortSignal): Promise<EndpointResponse> {
    const publicOnly = revocationEndpoint === undefined && leadsToOtherHost(url, source);
    if (publicOnly && isInternal(url)) throw new IssuerRequestError(`${printableUrl(url)}: ${INTERNAL}`);
    try {
      const post = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers }, body: form.toString() } as const;
      const response = await nodeRequest(url, signal, publicOnly, timeoutSeconds * 1000, post);
      return { status: response.status, retryAfter: response.header('retry-after'), text: (await readBytes(response, MAX_RESPONSE_BYTES)).toString() };
    } catch (error) {
      const reason = signal.aborted
        ? `no complete answer within ${timeoutSeconds} s${silenceHint(url)}`
        : error instanceof InternalAddressError
          ? INTERNAL
          : failureWords(error, url);
      // without a cause: it could contain the token or the secret
      throw new IssuerRequestError(`${printableUrl(url)}: ${reason}`);
    }
  }
}

interface EndpointResponse {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
}

function failureOf(url: string, { status, retryAfter, text }: EndpointResponse): IssuerRequestError {
  const error = errorIn(text);
  const seconds = retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined;
  const message = `${printableUrl(url)}: answered with status ${status}${error === undefined ? '' : ` (${error})`}, so the token may still be valid`;
  return new IssuerRequestError(message, { status, error, retryAfterSeconds: seconds });
}

/** Returns an error code of RFC 6749 s5.2 or of an extension. Nothing else of the response goes into the message. */
function errorIn(text: string): string | undefined {
  try {
    const { error } = parseJson(text) as { error?: unknown };
    return typeof error === 'string' && /^[a-z_]{1,60}$/.test(error) ? error : undefined;
  } catch {
    return undefined;
  }
}

interface ClientConfig extends MetadataSource {
  readonly revocationEndpoint: string | undefined;
  readonly timeoutSeconds: number;
  /** Adds the client's credentials to the form, or returns them as header fields. */
  authenticate(form: URLSearchParams): Record<string, string>;
}

const AUTHENTICATIONS = ['client_secret_basic', 'client_secret_post', 'none'] as const;
type Authentication = (typeof AUTHENTICATIONS)[number];

/** Methods of OpenID Connect Core s9 and RFC 8705 that are not supported. A message may repeat them. */
const OTHER_AUTHENTICATIONS = ['client_secret_jwt', 'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'];

/** A line break at the end of a file would be part of the secret, and the server would refuse each call. */
const SPACE_AROUND = 'begins or ends with white space, such as the line break at the end of a file. Remove it, for example with trim()';

/** The readers of the options. Options that depend on one another are checked in `readOptions`. */
const CLIENT_OPTIONS = {
  issuer(reader: OptionReader, name: string) {
    if (reader.get(name) === undefined) reader.wrong(name, "is missing: set it to the authorization server's issuer URL");
    return reader.text(name, '');
  },
  clientId(reader: OptionReader, name: string) {
    const clientId = reader.text(name, '');
    if (reader.get(name) === undefined) reader.wrong(name, 'is missing: set it to the client id of this API at the authorization server');
    if (hasSpaceAround(clientId)) reader.wrong(name, SPACE_AROUND);
    return clientId;
  },
  // must be absent, or a string, depending on the authentication
  clientSecret: (reader: OptionReader, name: string) => reader.get(name),
  authentication: readAuthentication,
  metadataUrl: readUrl,
  unsafeHttpHosts: (reader: OptionReader, name: string) => reader.hosts(name),
  revocationEndpoint: readUrl,
  timeoutSeconds: numberOption(5, { least: 0.1, most: 60 }),
} satisfies OptionTable<IssuerClientOptions>;

function readOptions(options: IssuerClientOptions): ClientConfig {
  const reader = new OptionReader(plainOptions(options, 'createIssuerClient()'), Object.keys(CLIENT_OPTIONS), 'createIssuerClient().');
  const { clientId, clientSecret, authentication, unsafeHttpHosts = new Set<string>(), ...values } = readTable(reader, CLIENT_OPTIONS);
  checkIssuer(reader, values.issuer, unsafeHttpHosts);
  checkSecret(reader, clientSecret, authentication);
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  const secret = clientSecret as string;
  return {
    ...values,
    unsafeHttpHosts,
    authenticate(form) {
      if (authentication === 'client_secret_basic')
        return { authorization: `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(secret)}`).toString('base64')}` };
      form.set('client_id', clientId);
      if (authentication === 'client_secret_post') form.set('client_secret', secret);
      return {};
    },
  };
}

function readUrl(reader: OptionReader, name: string): string | undefined {
  return reader.url(name, reader.httpHosts());
}

function readAuthentication(reader: OptionReader, name: string): Authentication | undefined {
  const given = reader.get(name) ?? 'client_secret_basic';
  const authentication = AUTHENTICATIONS.find((one) => one === given);
  if (authentication === undefined)
    reader.wrong(name, `must be one of ${AUTHENTICATIONS.join(', ')} (got ${shown(given, [...AUTHENTICATIONS, ...OTHER_AUTHENTICATIONS])})`);
  return authentication;
}

/** An issuer that metadata is fetched from must be a canonical URL. Others are only compared. */
function checkIssuer(reader: OptionReader, issuer: string, unsafeHttpHosts: ReadonlySet<string>): void {
  if (issuer === '') return;
  const isFetchedFrom = reader.get('metadataUrl') === undefined && reader.get('revocationEndpoint') === undefined;
  const problem = isFetchedFrom ? (urlProblem(issuer, unsafeHttpHosts) ?? canonicalProblem(issuer)) : identifierProblem(issuer);
  if (problem !== undefined) reader.wrong('issuer', `${problem} (got ${shown(issuer, 'url')})`);
}

function checkSecret(reader: OptionReader, secret: unknown, authentication: Authentication | undefined): void {
  if (authentication === 'none') {
    if (secret !== undefined) reader.wrong('clientSecret', 'cannot be combined with authentication: none, which sends no secret. Leave one of them out');
  } else if (typeof secret !== 'string' || secret === '') {
    reader.wrong('clientSecret', 'is missing, empty or not a string. Set it, or set authentication to none for a public client');
  } else if (hasSpaceAround(secret)) reader.wrong('clientSecret', SPACE_AROUND);
}

function hasSpaceAround(text: string): boolean {
  return text !== text.trim();
}

/** Encodes one half of the credentials as a form does (RFC 6749 s2.3.1), so that a colon in it arrives intact. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
