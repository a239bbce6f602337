/** What events and health may call an issuer: an `iss` that is no URL may be anybody's text until a token was verified for it. */
export function issuerName(identifier: string, isVerified: boolean): string {
  return isVerified || URL.canParse(identifier) ? identifier : 'an issuer that is no URL, and that no token was verified for';
}
