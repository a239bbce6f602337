import { hasLowerCaseNames, inLowerCase } from '@tokenward/core/adapter';
import { misuse } from '@tokenward/core/store';
import type { RequestHeaders } from './browser-session.js';

/**
 * Returns a header of a request; undefined if it has none. Several lines are joined as HTTP joins them, those of `Cookie` with `; `.
 *
 * @param name in lower case
 * @throws ConfigurationError if the headers are no object
 */
export function headerOf(headers: RequestHeaders, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) throw noHeaders();
  // own members only: a polluted prototype must not add a header. Those of fetch have no member of such a name
  if (!Object.hasOwn(headers, name)) return isFetchHeaders(headers) ? (headers.get(name) ?? undefined) : undefined;
  const value = (headers as Exclude<RequestHeaders, Headers>)[name];
  return typeof value === 'object' ? value.join(name === 'cookie' ? '; ' : ', ') : value;
}

/**
 * Returns the headers of an app's own object with all names in lower case, so that no part of this package misses a line: `Sec-Fetch-Site` in another spelling must
 * not count as none. Those of fetch and of Node are so already, and so is what a guard passes on.
 *
 * @throws ConfigurationError if the headers are no object
 */
export function withLowerCaseNames(headers: RequestHeaders): RequestHeaders {
  if (typeof headers !== 'object' || headers === null) throw noHeaders();
  if (isFetchHeaders(headers) || hasLowerCaseNames({ headers })) return headers;
  return inLowerCase(headers);
}

function noHeaders(): Error {
  return misuse('headers', 'must be the headers of a request: those of fetch, or those of Node');
}

/** Headers of another realm or of a polyfill are no instance of the global class. No field of Node's headers is a function; a polluted prototype may add one. */
function isFetchHeaders(headers: RequestHeaders): headers is Headers {
  const { get } = headers as { readonly get?: unknown };
  return typeof get === 'function' && get !== (Object.prototype as { readonly get?: unknown }).get;
}
