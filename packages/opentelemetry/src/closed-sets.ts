import type { Events, Reason } from '@tokenward/core';
import { REVOCATION_KINDS, REVOCATION_REASONS } from '@tokenward/core/adapter';

/** Stands for every value outside a closed set, as in OpenTelemetry's conventions. */
export const OTHER = '_OTHER';

type Members<T extends string> = Readonly<Record<T, true>>;

/** The compiler compares each set with core's types, so a value added there must be added here. */
const REASONS: Members<Reason> = {
  missing_token: true,
  unsupported_scheme: true,
  session_ended: true,
  cross_site_request: true,
  malformed_credentials: true,
  multiple_credentials: true,
  bearer_with_proof: true,
  token_too_large: true,
  malformed_token: true,
  encrypted_token: true,
  unencrypted_token: true,
  unsupported_critical_header: true,
  wrong_type: true,
  not_an_access_token: true,
  algorithm_not_allowed: true,
  unknown_key: true,
  bad_signature: true,
  issuer_mismatch: true,
  audience_mismatch: true,
  client_not_allowed: true,
  missing_claim: true,
  invalid_claim: true,
  expired: true,
  not_yet_valid: true,
  issued_in_the_future: true,
  too_old: true,
  lifetime_too_long: true,
  unproven_confirmation: true,
  missing_certificate: true,
  wrong_certificate: true,
  bound_token_as_bearer: true,
  unbound_token: true,
  revoked: true,
  inactive_token: true,
  missing_proof: true,
  invalid_proof: true,
  replayed_proof: true,
  nonce_required: true,
  insufficient_scope: true,
  insufficient_role: true,
  insufficient_claim: true,
  policy_refused: true,
  unlisted_tool: true,
  malformed_message: true,
  weak_authentication: true,
  stale_authentication: true,
  keys_unavailable: true,
  issuer_unavailable: true,
  revocations_unavailable: true,
  session_unavailable: true,
  introspection_unavailable: true,
  decryption_unavailable: true,
  replays_unavailable: true,
};

const REUSED: Members<Events['tokenward:token-reused']['by']> = { token: true, session: true };
const REPLAYED: Members<Events['tokenward:token-replayed']['of']> = { logout_token: true, security_event: true };
const IGNORED_CERTIFICATES: Members<Events['tokenward:certificate-ignored']['cause']> = {
  untrusted_peer: true,
  duplicate: true,
  malformed: true,
  other_spelling: true,
};
const CHANNELS: Members<Events['tokenward:security-event']['channel']> = { backchannel_logout: true, shared_signals: true };
const OUTCOMES: Members<Events['tokenward:security-event']['outcome']> = { done: true, ignored: true, refused: true, failed: true };

const KEY_SOURCES: Members<Events['tokenward:keys-failed']['source']> = {
  issuer: true,
  jwksFile: true,
  sharedSecretsFile: true,
  'introspection.bearerTokenFile': true,
};

const INTROSPECTED: Members<Events['tokenward:introspected']['outcome']> = { active: true, inactive: true, failed: true };

type SessionEvent = Events['tokenward:session'];
const SESSION_ACTIONS: Members<SessionEvent['action']> = { login: true, refresh: true, logout: true, end: true };
const SESSION_OUTCOMES: Members<SessionEvent['outcome']> = { done: true, refused: true, failed: true };
const SESSION_REASONS: Members<NonNullable<SessionEvent['reason']>> = {
  logout: true,
  backchannel_logout: true,
  revoked: true,
  idle: true,
  expired: true,
  refresh_refused: true,
  replaced: true,
  unreadable: true,
  access_denied: true,
  login_required: true,
  unknown_attempt: true,
  issuer_refused: true,
  issuer_unavailable: true,
  too_many_logins: true,
  too_many_refreshes: true,
  too_many_revocations: true,
  lease_taken: true,
  tokens_too_large: true,
  invalid_response: true,
  store_unavailable: true,
  cross_site_request: true,
  invalid_logout_token: true,
};

export const ALL_REUSED = Object.keys(REUSED);
export const ALL_REPLAYED = Object.keys(REPLAYED);
export const ALL_KEY_SOURCES = Object.keys(KEY_SOURCES);
export const ALL_IGNORED_CERTIFICATES = Object.keys(IGNORED_CERTIFICATES);
/** Any code in the process may publish an event, so values are checked at run time too. */
export const reasonOf = closed(Object.keys(REASONS));
export const kindOf = closed(REVOCATION_KINDS);
export const revocationReasonOf = closed(REVOCATION_REASONS);
export const reusedOf = closed(ALL_REUSED);
export const replayedOf = closed(ALL_REPLAYED);
export const ignoredCertificateOf = closed(ALL_IGNORED_CERTIFICATES);
export const channelOf = closed(Object.keys(CHANNELS));
export const outcomeOf = closed(Object.keys(OUTCOMES));
export const keySourceOf = closed(ALL_KEY_SOURCES);
export const introspectedOf = closed(Object.keys(INTROSPECTED));
export const sessionActionOf = closed(Object.keys(SESSION_ACTIONS));
export const sessionOutcomeOf = closed(Object.keys(SESSION_OUTCOMES));
export const sessionReasonOf = closed(Object.keys(SESSION_REASONS));

const STATUSES: ReadonlySet<unknown> = new Set([400, 401, 403, 503]);

/** Returns the status, or undefined if guards do not use it. */
export function statusOf(status: unknown): number | undefined {
  return STATUSES.has(status) ? (status as number) : undefined;
}

export function isUsable(usable: unknown): boolean {
  return usable === true;
}

function closed(members: readonly string[]): (value: unknown) => string {
  const names: ReadonlySet<unknown> = new Set(members);
  return (value) => (names.has(value) ? (value as string) : OTHER);
}
