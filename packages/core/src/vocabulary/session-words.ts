/** What an event about a browser session reports. */
export type SessionEventAction = (typeof SESSION_EVENT_ACTIONS)[number];

export const SESSION_EVENT_ACTIONS = ['login', 'refresh', 'logout', 'end'] as const;

/** `refused`: the issuer or the user said no. `failed`: something could not be reached or was overloaded, or its answer made no sense. */
export type SessionEventOutcome = (typeof SESSION_EVENT_OUTCOMES)[number];

export const SESSION_EVENT_OUTCOMES = ['done', 'refused', 'failed'] as const;

/** Why a session ended, or why something about it was refused or failed. A closed set, for events, metrics and logs. */
export type SessionEventReason = (typeof SESSION_EVENT_REASONS)[number];

export const SESSION_EVENT_REASONS = [
  // a session ended; so did one because of `invalid_response`
  'logout',
  'backchannel_logout',
  'revoked',
  'idle',
  'expired',
  'refresh_refused',
  'replaced',
  'unreadable',
  // something was refused or failed
  'access_denied',
  'login_required',
  'unknown_attempt',
  'issuer_refused',
  'issuer_unavailable',
  'too_many_logins',
  'too_many_refreshes',
  'too_many_revocations',
  'lease_taken',
  'tokens_too_large',
  'invalid_response',
  'store_unavailable',
  'cross_site_request',
  'invalid_logout_token',
] as const;
