import type { ClaimsSchema } from '../auth/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { finish, readDomain, readPreset, readTexts, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface Auth0Options extends PresetOptions {
  /** The tenant's domain as in the tokens' `iss`: `example.eu.auth0.com`, or your custom domain. */
  readonly domain: string;
  /** The organizations, by ID (`org_...`). The token must be for one of them. Default: any or none. */
  readonly organizationIds?: readonly string[] | undefined;
}

/**
 * Returns the options for access tokens of Auth0, in both its profiles: its own (`typ` JWT, the client in `azp`) and RFC 9068 (`at+jwt`, `client_id`).
 *
 * - The issuer ends with a slash. `aud` is the API's identifier, often together with the address of `/userinfo`.
 * - A client that asks for a token without an audience gets an encrypted or opaque one for Auth0 itself. The guard refuses it.
 * - The `permissions` of an API with RBAC are read as roles: `role('read:orders')`. If an Action writes roles into a claim that you chose, set
 *   `rolesClaim: 'https://example.com/roles'`.
 *
 * @see https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(auth0({ domain: 'example.eu.auth0.com', audience: 'https://api.example.com' }))
 */
export function auth0<S extends ClaimsSchema | undefined = undefined>(options: Auth0Options & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('auth0', options, ['domain', 'organizationIds']);
  const domain = readDomain(reader, 'example.eu.auth0.com');
  const organizations =
    reader.get('organizationIds') === undefined ? undefined : readTexts(reader, 'organizationIds', /^org_\w+$/, 'a list of IDs of organizations (org_...)');
  const merged = withKnown(reader, rest, { requiredValues: organizations && { org_id: organizations }, rolesClaim: 'permissions' });
  return finish(reader, () => keepDemands({ ...merged, issuer: `https://${domain}/` }) as PresetResult<S>);
}
