import type { ProtectedRequest } from './protected-request.js';

/**
 * The key under which a view of a request says that all names of its headers are in lower case, as `node:http` and `Headers` write them. Nothing then looks for
 * other spellings, which would cost each request more than the rest of the look-up.
 */
export const LOWER_CASE_NAMES: unique symbol = Symbol.for('tokenward.lowerCaseNames') as never;

/** What has fields: a request, or its headers alone. */
type WithFields = Pick<ProtectedRequest, 'headers'> & { readonly [LOWER_CASE_NAMES]?: boolean };

/**
 * Returns a field of a request; undefined if it has none. It is the only way in which core reads one, so that all parts of a guard see the same lines.
 *
 * Names are compared without case (RFC 9110 s5.1). Node writes them in lower case, but some platforms pass them on as the client sent them. If several names
 * differ only in case, the result is a list of all their lines: code that needs a single value refuses the list, as it refuses a repeated line.
 *
 * @param name in lower case
 */
export function fieldOf(request: WithFields, name: string): string | readonly string[] | undefined {
  const field = request.headers[name];
  return request[LOWER_CASE_NAMES] === true ? field : withOtherSpellings(request.headers, name, field);
}

function withOtherSpellings(headers: WithFields['headers'], name: string, field: string | readonly string[] | undefined): ReturnType<typeof fieldOf> {
  let found = field;
  for (const other in headers) {
    if (other.length !== name.length || other === name || other.toLowerCase() !== name || !Object.hasOwn(headers, other)) continue;
    const more = headers[other];
    if (more !== undefined) found = found === undefined ? more : [found, more].flat();
  }
  return found;
}

/** Returns all lines of a field. A stand-in for a request may contain anything, so each becomes a string. */
export function linesOf(request: WithFields, name: string): readonly string[] {
  return [fieldOf(request, name) ?? []].flat().map(String);
}

/** Returns whether all names of a request's headers are in lower case. */
export function hasLowerCaseNames(request: WithFields): boolean {
  return request[LOWER_CASE_NAMES] === true || Object.keys(request.headers).every((name) => name === name.toLowerCase());
}

/** Returns the headers with all names in lower case. Names that differ only in case become one field with several lines. */
export function inLowerCase(headers: WithFields['headers']): WithFields['headers'] {
  const lines = new Map<string, string[]>();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) lines.set(name.toLowerCase(), [...(lines.get(name.toLowerCase()) ?? []), value].flat());
  }
  return Object.fromEntries([...lines].map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
}
