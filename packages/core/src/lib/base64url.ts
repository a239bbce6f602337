import { Buffer } from 'node:buffer';

/** The last characters that leave no bits over: of a text with 2 or with 3 characters after the last group of 4. */
const LAST_OF_TWO = 'AQgw';
const LAST_OF_THREE = 'AEIMQUYcgkosw048';
/** Node's decoder would read the lower byte of such a character. A regular expression rules it out at once in a string of one-byte characters. */
const WIDE = /[^\0-\xff]/;

/**
 * Decodes base64url (RFC 7515 s2 and appendix C). Node's decoder accepts more: it skips padding, white space and other characters, reads the standard
 * alphabet too, and ignores spare bits. A skipped character shows, because fewer bytes come out. The rest is checked here. To encode the bytes again and
 * compare the texts would cost twice as much.
 *
 * @returns undefined for any text that is not canonical, and for the empty one
 */
export function decodeBase64url(text: string): Buffer | undefined {
  return hasMisreadCharacters(text) ? undefined : decodeReadable(text);
}

/** Whether a text has characters that Node's decoder reads as others. Several segments can be asked about at once. */
export function hasMisreadCharacters(text: string): boolean {
  // V8 compiles `indexOf`, and calls a function of C++ for `includes`
  // eslint-disable-next-line unicorn/prefer-includes -- see above
  return text.indexOf('+') >= 0 || text.indexOf('/') >= 0 || WIDE.test(text);
}

/** Does the same as {@link decodeBase64url} for a text without characters that Node's decoder misreads. */
export function decodeReadable(text: string): Buffer | undefined {
  const { length } = text;
  const rest = length % 4;
  if (length === 0 || rest === 1) return undefined;
  if (rest !== 0 && !(rest === 2 ? LAST_OF_TWO : LAST_OF_THREE).includes(text[length - 1]!)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === Math.floor((length * 3) / 4) ? bytes : undefined;
}
