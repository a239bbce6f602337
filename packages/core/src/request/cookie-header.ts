import type { ProtectedRequest } from './protected-request.js';

/**
 * Returns the request if it has a `Cookie` header, with names of headers in lower case; undefined if it has none. Node writes names in lower case, but some
 * platforms pass them on as the client sent them. A session reads more than the cookie, so all names are converted.
 */
export function withCookieHeader(request: ProtectedRequest): ProtectedRequest | undefined {
  const { headers } = request;
  if (Object.hasOwn(headers, 'cookie') && headers['cookie'] !== undefined) return request;
  if (!Object.keys(headers).some((name) => name.length === 6 && name.toLowerCase() === 'cookie' && headers[name] !== undefined)) return undefined;
  const { method, target, path, params, origin } = request;
  return { method, target, path, params, origin, headers: inLowerCase(headers) };
}

function inLowerCase(headers: ProtectedRequest['headers']): ProtectedRequest['headers'] {
  const lines = new Map<string, string[]>();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) lines.set(name.toLowerCase(), [...(lines.get(name.toLowerCase()) ?? []), value].flat());
  }
  return Object.fromEntries([...lines].map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
}
