import type { WrittenDocument } from './write.js';

/** The usual name of {@link problemSchema} among the schemas of a document. */
export const PROBLEM: string = 'AccessProblem';

/** The JSON Schema of a refusal's body: problem details (RFC 9457), for every version of OpenAPI. */
export const problemSchema = Object.freeze({
  type: 'object',
  description: 'Why a request was refused (RFC 9457).',
  required: Object.freeze(['type', 'title', 'status', 'detail']),
  properties: Object.freeze({
    type: Object.freeze({ type: 'string', description: 'Always `about:blank`.' }),
    title: Object.freeze({ type: 'string', description: 'The name of the status.' }),
    status: Object.freeze({ type: 'integer', description: 'The status of the response.' }),
    error: Object.freeze({ type: 'string', description: 'The error code of the challenge (RFC 6750, RFC 9470). Absent if the request has no credentials.' }),
    reason: Object.freeze({ type: 'string', description: 'Set to `cross_site_request` if a browser session was used without its header.' }),
    detail: Object.freeze({ type: 'string', description: 'An explanation for people.' }),
    scope: Object.freeze({ type: 'string', description: 'All scopes that the next token needs, separated by spaces.' }),
  }),
} as const);

/** Returns a name for the schema of refusals under which a document has no other schema. */
export function freeProblemName(document: WrittenDocument): string {
  const schemas = (document.components?.schemas ?? document.definitions ?? {}) as Readonly<Record<string, object>>;
  const isFree = (name: string): boolean => !Object.hasOwn(schemas, name) || JSON.stringify(schemas[name]) === JSON.stringify(problemSchema);
  let name = PROBLEM;
  for (let at = 2; !isFree(name); at++) name = `${PROBLEM}.${at}`;
  return name;
}

/** Returns where a document of this version keeps its schemas. */
export function problemReference(version: string, name: string): { readonly $ref: string } {
  return { $ref: version === '2.0' ? `#/definitions/${name}` : `#/components/schemas/${name}` };
}
