import { misuse } from '../lib/configuration-error.js';
import { combine } from '../policy/combinations.js';
import type { DocumentedPolicy, TokenAlternative } from '../policy/documented.js';
import { documentedPolicy, mentionedScopes } from '../policy/evaluate.js';
import type { Policy } from '../policy/policy.js';
import { readOpenApiOptions, type OpenApiOptions } from './options.js';
import { problemSchema } from './problem-schema.js';
import { isComplete, requirementsFor } from './requirements.js';
import { refusalResponses } from './responses.js';
import type { SecuredApi } from './secured-api.js';
import { bindingText, createSecuritySchemes } from './security-schemes.js';
import type { OpenApiAccess, OpenApiComponents } from './types.js';

/** Describes the access to an API for one OpenAPI document. */
export interface OpenApiDescription {
  /**
   * Returns what the document says about an operation.
   *
   * @param policies those of the route: of its guard, and of the guards in front of it
   * @param credentials `optional` for `guard.optional()`. Default: `required`
   * @throws ConfigurationError if a policy is not one
   *
   * @example paths['/orders'].get = { ...document.operation([scope('orders:read')]), ... };
   */
  operation(policies?: Policy | readonly Policy[], credentials?: 'required' | 'optional'): OpenApiAccess;
  /** Returns the security schemes and the schema of refusals. Call it last: it lists the scopes of the operations described before. */
  components(): OpenApiComponents;
}

/**
 * @param known returns policies of routes, whose scopes the components list, too
 * @throws ConfigurationError that lists all invalid options
 */
export function describeInOpenApi(api: SecuredApi, options: OpenApiOptions = {}, known: () => readonly Policy[] = () => []): OpenApiDescription {
  const settings = readOpenApiOptions(options);
  const schemes = createSecuritySchemes(api, settings);
  const scopes = new Set(Object.keys(settings.scopeDescriptions));
  // a scheme that the document defines itself says nothing about proofs
  const binding = schemes.proofs.some((proof) => Object.keys(proof).length === 0) ? bindingText(api.proofs, 'The access token') : '';

  function textFor(documented: DocumentedPolicy | undefined, alternatives: readonly TokenAlternative[], isOptional: boolean): string | undefined {
    const isEnough = documented === undefined || isComplete(alternatives, schemes);
    const needs = isEnough ? '' : `${isOptional ? 'An access token, if sent, needs' : 'Needs'} ${documented.words}.`;
    return `${needs}${binding}`.trim() || undefined;
  }

  return Object.freeze({
    operation(policies: Policy | readonly Policy[] = [], credentials: 'required' | 'optional' = 'required') {
      if (credentials !== 'required' && credentials !== 'optional')
        throw misuse('credentials', "must be 'required' or 'optional'. An operation without a guard needs no description");
      const policy = combine(Array.isArray(policies) ? (policies as readonly Policy[]) : [policies as Policy]);
      for (const scope of policy ? mentionedScopes(policy) : []) scopes.add(scope);
      const documented = policy && documentedPolicy(policy);
      const alternatives = documented?.alternatives ?? ANY_TOKEN;
      const isOptional = credentials === 'optional';
      const security = requirementsFor(alternatives, schemes);
      return {
        security: isOptional ? [{}, ...security] : security,
        responses: refusalResponses(settings, documented, { ...api, isOptional }),
        description: textFor(documented, alternatives, isOptional),
      };
    },
    components() {
      for (const policy of known()) for (const scope of mentionedScopes(policy)) scopes.add(scope);
      return { securitySchemes: schemes.definitions([...scopes].toSorted()), schemas: { [settings.problemSchemaName]: problemSchema } };
    },
  });
}

const ANY_TOKEN = [{ scopes: [], issuers: undefined, isPartial: false }];
