/**
 * OAuth 2.0 for servers of the Model Context Protocol: the caller's `Auth` in tools, policies of single tools, a verifier for the SDK's own middleware, and session
 * ids that belong to their user. It works with both major versions of the MCP TypeScript SDK and imports neither.
 *
 * @module
 */
export { getMcpAuth, toAuthInfo, withAuthInfo, type AuthInfoOptions, type McpAuthInfo, type McpCall, type WithAuthInfo } from './auth-info.js';
export { createMcpGuard, type AdmittedRequest, type McpGuard, type McpGuardOptions } from './node-guard.js';
export { scopeChallenge, type ScopeChallenge, type ScopeChallengeHandler } from './scope-challenge.js';
export { createSessionIds, type SessionIds, type SessionIdsOptions } from './session-ids.js';
export { toolPolicies, type Requirements, type ToolPoliciesOptions, type ToolRequirement } from './tool-policies.js';
export { mcpVerifier, type McpVerifier, type McpVerifierOptions, type SdkErrors, type SdkErrorsV1, type SdkErrorsV2, type VerifyingGuard } from './verifier.js';

declare module '@tokenward/core' {
  interface Register {
    /** The SDK declares `auth` of Express' request as its own `AuthInfo`. */
    requestAuth: unknown;
  }
}
