import type { OpenApiAccess, OpenApiComponents, OpenApiRequirement, OpenApiResponse, OpenApiSecurityScheme } from './types.js';

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
 * Writes into an operation what requests need, and the refusals that they can get. What the operation says already takes precedence, with one exception: if it
 * says that no token is needed although one is.
 *
 * @returns whether this exception occurred
 */
export function writeAccess(operation: WrittenOperation, { security, responses, description }: OpenApiAccess): boolean {
  const own = operation.security;
  const isContradicted = own !== undefined && isOpen(own) && !isOpen(security);
  if (own === undefined || isContradicted) operation.security = security;
  operation.responses = { ...responses, ...operation.responses };
  if (description !== undefined) operation.description = operation.description ? `${operation.description}\n\n${description}` : description;
  return isContradicted;
}

/** What a document says about a handler: its access, or that it needs nothing. */
export type WrittenAccess = OpenApiAccess | 'open';

/**
 * Returns what a document says about an operation that several handlers share, since a version or a host that its path does not contain decides between them.
 * It looks open only if none of them needs a token.
 */
export function eitherAccess(handlers: readonly WrittenAccess[]): WrittenAccess {
  const distinct = [...new Map(handlers.map((one) => [JSON.stringify(one), one])).values()];
  if (distinct.length === 1) return distinct[0]!;
  const guarded = distinct.filter((one) => one !== 'open');
  const all = guarded.flatMap(({ security }) => security);
  const needed = guarded.every(({ security }) => isOpen(security)) ? all : all.filter((one) => !isOpen([one]));
  const statuses = new Set(guarded.flatMap(({ responses }) => Object.keys(responses)));
  const words = guarded.flatMap(({ description }) => description ?? []);
  return {
    security: [...new Map(needed.map((one) => [JSON.stringify(one), one])).values()],
    responses: Object.fromEntries([...statuses].map((status) => [status, eitherResponse(guarded.flatMap(({ responses }) => responses[status] ?? []))])),
    description: [guarded.length === distinct.length ? SHARED : `${SHARED} ${ONE_IS_OPEN}`, ...words].join('\n\n'),
  };
}

const SHARED = 'Several handlers share this operation: the version or the host of a request decides which of them answers, and what it needs.';
const ONE_IS_OPEN = 'Not all of them need a token.';

function eitherResponse(responses: readonly OpenApiResponse[]): OpenApiResponse {
  return { ...responses[0]!, description: [...new Set(responses.map(({ description }) => description))].join('. Or: ') };
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

/** The members of a Path Item Object that are not operations. */
const NO_OPERATIONS: ReadonlySet<string> = new Set(['$ref', 'summary', 'description', 'servers', 'parameters', 'additionalOperations']);

/** Returns the operations of a document, those with methods that OpenAPI does not know included. */
export function operationsOf(document: Pick<WrittenDocument, 'paths'>): readonly WrittenOperation[] {
  return namedOperations(document).map(({ operation }) => operation);
}

/** Returns the same with their methods, in lower case. */
export function namedOperations({ paths }: Pick<WrittenDocument, 'paths'>): readonly { readonly method: string; readonly operation: WrittenOperation }[] {
  return Object.values(paths ?? {}).flatMap((item: object) => {
    const more = Object.entries(Object((item as Readonly<Record<string, unknown>>)['additionalOperations']) as object);
    const all = [...Object.entries(item).filter(([name]) => !NO_OPERATIONS.has(name) && !name.startsWith('x-')), ...more] as [string, unknown][];
    return all.flatMap(([method, operation]) => (typeof operation === 'object' && operation !== null ? [{ method: method.toLowerCase(), operation }] : []));
  });
}
