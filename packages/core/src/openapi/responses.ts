import type { DocumentedPolicy } from '../policy/documented.js';
import type { OpenApiSettings } from './options.js';
import { problemReference } from './problem-schema.js';
import type { SecuredApi } from './secured-api.js';
import type { OpenApiResponse } from './types.js';

type Settings = Pick<OpenApiSettings, 'version' | 'problemSchemaName'>;

/** Returns the refusals that can occur on an operation that looks at tokens, by status. */
export function refusalResponses(
  settings: Settings,
  policy: DocumentedPolicy | undefined,
  { isOptional, hasSession, hasNonces }: Pick<SecuredApi, 'hasSession' | 'hasNonces'> & { readonly isOptional: boolean },
): Record<string, OpenApiResponse> {
  const refusals = policy?.refusals ?? [];
  const invalid = isOptional ? 'The access token is not valid here' : 'The access token is missing, or it is not valid here';
  const stepUp = refusals.includes('insufficient_user_authentication')
    ? `${invalid}; or its login is too weak or too old (\`insufficient_user_authentication\`, RFC 9470), and the challenge names \`acr_values\` and \`max_age\``
    : invalid;
  const responses: Record<string, OpenApiResponse> = {
    400: response(settings, 'The credentials are malformed, or were sent more than once', CHALLENGE),
    401: response(settings, stepUp, hasNonces ? { ...CHALLENGE, ...NONCE } : CHALLENGE),
    503: response(settings, 'The access token cannot be checked at the moment', RETRY_AFTER),
  };
  if (refusals.includes('insufficient_scope'))
    responses['403'] = response(settings, `The access token does not grant what this operation needs: ${policy!.words}`, CHALLENGE);
  else if (hasSession) responses['403'] = response(settings, 'The request has a session, and may come from another site', {});
  return responses;
}

const CHALLENGE = {
  'WWW-Authenticate': { type: 'string', text: 'The challenge: why the token was refused, and what the next one needs (RFC 6750, RFC 9470, RFC 9728)' },
};
const NONCE = { 'DPoP-Nonce': { type: 'string', text: 'The nonce of the next proof (RFC 9449 s9)' } };
const RETRY_AFTER = { 'Retry-After': { type: 'integer', text: 'Seconds until the next attempt' } };

function response(
  { version, problemSchemaName }: Settings,
  description: string,
  named: Readonly<Record<string, { readonly type: string; readonly text: string }>>,
): OpenApiResponse {
  const isSwagger = version === '2.0';
  const headers = Object.fromEntries(
    Object.entries(named).map(([name, { type, text }]) => [name, isSwagger ? { type, description: text } : { description: text, schema: { type } }]),
  );
  const schema = problemReference(version, problemSchemaName);
  return {
    description,
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(isSwagger ? { schema } : { content: { 'application/problem+json': { schema } } }),
  };
}
