import { isPolicy, type Auth, type Decision, type Deny, type Policy } from '@tokenward/core';
import { didYouMean, misuse, shownMember } from '@tokenward/core/adapter';
import { toAuthInfo, type AuthInfoOptions, type McpAuthInfo } from './auth-info.js';

/** The members of a guard that the verifier uses. The guards of core and of every adapter except NestJS fit. */
export interface VerifyingGuard {
  check(request: never): Decision<Auth | undefined> | Promise<Decision<Auth | undefined>>;
  permit(auth: Auth, policy: Policy): Decision<Auth>;
}

/** The classes of errors of the SDK, which only the app can pass: the SDK recognises errors of its own copy. */
export type SdkErrors = SdkErrorsV2 | SdkErrorsV1;

/** From `@modelcontextprotocol/server` (version 2). */
export interface SdkErrorsV2 {
  readonly OAuthError: new (code: string, message: string) => Error;
}

/** From `@modelcontextprotocol/sdk/server/auth/errors.js` (version 1). */
export interface SdkErrorsV1 {
  readonly InvalidTokenError: new (message: string) => Error;
  readonly InsufficientScopeError: new (message: string) => Error;
  readonly InvalidRequestError: new (message: string) => Error;
  readonly ServerError: new (message: string) => Error;
}

export interface McpVerifierOptions extends AuthInfoOptions {
  /** What every token must satisfy. The SDK's challenge names only the scopes in its own `requiredScopes`, so list the scopes there too. */
  readonly policy?: Policy | undefined;
}

/** The SDK's `OAuthTokenVerifier`. */
export interface McpVerifier {
  verifyAccessToken(token: string): Promise<McpAuthInfo>;
}

type Code = 'invalid_request' | 'invalid_token' | 'insufficient_scope' | 'server_error';

/**
 * Returns a verifier for the SDK's own `requireBearerAuth`. Where possible, prefer a guard in front: it sees the whole request, and answers exactly.
 * A verifier sees only the token. So sender-constrained tokens are refused, and an outage is a 500 without `Retry-After`.
 *
 * @param errors the module with the SDK's errors
 * @throws ConfigurationError if an argument is invalid
 *
 * @example
 * import { OAuthError } from '@modelcontextprotocol/server';
 * app.use('/mcp', requireBearerAuth({ verifier: mcpVerifier(guard, { OAuthError }), resourceMetadataUrl }));
 */
export function mcpVerifier(guard: VerifyingGuard, errors: SdkErrors, options: McpVerifierOptions = {}): McpVerifier {
  const createError = errorsOf(errors);
  const { policy } = options;
  for (const name of Object.keys(options)) {
    if (!(OPTIONS as readonly string[]).includes(name)) throw misuse('mcpVerifier(...)', `has no option ${shownMember(name)}${didYouMean(name, OPTIONS)}`);
  }
  if (policy !== undefined && !isPolicy(policy)) throw misuse('mcpVerifier(...) policy', "is not a policy. Write scope('orders:read')");
  if (typeof guard?.check !== 'function' || typeof guard.permit !== 'function')
    throw misuse('mcpVerifier(guard, ...)', 'needs a guard. Pass what createGuard returned');

  async function decide(token: string): Promise<Decision<Auth | undefined>> {
    const request = { method: 'POST', url: '/', target: '/', originalUrl: '/', headers: { authorization: `Bearer ${token}` } };
    const decision = await guard.check(request as never);
    return policy && decision.outcome === 'allow' && decision.auth ? guard.permit(decision.auth, policy) : decision;
  }

  return {
    async verifyAccessToken(token) {
      if (typeof token !== 'string') throw createError('invalid_token', 'The access token is not valid here');
      const decision = await decide(token);
      if (decision.outcome === 'deny') throw createError(codeOf(decision), decision.body.detail);
      if (!decision.auth) throw createError('invalid_token', 'The access token is not valid here');
      return toAuthInfo(decision.auth, options);
    },
  };
}

const OPTIONS = ['policy', 'resource', 'resourceMetadataUrl'] as const satisfies readonly (keyof McpVerifierOptions)[];

/** The SDK answers these codes with 400, 401, 403 and 500. It has no answer for a login that is too weak: a new login is what 401 asks for. */
function codeOf({ status }: Deny): Code {
  if (status === 503) return 'server_error';
  if (status === 403) return 'insufficient_scope';
  return status === 400 ? 'invalid_request' : 'invalid_token';
}

const V1 = {
  invalid_request: 'InvalidRequestError',
  invalid_token: 'InvalidTokenError',
  insufficient_scope: 'InsufficientScopeError',
  server_error: 'ServerError',
} as const satisfies Record<Code, keyof SdkErrorsV1>;

function errorsOf(errors: SdkErrors): (code: Code, message: string) => Error {
  const given = Object(errors) as Partial<SdkErrorsV1 & SdkErrorsV2>;
  // version 1 has a class OAuthError, too, with other arguments
  if (Object.values(V1).every((name) => typeof given[name] === 'function')) return (code, message) => new given[V1[code]]!(message);
  if (typeof given.OAuthError === 'function' && !('InvalidTokenError' in given)) return (code, message) => new given.OAuthError!(code, message);
  throw misuse(
    'mcpVerifier(guard, errors)',
    "needs the SDK's classes of errors. Pass { OAuthError } of @modelcontextprotocol/server, or all of @modelcontextprotocol/sdk/server/auth/errors.js",
  );
}
