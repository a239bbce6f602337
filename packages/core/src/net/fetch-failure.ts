import { isError } from '../lib/native-error.js';
import { isLoopback, printable } from '../lib/url.js';
import { unusedProxyVariable } from './connection.js';

/** Returns what went wrong with a request, in words that follow its URL, and the most likely remedy. */
export function failureWords(error: unknown, url: string): string {
  const words = printable(describe(error), 500);
  const hint = hintFor(codeOf(error), url);
  return hint === undefined ? words : `${words}; ${hint}`;
}

/** Returns the most likely remedy if no answer came in time. */
export function silenceHint(url: string): string {
  const proxy = proxyHint(url);
  return proxy === undefined ? '' : `; ${proxy}`;
}

function describe(error: unknown): string {
  if (!isError(error)) return 'failed';
  // undici's message is "fetch failed", with the details in the cause; an error for several addresses has a code and no message
  const { code } = error as { code?: unknown };
  const cause = error.cause as { code?: unknown; message?: unknown } | undefined;
  const detail = typeof cause?.code === 'string' ? cause.code : typeof cause?.message === 'string' ? cause.message : undefined;
  const message = withoutCredentials(error.message);
  if (detail !== undefined) return `${message} (${withoutCredentials(detail)})`;
  return message || (typeof code === 'string' ? code : 'failed');
}

/** A proxy's URL may hold a password. */
function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, '//***@');
}

/** A chain of causes may end in itself. */
const MAX_CAUSES = 5;

function codeOf(error: unknown): string | undefined {
  let at = error;
  for (let depth = 0; depth < MAX_CAUSES && isError(at); depth++) {
    const { code, cause } = at as { code?: unknown; cause?: unknown };
    if (typeof code === 'string') return code;
    at = cause;
  }
  return undefined;
}

/** What undici, and so Node's own fetch, always says. */
const FETCH_FAILED = 'fetch failed';
const CODE = /^[A-Z]+(?:_[A-Z0-9]+)*$/;
const MAX_CODE_LENGTH = 50;

/**
 * Returns an error in place of one of a user's own fetch, which sent a token or a secret: its message may quote the request. The code remains, for
 * {@link failureWords}.
 */
export function withoutMessage(error: unknown): Error {
  const given = codeOf(error);
  const code = given !== undefined && given.length <= MAX_CODE_LENGTH && CODE.test(given) ? given : undefined;
  const words = isError(error) && error.message === FETCH_FAILED ? FETCH_FAILED : 'the given fetch failed';
  return Object.assign(new Error(code === undefined ? words : `${words} (${code})`), { code });
}

/** Returns the body of an answer to a user's own fetch, which throws its errors {@link withoutMessage}. */
export async function* bodyWithoutMessages(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body;
  } catch (error) {
    throw withoutMessage(error);
  }
}

/** The codes of a certificate chain that ends in an authority that Node does not know. */
export const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
const NO_CONNECTION = new Set(['EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'ETIMEDOUT']);

function hintFor(code: string | undefined, url: string): string | undefined {
  if (code === undefined) return undefined;
  if (UNKNOWN_AUTHORITY.has(code)) return "if a private authority issued the certificate, set NODE_EXTRA_CA_CERTS to the file with the authority's certificate";
  if (code === 'ERR_PROXY_TUNNEL') return 'check the proxy in HTTPS_PROXY, or list the host in NO_PROXY to connect directly';
  if (!NO_CONNECTION.has(code)) return undefined;
  if (code === 'ECONNREFUSED' && isLoopback(new URL(url).hostname)) return 'no server listens there (in a container, localhost is the container itself)';
  return proxyHint(url);
}

function proxyHint(url: string): string | undefined {
  const variable = unusedProxyVariable(url);
  return variable && `${variable} is set, but Node uses it only with NODE_USE_ENV_PROXY=1`;
}
