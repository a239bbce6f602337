import { isPolicy, type Auth, type Decision, type Policy } from '@tokenward/core';
import { misuse, necessaryScopes } from '@tokenward/core/adapter';
import { getMcpAuth } from './auth-info.js';

/** What the SDK asks for a token with (version 2). */
export interface ScopeChallenge {
  readonly scopes: readonly [string, ...string[]];
  readonly errorDescription: string;
}

/** The `scopeChallenge` of a tool, a resource or a prompt (version 2 of the SDK). */
export type ScopeChallengeHandler = (context: { readonly authInfo?: object | undefined }) => ScopeChallenge | undefined;

/**
 * Returns a policy about scopes as the `scopeChallenge` of a tool, a resource or a prompt, with which version 2 of the SDK answers 403 before it runs the tool.
 * The guard evaluates the policy, so implied scopes count, and a token that was revoked meanwhile is refused. A refusal that is not about scopes is an error of the
 * SDK, with status 500: for other policies use `toolPolicies`.
 *
 * @throws ConfigurationError if the policy requires no scope
 *
 * @example server.registerTool('delete_order', { inputSchema, scopeChallenge: scopeChallenge(guard, scope('orders:write')) }, deleteOrder);
 */
export function scopeChallenge(guard: { permit(auth: Auth, policy: Policy): Decision<Auth> }, policy: Policy): ScopeChallengeHandler {
  if (!isPolicy(policy)) throw misuse('scopeChallenge(guard, policy)', "needs a policy as its second argument: scope('orders:write')");
  if (necessaryScopes(policy).length === 0) throw misuse('scopeChallenge(guard, policy)', `${String(policy)} requires no scope. Use toolPolicies for it`);
  return ({ authInfo }) => {
    const decision = guard.permit(getMcpAuth({ authInfo }), policy);
    if (decision.outcome === 'allow') return undefined;
    const { status, scope, detail } = decision.body;
    if (status !== 403 || scope === undefined) throw new Error(`a guard refused the call: ${decision.reason}`);
    return { scopes: scope.split(' ') as [string, ...string[]], errorDescription: detail };
  };
}
