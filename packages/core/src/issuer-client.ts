import { misuse, ConfigurationError } from './lib/configuration-error.js';
import { parseJson } from './lib/parse-json.js';
import { clientAuthenticator, type AuthenticateClient } from './net/client-authentication.js';
import { hasSpaceAround, readMethod, SPACE_AROUND } from './net/client-options.js';
import { findEndpoint, postForm, type Endpoint, type EndpointAnswer } from './net/endpoint-call.js';
import { IssuerRequestError } from './net/issuer-request-error.js';
import { nodeRequest } from './net/transport.js';
import { OptionReader, plainOptions } from './lib/option-reader.js';
import { numberOption, readTable, type OptionTable } from './lib/option-table.js';
import { shown } from './lib/shown-option.js';
import { canonicalProblem, identifierProblem, printableUrl, urlProblem } from './lib/url.js';

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

const MAX_RESPONSE_BYTES = 65_536;
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
  const { endpoint, timeoutSeconds, authenticate } = readOptions(options);
  const limits = { transport: nodeRequest, maxBytes: MAX_RESPONSE_BYTES, timeoutSeconds };

  return Object.freeze({
    async revokeAtIssuer(token: string, { tokenTypeHint }: { readonly tokenTypeHint?: 'access_token' | 'refresh_token' | undefined } = {}) {
      if (typeof token !== 'string' || token === '' || token.length > MAX_TOKEN_LENGTH)
        throw misuse('revokeAtIssuer()', `token must be a string of 1 to ${MAX_TOKEN_LENGTH} characters (got a ${typeof token})`);
      const form = new URLSearchParams({ token, ...(tokenTypeHint && { token_type_hint: tokenTypeHint }) });
      const headers = await authenticate(form);
      const signal = AbortSignal.timeout(timeoutSeconds * 1000);
      const url = await findEndpoint(endpoint, limits, signal);
      const answer = await postForm(endpoint, url, { form, headers }, limits, signal);
      // RFC 7009 s2.2: the status is 200 for an unknown token too
      if (answer.status !== 200) throw failureOf(url, answer);
    },
  });
}

function failureOf(url: string, { status, header, body }: EndpointAnswer): IssuerRequestError {
  const error = errorIn(body.toString());
  const retryAfter = header('retry-after');
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

interface ClientConfig {
  readonly endpoint: Endpoint;
  readonly timeoutSeconds: number;
  readonly authenticate: AuthenticateClient;
}

const AUTHENTICATIONS = ['client_secret_basic', 'client_secret_post', 'none'] as const;
type Authentication = (typeof AUTHENTICATIONS)[number];

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
  const { issuer, metadataUrl, revocationEndpoint, timeoutSeconds } = values;
  checkIssuer(reader, issuer, unsafeHttpHosts);
  checkSecret(reader, clientSecret, authentication);
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  const credentials = { clientId, clientSecret: clientSecret as string | undefined, privateKey: undefined };
  return {
    endpoint: {
      source: { issuer, metadataUrl, unsafeHttpHosts },
      address: revocationEndpoint,
      metadataName: 'revocation_endpoint',
      option: 'revocationEndpoint',
    },
    timeoutSeconds,
    authenticate: clientAuthenticator(authentication!, credentials, issuer, Date.now),
  };
}

function readUrl(reader: OptionReader, name: string): string | undefined {
  return reader.url(name, reader.httpHosts());
}

function readAuthentication(reader: OptionReader, name: string): Authentication | undefined {
  return reader.get(name) === undefined ? 'client_secret_basic' : readMethod(reader, name, AUTHENTICATIONS);
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
