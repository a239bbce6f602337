import { misuse, ConfigurationError } from './lib/configuration-error.js';
import { TokenwardError } from './lib/tokenward-error.js';
import { parseJson } from './lib/parse-json.js';
import { discover, endpointOf, type MetadataSource } from './net/metadata.js';
import { failureWords, silenceHint } from './net/fetch-failure.js';
import { InwardAddressError, isInward } from './net/public-address.js';
import { nodeRequest, nodeTransport, readBytes } from './net/transport.js';
import { OptionReader, plainOptions } from './lib/option-reader.js';
import { shown } from './lib/shown-option.js';
import { canonicalProblem, identifierProblem, leadsElsewhere, printableUrl } from './lib/url.js';

/** Who we are to an authorization server. */
export interface IssuerClientOptions {
  /** The authorization server's issuer identifier. */
  readonly issuer: string;
  readonly clientId: string;
  /** Needed unless `authentication` is `none`. */
  readonly clientSecret?: string | undefined;
  /** How the client shows who it is (RFC 6749 s2.3.1); `none`: a public client. Default: `client_secret_basic`. */
  readonly authentication?: 'client_secret_basic' | 'client_secret_post' | 'none' | undefined;
  /** Where the issuer's metadata is fetched, when that is not under the issuer's own name. Its `issuer` must still equal `issuer`. */
  readonly metadataUrl?: string | undefined;
  /** Hosts that may be asked over plain http: anybody on the way to them then reads the token and the client's secret. */
  readonly unsafeHttpHosts?: readonly string[] | undefined;
  /** Where tokens are revoked, instead of asking the issuer's metadata. */
  readonly revocationEndpoint?: string | undefined;
  /** For all of one call: metadata and the request itself. Default: 5. */
  readonly timeoutSeconds?: number | undefined;
}

export interface IssuerClient {
  /**
   * Has the authorization server revoke a token (RFC 7009): a refresh token for good, and, where it keeps such, access tokens. A token that it does
   * not know is none any more, which is no error.
   *
   * @throws IssuerRequestError where it did not say that it is done: the token may still be good
   *
   * @example await client.revokeAtIssuer(refreshToken, { tokenTypeHint: 'refresh_token' });
   */
  revokeAtIssuer(token: string, options?: { readonly tokenTypeHint?: 'access_token' | 'refresh_token' | undefined }): Promise<void>;
}

/** The authorization server did not do what it was asked for. The message names the address and what happened there, and no token or secret. */
export class IssuerRequestError extends TokenwardError {
  override readonly name = 'IssuerRequestError';
  readonly code = 'TOKENWARD_ISSUER_REQUEST';
  /** undefined: there was no answer. */
  readonly status: number | undefined;
  /** The `error` of RFC 6749 s5.2, where the server gave one. */
  readonly error: string | undefined;
  /** After how many seconds to come again, where the server says so. */
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

const INWARD = "the issuer's metadata puts its revocation endpoint on a private address: give it by the option revocationEndpoint if that is right";
const MAX_ANSWER_BYTES = 65_536;
const MAX_METADATA_BYTES = 524_288;
const MAX_TOKEN_LENGTH = 65_536;

/**
 * A client of an authorization server, for what an API asks of it.
 *
 * @throws ConfigurationError that lists all that is wrong with the options
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
        throw misuse('revokeAtIssuer()', `token is a ${typeof token} that is none: a string of ${MAX_TOKEN_LENGTH} characters at the most is needed`);
      const form = new URLSearchParams({ token, ...(tokenTypeHint && { token_type_hint: tokenTypeHint }) });
      const headers = authenticate(form);
      const signal = AbortSignal.timeout(timeoutSeconds * 1000);
      const where = revocationEndpoint ?? (await find(signal));
      const answer = await post(where, form, headers, signal);
      // RFC 7009 s2.2: also for one that it does not know
      if (answer.status !== 200) throw refused(where, answer);
    },
  });

  async function find(signal: AbortSignal): Promise<string> {
    try {
      const metadata = await discover(source, limits, signal, 'revocationEndpoint');
      return endpointOf(metadata, 'revocation_endpoint', 'revocationEndpoint', source.unsafeHttpHosts);
    } catch (error) {
      throw new IssuerRequestError((error as Error).message, { cause: error });
    }
  }

  async function post(url: string, form: URLSearchParams, headers: Record<string, string>, signal: AbortSignal): Promise<Told> {
    const publicOnly = revocationEndpoint === undefined && leadsElsewhere(url, source);
    if (publicOnly && isInward(url)) throw new IssuerRequestError(`${printableUrl(url)}: ${INWARD}`);
    try {
      const sent = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers }, body: form.toString() } as const;
      const answer = await nodeRequest(url, signal, publicOnly, timeoutSeconds * 1000, sent);
      return { status: answer.status, retryAfter: answer.header('retry-after'), text: (await readBytes(answer, MAX_ANSWER_BYTES)).toString() };
    } catch (error) {
      const reason = signal.aborted
        ? `no complete answer within ${timeoutSeconds} s${silenceHint(url)}`
        : error instanceof InwardAddressError
          ? INWARD
          : failureWords(error, url);
      // what was sent is no part of the cause
      throw new IssuerRequestError(`${printableUrl(url)}: ${reason}`);
    }
  }
}

/** As much of an answer as counts. */
interface Told {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
}

function refused(url: string, { status, retryAfter, text }: Told): IssuerRequestError {
  const error = errorIn(text);
  const seconds = retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined;
  const message = `${printableUrl(url)}: answered with status ${status}${error === undefined ? '' : ` (${error})`}, so the token may still be good`;
  return new IssuerRequestError(message, { status, error, retryAfterSeconds: seconds });
}

/** RFC 6749 s5.2: one of its codes, or of an extension's; nothing else of the answer is told. */
function errorIn(text: string): string | undefined {
  try {
    const { error } = parseJson(text) as { error?: unknown };
    return typeof error === 'string' && /^[a-z_]{1,60}$/.test(error) ? error : undefined;
  } catch {
    return undefined;
  }
}

/** What a file's last line break, or a variable's, makes of a secret is another one, which the server refuses at each call. */
const SPACE_AROUND = 'begins or ends with white space, as the text of a file does. Remove it, as by trim()';

function hasSpaceAround(text: unknown): boolean {
  return typeof text === 'string' && text !== text.trim();
}

const OPTION_NAMES = [
  'issuer',
  'clientId',
  'clientSecret',
  'authentication',
  'metadataUrl',
  'unsafeHttpHosts',
  'revocationEndpoint',
  'timeoutSeconds',
] as const satisfies readonly (keyof IssuerClientOptions)[];
const AUTHENTICATIONS: readonly string[] = ['client_secret_basic', 'client_secret_post', 'none'];

/** Those of OpenID Connect Core s9 and RFC 8705 that are not spoken here, and may be repeated in a message. */
const OTHER_AUTHENTICATIONS = ['client_secret_jwt', 'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'];

interface ClientConfig extends MetadataSource {
  readonly revocationEndpoint: string | undefined;
  readonly timeoutSeconds: number;
  /** Adds to the form, or answers with header fields. */
  authenticate(form: URLSearchParams): Record<string, string>;
}

function readOptions(options: IssuerClientOptions): ClientConfig {
  const reader = new OptionReader(plainOptions(options, 'createIssuerClient()'), OPTION_NAMES, 'createIssuerClient().');
  const unsafeHttpHosts = reader.hosts('unsafeHttpHosts') ?? new Set<string>();
  const isAsked = reader.get('metadataUrl') === undefined && reader.get('revocationEndpoint') === undefined;
  const issuer = isAsked ? reader.url('issuer', unsafeHttpHosts) : reader.text('issuer', '');
  const problem = issuer === undefined || issuer === '' ? undefined : isAsked ? canonicalProblem(issuer) : identifierProblem(issuer);
  if (problem !== undefined) reader.wrong('issuer', `${problem} (given: ${shown(issuer, 'url')})`);
  if (reader.get('issuer') === undefined) reader.wrong('issuer', "is missing: give the authorization server's issuer URL");
  const clientId = reader.text('clientId', '');
  if (reader.get('clientId') === undefined) reader.wrong('clientId', 'is missing: give the client id that this API has at the authorization server');
  const authentication = reader.get('authentication') ?? 'client_secret_basic';
  if (!(AUTHENTICATIONS as readonly unknown[]).includes(authentication))
    reader.wrong(
      'authentication',
      `is ${shown(authentication, [...AUTHENTICATIONS, ...OTHER_AUTHENTICATIONS])}: one of ${AUTHENTICATIONS.join(', ')} is needed`,
    );
  const secret = reader.get('clientSecret');
  if (authentication === 'none' ? secret !== undefined : typeof secret !== 'string' || secret === '')
    reader.wrong('clientSecret', authentication === 'none' ? 'stands beside authentication: none, which shows no secret' : 'is missing, empty or no string');
  else if (secret !== undefined && hasSpaceAround(secret)) reader.wrong('clientSecret', SPACE_AROUND);
  if (hasSpaceAround(clientId)) reader.wrong('clientId', SPACE_AROUND);
  const config = {
    issuer: issuer ?? '',
    metadataUrl: reader.url('metadataUrl', unsafeHttpHosts),
    unsafeHttpHosts,
    revocationEndpoint: reader.url('revocationEndpoint', unsafeHttpHosts),
    timeoutSeconds: reader.number('timeoutSeconds', 5, { least: 0.1, most: 60 }),
  };
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return {
    ...config,
    authenticate(form) {
      if (authentication === 'client_secret_basic')
        return { authorization: `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(secret as string)}`).toString('base64')}` };
      form.set('client_id', clientId);
      if (authentication === 'client_secret_post') form.set('client_secret', secret as string);
      return {};
    },
  };
}

/** RFC 6749 s2.3.1: each half in the form's encoding, so that a colon or another letter arrives as it was. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
