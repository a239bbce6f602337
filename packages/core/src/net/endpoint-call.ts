import { leadsToOtherHost, printableUrl } from '../lib/url.js';
import { besideAuthoritiesOfNode } from './added-authorities.js';
import { failureWords, silenceHint } from './fetch-failure.js';
import { rejectOn, type FetchLimits } from './fetch-json.js';
import { IssuerRequestError } from './issuer-request-error.js';
import { discover, endpointOf, MetadataUnavailableError, NoMetadataError, withMtlsAliases, type MetadataSource } from './metadata.js';
import { InternalAddressError, isInternal } from './public-address.js';
import { readBytes, type TlsParts, type Transport } from './transport.js';

/** An endpoint of an authorization server: its address, or where to find it. */
export interface Endpoint {
  readonly source: MetadataSource;
  /** undefined: the issuer's metadata names it. */
  readonly address: string | undefined;
  /** Its name in the metadata, such as `revocation_endpoint`. */
  readonly metadataName: string;
  /** The option for its address. */
  readonly option: string;
  /** Whether the client shows a certificate: the metadata may then name another address (RFC 8705 s5). */
  readonly showsCertificate?: boolean | undefined;
}

export interface EndpointAnswer {
  readonly status: number;
  header(name: string): string | null;
  readonly body: Buffer;
}

export interface PostForm {
  readonly form: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls?: TlsParts | undefined;
}

export interface CallLimits {
  readonly transport: Transport;
  /** The largest answer, after decompression. */
  readonly maxBytes: number;
  readonly timeoutSeconds: number;
  /** What a fetch of metadata shows and trusts. {@link createEndpointAddress} also trusts the authorities of Node. */
  readonly access?: FetchLimits['access'];
}

const MAX_METADATA_BYTES = 524_288;

/**
 * Returns the address of an endpoint.
 *
 * @throws IssuerRequestError if the metadata cannot be fetched, or does not name it
 */
export async function findEndpoint(endpoint: Endpoint, limits: CallLimits, signal: AbortSignal): Promise<string> {
  try {
    return await locate(endpoint, limits, signal);
  } catch (error) {
    throw new IssuerRequestError((error as Error).message);
  }
}

async function locate({ source, address, metadataName, option, showsCertificate }: Endpoint, limits: CallLimits, signal: AbortSignal): Promise<string> {
  if (address !== undefined) return address;
  const metadata = await discover(source, { ...limits, maxBytes: MAX_METADATA_BYTES }, signal, option);
  return endpointOf(showsCertificate === true ? withMtlsAliases(metadata) : metadata, metadataName, option, source.unsafeHttpHosts);
}

/** The address of an endpoint that is called again and again. */
export interface EndpointAddress {
  /** undefined until it was found. */
  readonly known: string | undefined;
  /**
   * Returns the known address at once. Otherwise calls share one search, which has its own time limit; each waits until its signal aborts. Rejects as
   * {@link findEndpoint} does.
   */
  find(signal: AbortSignal): Promise<string>;
  /**
   * Looks up a known address in the metadata again, because it may have moved. It does nothing if the options set the address. Nobody waits for the search. The known
   * address stays in use until metadata arrives that names another address, no address that may be used, or another issuer.
   */
  renew(): void;
  /** Why the last search of {@link renew} failed; undefined if it succeeded, and after {@link worked}. */
  readonly renewalError: string | undefined;
  /** Notes that the endpoint works, so a failed search does not matter. */
  worked(): void;
  /** Ends a search. */
  close(): void;
}

export function createEndpointAddress(endpoint: Endpoint, limits: CallLimits): EndpointAddress {
  const { access } = limits;
  const searchLimits = { ...limits, access: access && besideAuthoritiesOfNode(access) };
  let address = endpoint.address;
  let isClosed = false;
  let finding: Promise<string> | undefined;
  let ending: AbortController | undefined;
  let isDoubted = false;
  let renewalError: string | undefined;

  async function search(): Promise<string> {
    const controller = (ending = new AbortController());
    const late = new Error(`no complete answer within ${limits.timeoutSeconds} s`);
    const timer = setTimeout(() => controller.abort(late), limits.timeoutSeconds * 1000);
    timer.unref();
    try {
      return (address = await locate(endpoint, searchLimits, controller.signal));
    } catch (error) {
      // only metadata that arrived proves the known address wrong: a server without the document may still have the endpoint
      if (!(error instanceof MetadataUnavailableError || error instanceof NoMetadataError)) address = undefined;
      throw new IssuerRequestError((error as Error).message);
    } finally {
      clearTimeout(timer);
      finding = undefined;
    }
  }

  return {
    get known() {
      return address;
    },
    async find(signal) {
      if (address !== undefined) return address;
      // the callers learn why this search fails
      renewalError = undefined;
      const givingUp = rejectOn(signal).catch((reason: unknown) => {
        const { issuer, metadataUrl = issuer } = endpoint.source;
        throw new IssuerRequestError(`${printableUrl(metadataUrl)}: no metadata arrived: ${(reason as Error).message}${silenceHint(metadataUrl)}`);
      });
      if (signal.aborted) return givingUp;
      return Promise.race([(finding ??= search()), givingUp]);
    },
    renew() {
      if (endpoint.address !== undefined || address === undefined || isClosed) return;
      isDoubted = true;
      (finding ??= search()).then(
        () => (renewalError = undefined),
        (error: Error) => (renewalError = isDoubted ? error.message : undefined),
      );
    },
    get renewalError() {
      return renewalError;
    },
    worked() {
      isDoubted = false;
      renewalError = undefined;
    },
    close() {
      isClosed = true;
      ending?.abort(new Error('no longer wanted, because the guard or the exchange was closed'));
    },
  };
}

/** Media types of JSON (RFC 8259 s11, RFC 6839 s3.1). */
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json[\t ]*(?:;|$)/i;

/** Whether a `Content-Type` field says JSON. */
export function isJsonType(contentType: string): boolean {
  return JSON_TYPE.test(contentType);
}

/**
 * Posts a form to an endpoint. It follows no redirect. It does not connect to an address that only metadata names and that is not public.
 *
 * @param url what {@link findEndpoint} returned
 * @param signal aborts after the time limit
 * @throws IssuerRequestError if there was no complete answer
 */
export async function postForm(
  endpoint: Endpoint,
  url: string,
  { form, headers, tls }: PostForm,
  limits: CallLimits,
  signal: AbortSignal,
): Promise<EndpointAnswer> {
  const publicOnly = endpoint.address === undefined && leadsToOtherHost(url, endpoint.source);
  const internal = `the issuer's metadata names ${article(endpoint.metadataName)} on a private address. If it is right, set the option ${endpoint.option}`;
  if (publicOnly && isInternal(url)) throw new IssuerRequestError(`${printableUrl(url)}: ${internal}`);
  const { transport, maxBytes, timeoutSeconds } = limits;
  try {
    const post = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers }, body: form.toString() } as const;
    // a user's own fetch may ignore the signal
    return await Promise.race([load(), rejectOn(signal)]);

    async function load(): Promise<EndpointAnswer> {
      const answer = await transport(url, signal, publicOnly, timeoutSeconds * 1000, post, tls);
      return { status: answer.status, header: answer.header, body: await readBytes(answer, maxBytes) };
    }
  } catch (error) {
    const reason = signal.aborted
      ? `no complete answer within ${timeoutSeconds} s${silenceHint(url)}`
      : error instanceof InternalAddressError
        ? internal
        : failureWords(error, url);
    // without a cause: it could contain the token or the secret
    throw new IssuerRequestError(`${printableUrl(url)}: ${reason}`);
  }
}

/** Returns `a revocation endpoint` for `revocation_endpoint`. */
function article(metadataName: string): string {
  const words = metadataName.replaceAll('_', ' ');
  return `${/^[aeiou]/.test(words) ? 'an' : 'a'} ${words}`;
}
