/**
 * Why a request was refused. A closed set, stable across releases, for logs, metrics and alerts. Clients never see it,
 * except for `cross_site_request`: the app's own page can correct that one.
 */
export type Reason = keyof typeof REASONS;

/** The answer to the client. Many reasons share one. */
export type Refusal =
  | 'unauthenticated'
  | 'invalid_request'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'insufficient_user_authentication'
  | 'forbidden'
  | 'malformed_request'
  | 'cross_site_request'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  | 'unavailable';

/** The consequences of a reason, so that no code compares reasons. */
export interface Behaviour {
  readonly answer: Refusal;
  /** Whether the cause is an outage, not the request. If so, the refusal is never cached. */
  readonly transient: boolean;
  /** Whether the challenge names the scope that the route needs, because the request has no access token (RFC 6750 s3.1). */
  readonly namesScope: boolean;
  /**
   * Whether the request has no access token that counts. If credentials are optional, it is then anonymous. So is one with a session cookie that may come from
   * another site: any other answer would tell that site whether somebody is logged in.
   */
  readonly isAnonymous: boolean;
  /**
   * What the client can do to be accepted: request more scopes or a new login from its authorization server, or send another request, since no token admits
   * this one.
   */
  readonly solvedBy: 'scope' | 'login' | 'request' | undefined;
}

const noToken: Behaviour = { answer: 'unauthenticated', transient: false, namesScope: true, isAnonymous: true, solvedBy: undefined };
const badRequest: Behaviour = { answer: 'invalid_request', transient: false, namesScope: false, isAnonymous: false, solvedBy: undefined };
const badToken: Behaviour = { answer: 'invalid_token', transient: false, namesScope: false, isAnonymous: false, solvedBy: undefined };
const tooLittle: Behaviour = { answer: 'insufficient_scope', transient: false, namesScope: false, isAnonymous: false, solvedBy: undefined };
const stepUp: Behaviour = { answer: 'insufficient_user_authentication', transient: false, namesScope: false, isAnonymous: false, solvedBy: 'login' };
const closed: Behaviour = { answer: 'forbidden', transient: false, namesScope: false, isAnonymous: false, solvedBy: 'request' };
const badBody: Behaviour = { answer: 'malformed_request', transient: false, namesScope: false, isAnonymous: false, solvedBy: 'request' };
const crossSite: Behaviour = { answer: 'cross_site_request', transient: false, namesScope: false, isAnonymous: true, solvedBy: undefined };
const badProof: Behaviour = { answer: 'invalid_dpop_proof', transient: false, namesScope: false, isAnonymous: false, solvedBy: undefined };
const wantsNonce: Behaviour = { answer: 'use_dpop_nonce', transient: false, namesScope: false, isAnonymous: false, solvedBy: undefined };
const outage: Behaviour = { answer: 'unavailable', transient: true, namesScope: false, isAnonymous: false, solvedBy: undefined };

/** All reasons with their behaviour. */
const REASONS = {
  missing_token: noToken,
  unsupported_scheme: noToken,
  session_ended: noToken,

  cross_site_request: crossSite,

  malformed_credentials: badRequest,
  multiple_credentials: badRequest,
  bearer_with_proof: badRequest,

  token_too_large: badToken,
  malformed_token: badToken,
  encrypted_token: badToken,
  unencrypted_token: badToken,
  unsupported_critical_header: badToken,
  wrong_type: badToken,
  not_an_access_token: badToken,
  algorithm_not_allowed: badToken,
  unknown_key: badToken,
  bad_signature: badToken,
  issuer_mismatch: badToken,
  audience_mismatch: badToken,
  client_not_allowed: badToken,
  missing_claim: badToken,
  invalid_claim: badToken,
  expired: badToken,
  not_yet_valid: badToken,
  issued_in_the_future: badToken,
  too_old: badToken,
  lifetime_too_long: badToken,
  unproven_confirmation: badToken,
  missing_certificate: badToken,
  wrong_certificate: badToken,
  bound_token_as_bearer: badToken,
  unbound_token: badToken,
  revoked: badToken,

  inactive_token: badToken,

  missing_proof: badProof,
  invalid_proof: badProof,
  replayed_proof: badProof,
  nonce_required: wantsNonce,

  insufficient_scope: { ...tooLittle, solvedBy: 'scope' },
  insufficient_role: tooLittle,
  insufficient_claim: tooLittle,
  policy_refused: tooLittle,

  unlisted_tool: closed,
  malformed_message: badBody,

  weak_authentication: stepUp,
  stale_authentication: stepUp,

  keys_unavailable: outage,
  issuer_unavailable: outage,
  revocations_unavailable: outage,
  session_unavailable: outage,

  introspection_unavailable: outage,
  decryption_unavailable: outage,
  replays_unavailable: outage,
} as const satisfies Record<string, Behaviour>;

/** Returns the behaviour of a reason. */
export function behaviourOf(reason: Reason): Behaviour {
  return REASONS[reason];
}
