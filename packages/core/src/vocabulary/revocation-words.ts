/** Why tokens were revoked. A closed set, for events and metrics. Clients never see it. */
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

/** What was revoked. `sessionless`: the tokens of a subject without a `sid`. */
export type RevocationKind = (typeof REVOCATION_KINDS)[number];

export const REVOCATION_KINDS = ['token', 'session', 'sessionless', 'subject', 'client', 'issuer'] as const;

/** The cause of a refusal: a token without `iat` may have been issued at any time. */
export const WITHOUT_ISSUED_AT = 'the token has no iat, so it counts as issued before the revocation';
