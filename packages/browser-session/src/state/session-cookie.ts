import { deleteChunks, chunkCount, MAX_CHUNKS, readChunks, writeChunks, type ChunkedCookie } from '../cookies/chunks.js';
import { createOpenedTexts, type OpenedTextsLimits } from '../cookies/opened-texts.js';
import { looksSealed, type Sealer } from '../cookies/seal.js';

/**
 * What a request's session cookie contains. `none`: there is no such cookie, or it has another form. `unreadable`: it was a session cookie once, and was sealed
 * with a key that is gone, or was changed.
 */
export type CookieContent<V> = V | 'none' | 'unreadable';

/** The session cookie: sealed, in one or more chunks. */
export interface SessionCookie<V extends object> {
  /** Returns what the cookie contains. The result is a promise only if the cookie is not known yet. */
  read(cookieHeader: string | undefined): CookieContent<V> | Promise<CookieContent<V>>;
  /**
   * Returns the `Set-Cookie` lines for a text; undefined if it is too long for cookies.
   *
   * @param former the text that the browser has, if that is known: chunks that are left over are deleted
   */
  write(text: string, maxAgeSeconds: number, former: string | undefined): Promise<readonly string[] | undefined>;
  /** Returns the `Set-Cookie` lines that delete the cookie, with all chunks that the request showed. */
  delete(cookieHeader: string | undefined): readonly string[];
}

/** What sealing adds to a text, in characters, and how many it makes of three bytes. */
const SEALED_EXTRA = 103;

/** Browsers send the same header again and again. A header that is known need not be read at all, so this is a small part of what opened texts take. */
const HEADERS_SHARE = 0.25;

/** @param valueOf returns the value of a text that was opened; undefined if this package did not write it */
export function createSessionCookie<V extends object>(
  cookie: ChunkedCookie,
  sealer: Sealer,
  limits: OpenedTextsLimits,
  valueOf: (text: string) => V | undefined,
): SessionCookie<V> {
  const opened = createOpenedTexts<V>(limits);
  const headers = createOpenedTexts<V>({ maxEntries: limits.maxEntries * HEADERS_SHARE, maxBytes: limits.maxBytes * HEADERS_SHARE });

  async function open(sealed: string): Promise<CookieContent<V>> {
    const text = await sealer.open(sealed);
    const value = text === undefined ? undefined : valueOf(text);
    if (!value) return 'unreadable';
    // a copy: a part of a header would keep the whole header in memory
    opened.add(Buffer.from(sealed, 'latin1').toString('latin1'), value);
    return value;
  }

  return {
    read(cookieHeader) {
      if (cookieHeader === undefined) return 'none';
      const known = headers.get(cookieHeader);
      if (known) return known;
      const sealed = readChunks(cookieHeader, cookie.name);
      if (sealed === undefined) return 'none';
      const value = opened.get(sealed);
      if (!value) return looksSealed(sealed) ? open(sealed) : 'none';
      headers.add(cookieHeader, value);
      return value;
    },
    async write(text, maxAgeSeconds, former) {
      const formerCount = former === undefined ? MAX_CHUNKS : chunkCount(cookie.name, 'x'.repeat(sealedLength(former)));
      return writeChunks(cookie, await sealer.seal(text), maxAgeSeconds, formerCount);
    },
    delete: (cookieHeader) => deleteChunks(cookie, cookieHeader),
  };
}

function sealedLength(text: string): number {
  return SEALED_EXTRA + Math.ceil((Buffer.byteLength(text) * 4) / 3);
}
