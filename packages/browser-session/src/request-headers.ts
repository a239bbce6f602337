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
  if (isFetchHeaders(headers)) return headers.get(name) ?? undefined;
  // own members only: a polluted prototype must not add a header
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return typeof value === 'object' ? value.join(name === 'cookie' ? '; ' : ', ') : value;
}

/** Headers of another realm or of a polyfill are no instance of the global class. No field of Node's headers is a function; a polluted prototype may add one. */
function isFetchHeaders(headers: RequestHeaders): headers is Headers {
  const { get } = headers as { readonly get?: unknown };
  return typeof get === 'function' && get !== (Object.prototype as { readonly get?: unknown }).get;
}
