/** Why: a closed set, for events, metrics and people. No client is told. */
export type RevocationReason = (typeof REVOCATION_REASONS)[number];

export const REVOCATION_REASONS = [
  'unspecified',
  'logout',
  'session_revoked',
  'claims_changed',
  'credential_changed',
  'compromised',
  'administrative',
] as const;

/** `sessionless`: the tokens of a subject that name no session. */
export type RevocationKind = (typeof REVOCATION_KINDS)[number];

export const REVOCATION_KINDS = ['token', 'session', 'sessionless', 'subject', 'client', 'issuer'] as const;

/** In causes: a token that does not say when it was issued may be the oldest of all. */
export const WITHOUT_ISSUED_AT = 'the token has no iat, so it counts as issued before the revocation';
