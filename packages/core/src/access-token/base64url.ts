/** Whether a text is base64url as RFC 7515 s2 and appendix C have it: no padding, no other alphabet, no spare bits set. */
export function isCanonicalBase64url(text: string): boolean {
  if (!ALPHABET.test(text)) return false;
  const spare = text.length % 4;
  if (spare === 0) return true;
  if (spare === 1) return false;
  return (spare === 2 ? ENDS_WITH_FOUR_ZERO_BITS : ENDS_WITH_TWO_ZERO_BITS).includes(text.charAt(text.length - 1));
}

const ALPHABET = /^[A-Za-z0-9_-]+$/;
const ENDS_WITH_FOUR_ZERO_BITS = 'AQgw';
const ENDS_WITH_TWO_ZERO_BITS = 'AEIMQUYcgkosw048';
