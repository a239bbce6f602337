import { isPolicy, type Auth, type Decision, type Policy } from '@tokenward/core';
import { misuse, necessaryScopes, offeredScopes, SCOPE_TOKEN } from '@tokenward/core/adapter';
import { getMcpAuth } from './auth-info.js';

/** What version 2 of the SDK puts into its challenge. */
export interface ScopeChallenge {
  /** All scopes of the next token: the SDK adds none. */
  readonly scopes: readonly [string, ...string[]];
  readonly errorDescription: string;
}

/** The `scopeChallenge` of a tool, a resource or a prompt (version 2 of the SDK). */
export type ScopeChallengeHandler = (context: { readonly authInfo?: object | undefined }) => ScopeChallenge | undefined;

/**
 * Returns a policy about scopes as the `scopeChallenge` of a tool, a resource or a prompt, with which version 2 of the SDK answers 403 before it runs the tool.
 * The guard evaluates the policy, so implied scopes count, and a token that was revoked meanwhile is refused. The challenge also names the scopes that the token
 * has, except `openid` and `offline_access`, so the next token keeps them. A refusal that is not about scopes is an error of the SDK, with status 500: for other
 * policies use `toolPolicies`.
 *
 * @throws ConfigurationError if the policy requires no scope
 *
 * @example server.registerTool('delete_order', { inputSchema, scopeChallenge: scopeChallenge(guard, scope('orders:write')) }, deleteOrder);
 */
export function scopeChallenge(guard: { permit(auth: Auth, policy: Policy): Decision<Auth> }, policy: Policy): ScopeChallengeHandler {
  if (!isPolicy(policy)) throw misuse('scopeChallenge(guard, policy)', "needs a policy as its second argument: scope('orders:write')");
  if (necessaryScopes(policy).length === 0) throw misuse('scopeChallenge(guard, policy)', `${String(policy)} requires no scope. Use toolPolicies for it`);
  return ({ authInfo }) => {
    const auth = getMcpAuth({ authInfo });
    const decision = guard.permit(auth, policy);
    if (decision.outcome === 'allow') return undefined;
    const { status, scope, detail } = decision.body;
    if (status !== 403 || scope === undefined) throw new Error(`a guard refused the call: ${decision.reason}`);
    return { scopes: withHeld(scope.split(' '), auth.scopes) as [string, ...string[]], errorDescription: detail };
  };
}

/** Node's client accepts headers of 16 KiB, and others less. */
const MAX_CHARACTERS = 4096;

/** What the endpoint and other tools require is not known here, so every scope that the token has counts. The SDK throws for a name that is no scope. */
function withHeld(needed: readonly string[], held: readonly string[]): readonly string[] {
  let characters = needed.join(' ').length;
  const kept = offeredScopes(held).filter((name) => SCOPE_TOKEN.test(name) && (characters += name.length + 1) <= MAX_CHARACTERS);
  return [...new Set([...kept, ...needed])];
}
