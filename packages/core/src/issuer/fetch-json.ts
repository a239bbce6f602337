export interface FetchLimits {
  readonly fetch: typeof globalThis.fetch;
  /** From the first byte asked for to the last one received. */
  readonly timeoutSeconds: number;
  /** Counted after decompression. */
  readonly maxBytes: number;
}

export interface FetchedJson {
  readonly document: unknown;
  readonly headers: Headers;
}

/** The server answered, and said that there is nothing at this address. */
export class NotFoundError extends Error {}

/**
 * GETs a JSON document: one deadline over everything, a limit on what is read, and no redirect is followed (RFC 9700 s4.12).
 *
 * @throws Error that names the URL and what went wrong
 */
export async function fetchJson(url: string, limits: FetchLimits, closed: AbortSignal): Promise<FetchedJson> {
  const deadline = AbortSignal.timeout(limits.timeoutSeconds * 1000);
  const signal = AbortSignal.any([deadline, closed]);
  try {
    // raced as well, since a fetch of the user's own may not listen to the signal
    return await Promise.race([load(url, limits, signal), rejectOn(signal)]);
  } catch (error) {
    if (closed.aborted) throw new Error(`${url}: given up, since the guard was closed`);
    if (deadline.aborted) throw new Error(`${url}: no complete answer within ${limits.timeoutSeconds} s`);
    if (error instanceof NotFoundError) throw error;
    throw new Error(`${url}: ${describe(error)}`, { cause: error });
  }
}

async function load(url: string, { fetch, maxBytes }: FetchLimits, signal: AbortSignal): Promise<FetchedJson> {
  const response = await fetch(url, { headers: { accept: 'application/json' }, redirect: 'manual', signal });
  if (response.status !== 200) {
    await response.body?.cancel();
    if (response.status === 404) throw new NotFoundError(`${url}: answered with status 404`);
    const redirected = response.status >= 300 && response.status < 400 ? ': redirects are not followed, so give the final address' : '';
    throw new Error(`answered with status ${response.status}${redirected}`);
  }
  const text = await readText(response, maxBytes);
  try {
    return { document: JSON.parse(text) as unknown, headers: response.headers };
  } catch {
    // the parser's message would quote the body
    throw new Error('the answer is not JSON');
  }
}

async function readText(response: Response, maxBytes: number): Promise<string> {
  if (!response.body) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    // leaving the loop cancels the body
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
  // undici says "fetch failed" and keeps what happened in the cause
  const cause = error.cause as { code?: unknown; message?: unknown } | undefined;
  if (typeof cause?.code === 'string') return `${error.message} (${cause.code})`;
  return typeof cause?.message === 'string' ? `${error.message} (${cause.message})` : error.message;
}
