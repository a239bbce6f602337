import type { OpenApiAccess, OpenApiComponents, OpenApiRequirement, OpenApiSecurityScheme } from './types.js';

/** An Operation Object of a document that somebody else has made. */
export interface WrittenOperation {
  security?: readonly OpenApiRequirement[] | undefined;
  responses?: Record<string, unknown> | undefined;
  description?: string | undefined;
}

/** A document that somebody else has made. `securityDefinitions` and `definitions` are those of version 2.0. */
export interface WrittenDocument {
  openapi?: string;
  swagger?: string;
  security?: readonly OpenApiRequirement[] | undefined;
  components?: { securitySchemes?: object | undefined; schemas?: object | undefined } | undefined;
  securityDefinitions?: object | undefined;
  definitions?: object | undefined;
  paths?: object | undefined;
  webhooks?: object | undefined;
}

/**
 * Writes the access to an operation into it. What the operation says already takes precedence, unless it says that no token is needed where one is.
 *
 * @returns whether the operation said so
 */
export function writeAccess(operation: WrittenOperation, { security, responses, description }: OpenApiAccess): boolean {
  const own = operation.security;
  const isContradicted = own !== undefined && isOpen(own) && !isOpen(security);
  if (own === undefined || isContradicted) operation.security = security;
  operation.responses = { ...responses, ...operation.responses };
  if (description !== undefined) operation.description = operation.description ? `${operation.description}\n\n${description}` : description;
  return isContradicted;
}

/** Returns whether security requirements admit a request without credentials. */
export function isOpen(security: readonly OpenApiRequirement[]): boolean {
  return security.length === 0 || security.some((one) => Object.keys(one).length === 0);
}

/** Adds components to a document. The schemas that it has already take precedence; so do its security schemes, except for the scopes that they lack. */
export function writeComponents(document: WrittenDocument, { securitySchemes, schemas }: OpenApiComponents): void {
  if (document.swagger !== undefined) {
    document.securityDefinitions = { ...document.securityDefinitions, ...securitySchemes };
    document.definitions = { ...schemas, ...document.definitions };
    return;
  }
  const { components } = document;
  document.components = {
    ...components,
    securitySchemes: withAllScopes({ ...components?.securitySchemes }, securitySchemes),
    schemas: { ...schemas, ...components?.schemas },
  };
}

/** Several guards may share one scheme, each with scopes of its own. */
function withAllScopes(known: Readonly<Record<string, object>>, added: OpenApiComponents['securitySchemes']): object {
  const merged = Object.entries(added).map(([name, scheme]) => {
    const { flows } = Object(known[name]) as Partial<OpenApiSecurityScheme>;
    if (!flows || !scheme.flows) return [name, scheme] as const;
    const all = Object.entries(scheme.flows).map(([flow, one]) => [flow, { ...one, scopes: { ...one.scopes, ...flows[flow]?.scopes } }] as const);
    return [name, { ...scheme, flows: Object.fromEntries(all) }] as const;
  });
  return { ...known, ...Object.fromEntries(merged) };
}

/** Returns the security schemes that a document defines. */
export function definedSchemes({ components, securityDefinitions }: WrittenDocument): Readonly<Record<string, object>> {
  return { ...(components?.securitySchemes ?? securityDefinitions) };
}

/** The members of a Path Item Object that are no operations. */
const NO_OPERATIONS: ReadonlySet<string> = new Set(['$ref', 'summary', 'description', 'servers', 'parameters', 'additionalOperations']);

/** Returns the operations of a document, those with methods that OpenAPI does not know included. */
export function operationsOf({ paths }: Pick<WrittenDocument, 'paths'>): readonly WrittenOperation[] {
  return Object.values(paths ?? {}).flatMap((item: object) => {
    const more = Object.values(Object((item as Readonly<Record<string, unknown>>)['additionalOperations']) as object);
    const all = [...Object.entries(item).flatMap(([name, value]) => (NO_OPERATIONS.has(name) || name.startsWith('x-') ? [] : [value as unknown])), ...more];
    return all.filter((one): one is WrittenOperation => typeof one === 'object' && one !== null);
  });
}
