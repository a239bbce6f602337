import { isMisleadingPath } from '@tokenward/core/store';

/** Longer addresses would make the login's cookie too large. */
const MAX_LENGTH = 1024;
/** A path begins with one slash. With two slashes, or with a backslash, browsers read a host. */
const PATH = /^\/(?![/\\])/;
/** URL parsers remove tabs and line breaks, and trim other control characters and spaces. A header cannot contain them. */
// eslint-disable-next-line no-control-regex -- these are the characters that are refused
const CONTROLS = /[\u0000-\u0020\u007f-\u00a0\u2028\u2029\ufeff]/;

/**
 * Returns where a browser goes after a login: a path of the app's own origin, with query and fragment. Everything else becomes `/` (rule 127, RFC 9700
 * s4.11): another origin in any spelling, a URL with a scheme, control characters, a path that programs read in different ways.
 *
 * @param origin the app's own origin. An absolute URL of this origin is accepted, since pages often have `location.href` at hand
 */
export function safeReturnTo(value: string | null | undefined, origin: string): string {
  if (typeof value !== 'string' || value.length > MAX_LENGTH || CONTROLS.test(value)) return '/';
  const path = value.startsWith(`${origin}/`) ? value.slice(origin.length) : value;
  if (!PATH.test(path)) return '/';
  const url = URL.parse(path, origin);
  if (url === null || url.origin !== origin || url.username !== '' || url.password !== '') return '/';
  const [before] = path.split(/[?#]/, 1) as [string];
  // `/%09/evil` and `/%5cevil` are paths for a parser. A server that decodes them could redirect to another host.
  if (isMisleading(before)) return '/';
  const target = `${url.pathname}${url.search}${url.hash}`;
  return target.length <= MAX_LENGTH && PATH.test(target) ? target : '/';
}

function isMisleading(path: string): boolean {
  return path.includes('\\') || /%(?:25)*(?:0[\da-f]|1[\da-f]|5c|7f)/i.test(path) || /^\/(?:%(?:25)*2f)/i.test(path) || isMisleadingPath(path);
}
