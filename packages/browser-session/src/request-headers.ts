import { misuse } from '@tokenward/core/store';
import type { RequestHeaders } from './browser-session.js';

/**
 * Returns a header of a request; undefined if it has none. Several lines are joined as HTTP joins them, those of `Cookie` with `; `.
 *
 * @param name in lower case
 * @throws ConfigurationError if the headers are no object
 */
export function headerOf(headers: RequestHeaders, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) throw misuse('headers', 'must be the headers of a request: those of fetch, or those of Node');
  // own members only: a polluted prototype must not add a header. Those of fetch have no member of such a name
  if (!Object.hasOwn(headers, name)) return isFetchHeaders(headers) ? (headers.get(name) ?? undefined) : undefined;
  const value = (headers as Exclude<RequestHeaders, Headers>)[name];
  return typeof value === 'object' ? value.join(name === 'cookie' ? '; ' : ', ') : value;
}

/** Headers of another realm or of a polyfill are no instance of the global class. No field of Node's headers is a function; a polluted prototype may add one. */
function isFetchHeaders(headers: RequestHeaders): headers is Headers {
  const { get } = headers as { readonly get?: unknown };
  return typeof get === 'function' && get !== (Object.prototype as { readonly get?: unknown }).get;
}
