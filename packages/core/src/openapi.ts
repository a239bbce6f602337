/**
 * OpenAPI documents that say what the guard demands. `guard.openApi()` describes a guard with its issuers. What is here needs no guard.
 *
 * @module
 */
import { describeInOpenApi } from './openapi/describe.js';
import type { OpenApiOptions } from './openapi/options.js';
import type { OpenApiAccess } from './openapi/types.js';
import type { Policy } from './policy/policy.js';

export type { OpenApiDescription } from './openapi/describe.js';
export type { OpenApiOptions } from './openapi/options.js';
export { PROBLEM as problemSchemaName, problemSchema } from './openapi/problem-schema.js';
export type {
  OpenApiAccess,
  OpenApiComponents,
  OpenApiFlow,
  OpenApiRequirement,
  OpenApiResponse,
  OpenApiSecurityScheme,
  OpenApiVersion,
} from './openapi/types.js';

/** How `openApiSecurity` writes: the version of the document, and the name of the security scheme that you define in it. */
export interface OpenApiSecurityOptions extends Pick<OpenApiOptions, 'version' | 'scheme'> {
  /** `optional` for a route with `guard.optional()`. Default: `required`. */
  readonly credentials?: 'required' | 'optional' | undefined;
}

/**
 * Returns what a document that you write yourself says about an operation: `security`, the `responses` of refusals, and a `description` of what these cannot
 * express. The document must define the security scheme, of the type `oauth2` or `openIdConnect`, and the schema of refusals:
 * `components.schemas.AccessProblem = problemSchema`.
 *
 * @throws ConfigurationError if a policy or an option is invalid
 *
 * @example const { security, responses } = openApiSecurity([scope('orders:read')], { scheme: 'login' });
 */
export function openApiSecurity(policies: Policy | readonly Policy[], options: OpenApiSecurityOptions = {}): OpenApiAccess {
  const { credentials, ...written } = options;
  return describeInOpenApi(ANY_GUARD, { ...written }).operation(policies, credentials);
}

const ANY_GUARD = { issuers: ['https://issuer.invalid'], hasOtherIssuers: false, hasSession: false, proofs: [], hasNonces: false, impliedScopes: {} };
