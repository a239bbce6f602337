import type { Reason } from '../vocabulary/reason.js';

export type StepName =
  | 'credentials'
  | 'form'
  | 'type'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'issuer'
  | 'kind'
  | 'audience'
  | 'time'
  | 'client'
  | 'claims'
  | 'introspection'
  | 'binding'
  | 'revocation'
  | 'policy';

/** A step of the pipeline. */
export interface PipelineStep {
  readonly name: StepName;
  /** What the step checks, as a statement that is true if it passes. */
  readonly title: string;
  /** The reasons of the refusals in this step. */
  readonly reasons: readonly Reason[];
}

/** The steps in which a guard checks a token, in order. A refusal in one of them means that those before passed. {@link stepOf} knows the exceptions. */
export const PIPELINE: readonly PipelineStep[] = Object.freeze([
  step(
    'credentials',
    'The request has one access token',
    'missing_token',
    'unsupported_scheme',
    'malformed_credentials',
    'multiple_credentials',
    'token_too_large',
    'session_ended',
    'session_unavailable',
    'cross_site_request',
  ),
  step('form', 'The token is a signed JWT', 'malformed_token', 'encrypted_token', 'unencrypted_token', 'decryption_unavailable', 'unsupported_critical_header'),
  step('type', 'Its header may be that of an access token ("typ")', 'wrong_type'),
  step('algorithm', 'Its algorithm is allowed ("alg")', 'algorithm_not_allowed'),
  step('key', 'The issuer publishes its key ("kid")', 'issuer_unavailable', 'keys_unavailable', 'unknown_key'),
  step('signature', 'The signature is right', 'bad_signature'),
  step('issuer', 'It comes from the configured issuer ("iss")', 'issuer_mismatch'),
  step('kind', 'It is an access token, and no other kind of token', 'not_an_access_token'),
  step('audience', 'It is meant for this API ("aud")', 'audience_mismatch'),
  step('time', 'It is valid now ("exp", "nbf", "iat")', 'expired', 'not_yet_valid', 'issued_in_the_future', 'too_old', 'lifetime_too_long'),
  step('client', 'Its client may call this API', 'client_not_allowed'),
  step('claims', 'Its other claims are as they must be', 'missing_claim', 'invalid_claim'),
  step('introspection', 'The issuer says that it is active', 'introspection_unavailable', 'inactive_token'),
  step(
    'binding',
    'The request proves that its sender may use the token',
    'bearer_with_proof',
    'unproven_confirmation',
    'missing_certificate',
    'wrong_certificate',
    'bound_token_as_bearer',
    'unbound_token',
    'missing_proof',
    'invalid_proof',
    'replayed_proof',
    'replays_unavailable',
    'nonce_required',
  ),
  step('revocation', 'It was not revoked', 'revocations_unavailable', 'revoked'),
  step(
    'policy',
    'It grants what the route needs',
    'insufficient_scope',
    'insufficient_role',
    'insufficient_claim',
    'policy_refused',
    'unlisted_tool',
    'malformed_message',
    'weak_authentication',
    'stale_authentication',
  ),
]);

function step(name: StepName, title: string, ...reasons: readonly Reason[]): PipelineStep {
  return Object.freeze({ name, title, reasons: Object.freeze(reasons) });
}

/**
 * Returns the step in which a refusal happened, and the earlier steps that were not reached: a guard that does not know a token's issuer does not look up its key.
 *
 * @param cause the refusal's `cause`, which names a claim
 */
export function stepOf(reason: Reason, cause?: unknown): { readonly step: StepName; readonly unchecked: readonly StepName[] } {
  if (reason === 'missing_claim' || reason === 'invalid_claim') {
    const ofClaim = typeof cause === 'string' && Object.hasOwn(CLAIM_STEPS, cause) ? CLAIM_STEPS[cause] : undefined;
    if (ofClaim) return { step: ofClaim, unchecked: NONE };
  }
  const { name } = PIPELINE.find(({ reasons }) => reasons.includes(reason))!;
  return { step: name, unchecked: UNCHECKED[name] ?? NONE };
}

const NONE: readonly StepName[] = Object.freeze([]);
const CLAIM_STEPS: Readonly<Record<string, StepName>> = { exp: 'time', iat: 'time', nbf: 'time', aud: 'audience' };
const UNCHECKED: Partial<Record<StepName, readonly StepName[]>> = { issuer: ['key', 'signature'] };
