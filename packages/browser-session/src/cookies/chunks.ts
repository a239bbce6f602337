import { cookieOf, deleteCookie, setCookie, type SameSite } from './cookie-header.js';

/** A cookie that may be too large for one is kept in several: `__Host-session`, `__Host-session.1`, ... The first begins with their number: `3.<text>`. */
export interface ChunkedCookie {
  readonly name: string;
  readonly sameSite: SameSite;
}

/** For name and value. Browsers accept 4096 bytes, including the attributes. */
const MAX_CHUNK_LENGTH = 3800;
export const MAX_CHUNKS = 3;
/**
 * For the names and values of all chunks. By default, Node answers 431 to a request with more than 16 KiB of headers: the cookies of login
 * attempts may take 4 KiB, and 2 KiB remain for all other headers. A larger cookie would be written once, and then refused at every request.
 */
export const MAX_CHUNKED_LENGTH = 10_240;
const DIGIT_0 = 48;

/** Returns the text of a cookie; undefined if it is absent, incomplete or too large. */
export function readChunks(cookieHeader: string | undefined, name: string): string | undefined {
  const first = cookieOf(cookieHeader, name);
  // the number has one digit, so 99999 is not one
  if (first === undefined || first.charAt(1) !== '.') return undefined;
  const count = first.charCodeAt(0) - DIGIT_0;
  if (!(count >= 1 && count <= MAX_CHUNKS)) return undefined;
  let text = first.slice(2);
  let length = name.length + first.length;
  if (length > MAX_CHUNK_LENGTH) return undefined;
  for (let index = 1; index < count; index++) {
    const chunkName = nameOf(name, index);
    const chunk = cookieOf(cookieHeader, chunkName);
    if (chunk === undefined || chunkName.length + chunk.length > MAX_CHUNK_LENGTH) return undefined;
    text += chunk;
    length += chunkName.length + chunk.length;
  }
  return length <= MAX_CHUNKED_LENGTH ? text : undefined;
}

/**
 * Returns the `Set-Cookie` lines for a text.
 *
 * @param former how many chunks the browser may have from before: those that are left over are deleted
 * @returns undefined if the text is too long for cookies
 */
export function writeChunks({ name, sameSite }: ChunkedCookie, text: string, maxAgeSeconds: number, former: number): readonly string[] | undefined {
  const values = split(name, text);
  if (!values) return undefined;
  return [
    ...values.map((value, index) => setCookie({ name: nameOf(name, index), value, maxAgeSeconds, sameSite })),
    ...indexesFrom(values.length, former).map((index) => deleteCookie(nameOf(name, index), sameSite)),
  ];
}

/** Returns the `Set-Cookie` lines that delete a cookie: the first chunk, and all others that the request showed. */
export function deleteChunks({ name, sameSite }: ChunkedCookie, cookieHeader: string | undefined): readonly string[] {
  const others = indexesFrom(1, MAX_CHUNKS).map((index) => nameOf(name, index));
  return [name, ...others.filter((other) => cookieOf(cookieHeader, other) !== undefined)].map((chunk) => deleteCookie(chunk, sameSite));
}

/** Returns how many chunks a text has. */
export function chunkCount(name: string, text: string): number {
  return split(name, text)?.length ?? MAX_CHUNKS;
}

function split(name: string, text: string): readonly string[] | undefined {
  const values: string[] = [];
  let length = 0;
  for (let start = 0; start < text.length || start === 0;) {
    const chunkName = nameOf(name, values.length);
    // two characters are for the number
    const end = start + MAX_CHUNK_LENGTH - chunkName.length - (start === 0 ? 2 : 0);
    values.push(text.slice(start, end));
    length += chunkName.length + values.at(-1)!.length;
    start = end;
    if (values.length > MAX_CHUNKS || length + 2 > MAX_CHUNKED_LENGTH) return undefined;
  }
  return values.map((value, index) => (index === 0 ? `${values.length}.${value}` : value));
}

function nameOf(name: string, index: number): string {
  return index === 0 ? name : `${name}.${index}`;
}

function indexesFrom(start: number, end: number): readonly number[] {
  return Array.from({ length: Math.max(0, end - start) }, (_value, at) => start + at);
}
