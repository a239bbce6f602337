import type { EndReason } from './sessions.js';

/** What a session event is about. */
export type SessionEventAction = 'login' | 'refresh' | 'logout' | 'end';

/** `refused`: the issuer or the user said no. `failed`: something could not be reached, or did not make sense. */
export type SessionEventOutcome = 'done' | 'refused' | 'failed';

/** Why it was refused, or failed. A closed set of fixed words, for events, metrics and logs. */
export type SessionEventReason = EndReason | (typeof FAILURE_REASONS)[number];

/** The reasons besides those for which a session ends. */
export const FAILURE_REASONS = [
  'access_denied',
  'login_required',
  'unknown_attempt',
  'issuer_refused',
  'issuer_unavailable',
  'invalid_response',
  'store_unavailable',
  'cross_site_request',
  'invalid_logout_token',
] as const;
