import { decodeBase64url } from '../lib/base64url.js';

export type SecretEncoding = (typeof SECRET_ENCODINGS)[number];
/** How a secret that is a text can be read. */
export const SECRET_ENCODINGS = ['utf8', 'base64url', 'base64', 'hex'] as const;

/** Hexadecimal digits in one group or several, as a UUID has them: base64url to a decoder, and never to whoever wrote them. */
const HEX_GROUPS = /^[0-9a-f]{8,}(?:-[0-9a-f]+)*$/i;

/** What decoders put in the place of what is no UTF-8. */
export const REPLACEMENT = '\uFFFD';

const SPACE_AROUND = 'begins or ends with white space, as a variable or file may by mistake. Remove it';

/** The bytes of a text, or what is wrong with it, in words that follow a name and show nothing of it. */
export function textToSecret(text: string, encoding: SecretEncoding): Buffer | string {
  if (text === '') return 'is empty';
  if (encoding === 'utf8') {
    if (!text.isWellFormed()) return 'is a text with half a character in it (a lone surrogate)';
    if (text.includes(REPLACEMENT)) return 'has characters that could not be read (U+FFFD), as bytes have that were read as text. Give the bytes themselves';
    return text === text.trim() ? Buffer.from(text) : `${SPACE_AROUND}, or give the bytes of the secret if it belongs to it`;
  }
  if (text !== text.trim()) return SPACE_AROUND;
  if (encoding === 'hex') return /^(?:[0-9a-f]{2})+$/i.test(text) ? Buffer.from(text, 'hex') : 'is not hex: two digits a byte are needed, and nothing else';
  if (HEX_GROUPS.test(text) && new Set(text).size >= 8) {
    return `is written in hexadecimal digits, so it is hardly ${encoding}. Write { hex: "..." } (without hyphens), or { utf8: "..." } if the text itself is the secret`;
  }
  if (encoding === 'base64') return decodeBase64(text) ?? 'is not base64';
  // with its padding, as some write it
  return decodeBase64url(text.replace(/={1,2}$/, '')) ?? 'is not base64url';
}

/** Base64 (RFC 4648 s4), with its padding or without. */
function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  const canonical = bytes.toString('base64');
  return bytes.length > 0 && (text === canonical || text === canonical.replace(/=+$/, '')) ? bytes : undefined;
}
