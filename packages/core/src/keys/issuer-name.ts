/** Returns an issuer's name for events and health. Until one of its tokens is verified, an `iss` that is not a URL may be any text, and is not shown. */
export function issuerName(identifier: string, isVerified: boolean): string {
  return isVerified || URL.canParse(identifier) ? identifier : 'an unverified issuer that is not a URL';
}
