import { isUnreadable, unreadableAs } from '../auth/names.js';
import type { Auth } from '../auth/auth.js';
import type { DenialDetails } from '../decision/denial.js';
import { printable } from '../lib/url.js';
import { policyTexts, type Policy, type RolePolicy, type ScopePolicy } from './policy.js';
import type { PolicyFailure, PolicyKind, PolicyReason } from './policy-kind.js';

/**
 * Returns the text of a policy for operators. It is made printable, because a policy that an app created from a request may contain the client's text. It is
 * cached, because most policies refuse more than once.
 */
export function textOf<P extends Policy>(kind: PolicyKind<P>, policy: P): string {
  let text = policyTexts.get(policy);
  if (text === undefined) policyTexts.set(policy, (text = printable(kind.describe(policy), 500)));
  return text;
}

/** Returns a failure whose cause is the policy itself. */
export function failure<P extends Policy>(kind: PolicyKind<P>, policy: P, reason: PolicyReason, expected?: unknown, found?: unknown): PolicyFailure {
  return { reason, details: { cause: textOf(kind, policy), expected, found } };
}

/** @param scope all scopes that the next token needs */
export function scopeFailure(kind: PolicyKind<ScopePolicy>, policy: ScopePolicy, scope: readonly string[], { scopes }: Auth): PolicyFailure {
  return { reason: 'insufficient_scope', details: { scope, ...nameDetails(kind, policy, policy.scopes, scopes, "the token's scopes") } };
}

export function roleFailure(kind: PolicyKind<RolePolicy>, policy: RolePolicy, { roles }: Auth): PolicyFailure {
  return { reason: 'insufficient_role', details: nameDetails(kind, policy, policy.roles, roles, "the token's roles") };
}

function nameDetails<P extends Policy>(kind: PolicyKind<P>, policy: P, expected: readonly string[], names: readonly string[], what: string): DenialDetails {
  if (!isUnreadable(names)) return { cause: textOf(kind, policy), expected, found: names };
  const found = unreadableAs(names);
  return { cause: `${textOf(kind, policy)}: ${what} are ${found}`, expected, found };
}
