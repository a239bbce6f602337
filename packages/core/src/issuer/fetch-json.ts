import type { Answer, Transport } from './transport.js';

export interface FetchLimits {
  readonly transport: Transport;
  /** From the first byte asked for to the last one received. */
  readonly timeoutSeconds: number;
  /** Counted after decompression. */
  readonly maxBytes: number;
}

export interface FetchedJson {
  readonly document: unknown;
  readonly header: Answer['header'];
}

/** The server answered, and said that there is nothing for us at this address. */
export class NotFoundError extends Error {}

/**
 * GETs a JSON document: one deadline over everything, a limit on what is read, and no redirect is followed (RFC 9700 s4.12).
 *
 * @throws Error that names the URL and what went wrong
 */
export async function fetchJson(url: string, limits: FetchLimits, closed: AbortSignal, publicOnly = false): Promise<FetchedJson> {
  const deadline = AbortSignal.timeout(limits.timeoutSeconds * 1000);
  const signal = AbortSignal.any([deadline, closed]);
  try {
    // raced as well, since a fetch of the user's own may not listen to the signal
    return await Promise.race([load(url, limits, signal, publicOnly), rejectOn(signal)]);
  } catch (error) {
    if (closed.aborted) throw new Error(`${url}: given up, since the guard was closed`);
    if (deadline.aborted) throw new Error(`${url}: no complete answer within ${limits.timeoutSeconds} s`);
    if (error instanceof NotFoundError) throw error;
    throw new Error(`${url}: ${describe(error)}`, { cause: error });
  }
}

async function load(url: string, { transport, maxBytes }: FetchLimits, signal: AbortSignal, publicOnly: boolean): Promise<FetchedJson> {
  const answer = await transport(url, signal, publicOnly);
  const { status } = answer;
  if (status !== 200) {
    answer.discard();
    if (status >= 400 && status < 500) throw new NotFoundError(`${url}: answered with status ${status}`);
    throw new Error(`answered with status ${status}${status >= 300 && status < 400 ? ': redirects are not followed, so give the final address' : ''}`);
  }
  const text = await readText(answer, maxBytes);
  try {
    return { document: JSON.parse(text) as unknown, header: answer.header };
  } catch {
    // the parser's message would quote the body
    throw new Error('the answer is not JSON');
  }
}

async function readText({ body }: Answer, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    // leaving the loop gives the rest up
    if (bytes > maxBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
  });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  // undici says "fetch failed" and keeps what happened in the cause; a refused connection over two families has a code and no words
  const { code } = error as { code?: unknown };
  const cause = error.cause as { code?: unknown; message?: unknown } | undefined;
  const detail = typeof cause?.code === 'string' ? cause.code : typeof cause?.message === 'string' ? cause.message : undefined;
  if (detail !== undefined) return `${error.message} (${detail})`;
  return error.message || (typeof code === 'string' ? code : 'failed');
}
