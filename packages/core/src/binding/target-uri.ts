import { pathOf } from '../request/request-path.js';
import type { ProtectedRequest } from '../request/protected-request.js';

/** Why the `htu` of a proof is not the URI of its request. */
export interface UriFailure {
  readonly cause: string;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
}

const UNKNOWN_ORIGIN: UriFailure = { cause: 'the origin of this API is not known, so htu cannot be compared' };
const NOT_A_URI: UriFailure = { cause: 'its htu is not an http or https URI' };

/**
 * Compares the `htu` of a proof with the URI of its request, both without query and fragment (RFC 9449 s4.3 (9)), and in one spelling (RFC 3986 s6.2.2, s6.2.3).
 *
 * @param publicOrigin the origin that clients use, if the options name it. Otherwise the origin of the request is used
 * @returns undefined if they are the same
 */
export function compareTargetUri(htu: string, request: ProtectedRequest, publicOrigin: string | undefined): UriFailure | undefined {
  const origin = publicOrigin ?? request.origin;
  // a stand-in for a request may say anything
  if (origin === undefined || !HTTP_ORIGIN.test(origin)) return UNKNOWN_ORIGIN;
  const given = origin + pathOf(request.target);
  // equal texts have equal normal forms
  if (htu === given) return undefined;
  const found = normalUri(htu);
  if (found === undefined) return NOT_A_URI;
  const expected = normalUri(given);
  return found === expected ? undefined : { cause: 'its htu is not the URI of this request', expected: expected ?? given, found };
}

const HTTP_ORIGIN = /^https?:\/\/[\w.~:[\]-]+$/i;
/** Scheme, authority without user information, and path. A backslash or a control character is in no URI (RFC 3986 s2). */
const HTTP_URI = /^(https?):\/\/([\w.~:[\]-]+)((?:\/[!-[\]-~]*)?)$/i;

/** Returns a URI without query and fragment, in its normal form; undefined if it is not an http or https URI. */
export function normalUri(text: string): string | undefined {
  const match = HTTP_URI.exec(text.split(/[?#]/, 1)[0]!);
  if (!match) return undefined;
  const [, scheme, authority, path] = match;
  // lower case, without a default port, and IP addresses in one form
  const origin = URL.parse(`${scheme}://${authority}`)?.origin;
  return origin && origin + withoutDotSegments(withPlainCharacters(path!));
}

/** Decodes what need not be encoded, and writes the rest in upper case (RFC 3986 s6.2.2.1, s6.2.2.2). */
function withPlainCharacters(path: string): string {
  return path.replace(/%[\da-f]{2}/gi, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : encoded.toUpperCase();
  });
}

/** RFC 3986 s5.2.4. Empty segments stay: they name another resource. */
function withoutDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.slice(1).split('/');
  for (const [index, segment] of segments.entries()) {
    if (segment === '..') kept.pop();
    if (segment !== '.' && segment !== '..') kept.push(segment);
    else if (index === segments.length - 1) kept.push('');
  }
  return `/${kept.join('/')}`;
}
