import { misuse } from '@tokenward/core/store';

/** What varies between the cookies of this package. */
export interface CookieParts {
  readonly name: string;
  readonly value: string;
  /** The time after which the browser removes the cookie. It is rounded down, and a negative number counts as 0. */
  readonly maxAgeSeconds: number;
  readonly sameSite: SameSite;
}

export type SameSite = 'Strict' | 'Lax';

/** Node accepts 16 KiB of headers by default. */
const MAX_HEADER_LENGTH = 65_536;
/** Browsers keep at most 180 cookies for one site (RFC 6265bis s6.1 asks for at least 50). */
const MAX_COOKIES = 300;
const NO_COOKIES: ReadonlyMap<string, string> = new Map();

/** No `Set-Cookie` line: most answers change no cookie. */
export const NO_LINES: readonly string[] = Object.freeze([]);
const SPACE = 32;
const TAB = 9;
/** RFC 6265bis s4.1.1: `token`, and `cookie-octet`. */
const COOKIE_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const COOKIE_VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

/**
 * Returns the cookies of a `Cookie` header (RFC 6265bis s4.2). The first value of a name wins. A header of more than 65536 characters has no cookies, and
 * cookies after the 300th do not count.
 *
 * @param header all lines of the header, joined by `; `
 */
export function cookiesOf(header: string | undefined): ReadonlyMap<string, string> {
  if (header === undefined || header.length > MAX_HEADER_LENGTH) return NO_COOKIES;
  // a Map, since the browser chooses the names: `__proto__` is a name like any other
  const cookies = new Map<string, string>();
  visitCookies(header, (start, equals, end) => {
    const name = trimmed(header, start, equals);
    if (name !== '' && !cookies.has(name)) cookies.set(name, trimmed(header, equals + 1, end));
    return true;
  });
  return cookies;
}

/** Returns the value of one cookie, as {@link cookiesOf} would. It keeps none of the others: most requests are about the session's cookie alone. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  if (header === undefined || header.length > MAX_HEADER_LENGTH) return undefined;
  let value: string | undefined;
  visitCookies(header, (start, equals, end) => {
    if (equals - start < name.length || trimmed(header, start, equals) !== name) return true;
    value = trimmed(header, equals + 1, end);
    return false;
  });
  return value;
}

/** Visits the cookies of a header in their order, until `visit` returns false. */
function visitCookies(header: string, visit: (start: number, equals: number, end: number) => boolean): void {
  let equals = -1;
  let count = 0;
  for (let start = 0; start < header.length && count < MAX_COOKIES; count++) {
    const semicolon = header.indexOf(';', start);
    const end = semicolon === -1 ? header.length : semicolon;
    // if the next `=` was found beyond an earlier cookie, it need not be searched for again
    if (equals < start) equals = header.indexOf('=', start);
    if (equals === -1 || (equals < end && !visit(start, equals, end))) return;
    start = end + 1;
  }
}

/**
 * Returns the value of a `Set-Cookie` header (RFC 6265bis s4.1). The attributes are those that the prefix `__Host-` demands, and `HttpOnly`.
 *
 * @throws ConfigurationError if the name or the value has a character that cookies cannot have, or if the age is not a number
 */
export function setCookie({ name, value, maxAgeSeconds, sameSite }: CookieParts): string {
  if (!COOKIE_NAME.test(name)) throw misuse('setCookie()', 'the name has a character that cookies cannot have');
  if (!COOKIE_VALUE.test(value)) throw misuse('setCookie()', 'the value has a character that cookies cannot have');
  // a browser ignores an age that is not a number, and would keep the cookie
  if (!Number.isFinite(maxAgeSeconds)) throw misuse('setCookie()', 'maxAgeSeconds must be a number');
  return `${name}=${value}; Path=/; Max-Age=${Math.max(0, Math.floor(maxAgeSeconds))}; Secure; HttpOnly; SameSite=${sameSite}`;
}

/** Returns the value of a `Set-Cookie` header that deletes a cookie. It repeats the attributes: a browser ignores a `__Host-` cookie without them. */
export function deleteCookie(name: string, sameSite: SameSite): string {
  return setCookie({ name, value: '', maxAgeSeconds: 0, sameSite });
}

function trimmed(text: string, start: number, end: number): string {
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}
