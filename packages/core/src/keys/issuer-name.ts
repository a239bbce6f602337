/** Returns an issuer's name for events and health. An `iss` that is no URL may be anybody's text, until a token of that issuer is verified. */
export function issuerName(identifier: string, isVerified: boolean): string {
  return isVerified || URL.canParse(identifier) ? identifier : 'an unverified issuer that is no URL';
}
