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
  read(cookies: ReadonlyMap<string, string>): CookieContent<V> | Promise<CookieContent<V>>;
  /**
   * Returns the `Set-Cookie` lines for a text; undefined if it is too long for cookies.
   *
   * @param former the text that the browser has, if that is known: chunks that are left over are deleted
   */
  write(text: string, maxAgeSeconds: number, former: string | undefined): Promise<readonly string[] | undefined>;
  /** Returns the `Set-Cookie` lines that delete the cookie, with all chunks that the request showed. */
  delete(cookies: ReadonlyMap<string, string>): readonly string[];
}

/** What sealing adds to a text, in characters, and how many it makes of three bytes. */
const SEALED_EXTRA = 103;

/** @param valueOf returns the value of a text that was opened; undefined if it is none that this package writes */
export function createSessionCookie<V extends object>(
  cookie: ChunkedCookie,
  sealer: Sealer,
  limits: OpenedTextsLimits,
  valueOf: (text: string) => V | undefined,
): SessionCookie<V> {
  const opened = createOpenedTexts<V>(limits);

  async function open(sealed: string): Promise<CookieContent<V>> {
    const text = await sealer.open(sealed);
    const value = text === undefined ? undefined : valueOf(text);
    if (!value) return 'unreadable';
    opened.add(sealed, value);
    return value;
  }

  return {
    read(cookies) {
      const sealed = readChunks(cookies, cookie.name);
      if (sealed === undefined) return 'none';
      return opened.get(sealed) ?? (looksSealed(sealed) ? open(sealed) : 'none');
    },
    async write(text, maxAgeSeconds, former) {
      const formerCount = former === undefined ? MAX_CHUNKS : chunkCount(cookie.name, 'x'.repeat(sealedLength(former)));
      return writeChunks(cookie, await sealer.seal(text), maxAgeSeconds, formerCount);
    },
    delete: (cookies) => deleteChunks(cookie, cookies),
  };
}

function sealedLength(text: string): number {
  return SEALED_EXTRA + Math.ceil((Buffer.byteLength(text) * 4) / 3);
}
