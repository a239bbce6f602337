/** The name of {@link problemSchema} among the schemas of a document. */
export const PROBLEM = 'AccessProblem';

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

/** Returns where a document of this version keeps its schemas. */
export function problemReference(version: string): { readonly $ref: string } {
  return { $ref: version === '2.0' ? `#/definitions/${PROBLEM}` : `#/components/schemas/${PROBLEM}` };
}
