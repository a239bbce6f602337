import type { ClaimsSchema } from '../auth/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { finish, readBaseUrl, readPreset, readText, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface PingFederateOptions extends PresetOptions {
  /** The base URL of the server: `https://sso.example.com:9031`. It is the issuer, and the keys are under it. */
  readonly url: string;
  /** The path of the keys. An access token manager with a JWKS endpoint path of its own has them at `/ext/<path>`. Default: `/pf/JWKS`. */
  readonly jwksPath?: string | undefined;
}

/**
 * Returns the options for access tokens of an access token manager of PingFederate whose type is JSON web tokens.
 *
 * - Almost every claim is a setting of the access token manager. Set its issuer claim value to the base URL, its audience claim value to this API, its client
 *   ID claim name to `client_id`, and include `iat`. Without `iat`, set `unsafeAcceptTokensWithoutIssuedAt`.
 * - ID tokens are signed with the same keys. They are refused, because they have no `client_id` and, mostly, have `nonce` or `at_hash`.
 * - Roles are read from `roles`, or from what `rolesClaim` names, such as `memberOf`.
 *
 * @see https://docs.pingidentity.com/pingfederate/latest/administrators_reference_guide/pf_configuring_json_based_access_token_management.html
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(pingFederate({ url: 'https://sso.example.com', audience: 'https://api.example.com' }))
 */
export function pingFederate<S extends ClaimsSchema | undefined = undefined>(options: PingFederateOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('pingFederate', options, ['url', 'jwksPath']);
  const issuer = readBaseUrl(reader, 'url');
  const path = readText(reader, 'jwksPath', /^(?:\/[A-Za-z0-9_-]+)+$/, 'a path such as /pf/JWKS or /ext/orders', '/pf/JWKS');
  const merged = withKnown(reader, rest, { requiredClaims: ['client_id'], jwksUri: `${issuer}${path}` });
  return finish(reader, () => keepDemands({ ...merged, issuer }) as PresetResult<S>);
}
