import { parseJson } from '../lib/parse-json.js';
import { printableUrl } from '../lib/url.js';
import { failureWords, silenceHint } from './fetch-failure.js';
import { readBytes, type Answer, type AuthorizedGet, type TlsTrust, type Transport } from './transport.js';

export interface FetchLimits {
  readonly transport: Transport;
  /** The limit of the body after decompression. */
  readonly maxBytes: number;
  /** The time after which the signal of {@link fetchJson} aborts. */
  readonly timeoutSeconds: number;
  /** Returns the credentials and the trusted authorities for the fetch of an address. undefined: no credentials, and the authorities that Node trusts. */
  readonly access?: ((url: string) => FetchAccess) | undefined;
}

/** The credentials that a fetch sends, and the authorities that it trusts. */
export interface FetchAccess {
  readonly request?: AuthorizedGet | undefined;
  readonly tls?: TlsTrust | undefined;
}

export interface FetchedJson {
  readonly document: unknown;
  readonly header: Answer['header'];
}

/** The server answered that there is no document at this address. */
export class NotFoundError extends Error {
  /** @param isGone the status says just that (404, 410), and not that something in front of the server refuses the request */
  constructor(
    message: string,
    readonly isGone = false,
  ) {
    super(message);
  }
}

/**
 * Fetches a JSON document with GET. It follows no redirect.
 *
 * @param signal ends the fetch, even if the transport ignores it. The error contains the message of its reason
 * @param publicOnly see {@link Transport}
 * @throws Error that names the URL and what went wrong
 */
export async function fetchJson(url: string, limits: FetchLimits, signal: AbortSignal, publicOnly = false): Promise<FetchedJson> {
  try {
    signal.throwIfAborted();
    // the user's own fetch may ignore the signal
    return await Promise.race([load(url, limits, signal, publicOnly), rejectOn(signal)]);
  } catch (error) {
    const where = printableUrl(url);
    if (signal.aborted) throw new Error(`${where}: ${(signal.reason as Error).message}${silenceHint(url)}`);
    if (error instanceof NotFoundError) throw new NotFoundError(`${where}: ${error.message}`, error.isGone);
    // the error of a user's own fetch may contain anything, even a proxy's password
    throw new Error(`${where}: ${failureWords(error, url)}`);
  }
}

/** The statuses for a missing document. Object stores answer 403. */
const NOT_FOUND = new Set([400, 403, 404, 405, 410]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

async function load(url: string, { transport, maxBytes, timeoutSeconds, access }: FetchLimits, signal: AbortSignal, publicOnly: boolean): Promise<FetchedJson> {
  const { request, tls } = access?.(url) ?? {};
  const answer = await transport(url, signal, publicOnly, timeoutSeconds * 1000, request, tls);
  const { status } = answer;
  if (status !== 200) {
    answer.discard();
    if (NOT_FOUND.has(status)) throw new NotFoundError(`answered with status ${status}`, status === 404 || status === 410);
    throw new Error(`answered with status ${status}${REDIRECTS.has(status) ? ': redirects are not followed, so configure the final address' : ''}`);
  }
  const bytes = await readBytes(answer, maxBytes);
  try {
    return { document: parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), header: answer.header };
  } catch {
    // the parser's message would quote the body
    throw new Error('the answer is not JSON');
  }
}

/** Returns a promise that rejects when a signal aborts. */
export function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
