import { decodeBase64url } from '../lib/base64url.js';

export type SecretEncoding = (typeof SECRET_ENCODINGS)[number];
/** How a text encodes a secret. */
export const SECRET_ENCODINGS = ['utf8', 'base64url', 'base64', 'hex'] as const;

/** Hexadecimal digits in one or more groups, like a UUID. They are also valid base64url, but hardly ever meant as such. */
const HEX_GROUPS = /^[0-9a-f]{8,}(?:-[0-9a-f]+)*$/i;

/** The character that decoders insert for invalid UTF-8. */
export const REPLACEMENT = '\uFFFD';

const SPACE_AROUND = 'begins or ends with white space, such as the line break at the end of a file. Remove it';

/** Decodes a secret. Returns a string if it is invalid: the problem, in words that follow a name and show nothing of the secret. */
export function textToSecret(text: string, encoding: SecretEncoding): Buffer | string {
  if (text === '') return 'is empty';
  if (encoding === 'utf8') {
    if (!text.isWellFormed()) return 'contains half a character (a lone surrogate)';
    if (text.includes(REPLACEMENT)) return 'contains U+FFFD, which replaces bytes that are not UTF-8. Pass the bytes themselves';
    return text === text.trim() ? Buffer.from(text) : `${SPACE_AROUND}, or pass the bytes if the white space belongs to the secret`;
  }
  if (text !== text.trim()) return SPACE_AROUND;
  if (encoding === 'hex') return /^(?:[0-9a-f]{2})+$/i.test(text) ? Buffer.from(text, 'hex') : 'is not hex. Write two digits for each byte, and nothing else';
  if (HEX_GROUPS.test(text) && new Set(text).size >= 8) {
    return `consists of hexadecimal digits, so it is probably not ${encoding}. Write { hex: "..." } (without hyphens), or { utf8: "..." } if the text itself is the secret`;
  }
  if (encoding === 'base64') return decodeBase64(text) ?? 'is not base64';
  // padding is allowed here, since some tools write it
  return decodeBase64url(text.replace(/={1,2}$/, '')) ?? 'is not base64url';
}

/** Decodes base64 (RFC 4648 s4), with or without padding. */
function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  const canonical = bytes.toString('base64');
  return bytes.length > 0 && (text === canonical || text === canonical.replace(/=+$/, '')) ? bytes : undefined;
}
