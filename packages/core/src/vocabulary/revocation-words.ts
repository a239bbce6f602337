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
