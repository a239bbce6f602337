import { parseJson } from '../lib/parse-json.js';
import { printableUrl } from '../lib/url.js';
import { failureWords, silenceHint } from './fetch-failure.js';
import { readBytes, type Answer, type Transport } from './transport.js';

export interface FetchLimits {
  readonly transport: Transport;
  /** Counted after decompression. */
  readonly maxBytes: number;
  /** After so long the signal ends it. */
  readonly timeoutSeconds: number;
}

export interface FetchedJson {
  readonly document: unknown;
  readonly header: Answer['header'];
}

/** The server answered, and said that there is nothing at this address. */
export class NotFoundError extends Error {}

/**
 * GETs a JSON document: a limit on what is read, and no redirect is followed (RFC 9700 s4.12).
 *
 * @param signal ends it, whatever the transport does; its reason tells why
 * @throws Error that names the URL and what went wrong
 */
export async function fetchJson(url: string, limits: FetchLimits, signal: AbortSignal, publicOnly = false): Promise<FetchedJson> {
  try {
    signal.throwIfAborted();
    // raced as well, since a fetch of the user's own may not listen to the signal
    return await Promise.race([load(url, limits, signal, publicOnly), rejectOn(signal)]);
  } catch (error) {
    const where = printableUrl(url);
    if (signal.aborted) throw new Error(`${where}: ${(signal.reason as Error).message}${silenceHint(url)}`);
    if (error instanceof NotFoundError) throw new NotFoundError(`${where}: ${error.message}`);
    // a fetch of the user's own may have put anything into it, a proxy's password also
    throw new Error(`${where}: ${failureWords(error, url)}`);
  }
}

/** 403 is how object stores say it of files that are not there. */
const NOTHING_THERE = new Set([400, 403, 404, 405, 410]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

async function load(url: string, { transport, maxBytes, timeoutSeconds }: FetchLimits, signal: AbortSignal, publicOnly: boolean): Promise<FetchedJson> {
  const answer = await transport(url, signal, publicOnly, timeoutSeconds * 1000);
  const { status } = answer;
  if (status !== 200) {
    answer.discard();
    if (NOTHING_THERE.has(status)) throw new NotFoundError(`answered with status ${status}`);
    throw new Error(`answered with status ${status}${REDIRECTS.has(status) ? ': redirects are not followed, so give the final address' : ''}`);
  }
  const text = new TextDecoder('utf-8', { fatal: true }).decode(await readBytes(answer, maxBytes));
  try {
    return { document: parseJson(text), header: answer.header };
  } catch {
    // the parser's message would quote the body
    throw new Error('the answer is not JSON');
  }
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
