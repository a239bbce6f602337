/**
 * Decodes base64url (RFC 7515 s2 and appendix C). Node's decoder accepts padding, other alphabets, white space and spare bits. So the decoded
 * bytes must encode to the same text again.
 *
 * @returns undefined for any other text, including the empty one
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return text !== '' && bytes.toString('base64url') === text ? bytes : undefined;
}
