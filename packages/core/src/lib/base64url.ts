/**
 * Decodes base64url as RFC 7515 s2 and appendix C have it: no padding, no other alphabet, no white space, no spare bits set. Node's decoder
 * passes over all of that, so what it read must encode to the very same text again.
 *
 * @returns undefined for everything else, the empty text included
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return text !== '' && bytes.toString('base64url') === text ? bytes : undefined;
}
