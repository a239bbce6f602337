import type { ClaimsSchema } from '../access-token/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { finish, readDomain, readPreset, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface Auth0Options extends PresetOptions {
  /** The tenant's domain, or its custom one, as tokens say it: `example.eu.auth0.com`. */
  readonly domain: string;
}

/**
 * Options for access tokens of Auth0, of both its profiles: its own (`typ` JWT, the client in `azp`) and that of RFC 9068 (`at+jwt`, `client_id`).
 *
 * - The issuer ends with a slash. `aud` is the API's identifier, as a rule beside the address of `/userinfo`.
 * - Tokens that were asked for without an audience are encrypted or opaque, and are refused: they are meant for Auth0 itself.
 * - `permissions`, of an API with RBAC, can be asked by `role('read:orders')`. For roles that an Action writes into a claim of your own, say
 *   `rolesClaim: 'https://example.com/roles'`.
 *
 * @see https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
 * @throws ConfigurationError
 *
 * @example createGuard(auth0({ domain: 'example.eu.auth0.com', audience: 'https://api.example.com' }))
 */
export function auth0<S extends ClaimsSchema | undefined = undefined>(options: Auth0Options & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('auth0', options, ['domain']);
  const domain = readDomain(reader, 'example.eu.auth0.com');
  const merged = withKnown(reader, rest, { rolesClaim: 'permissions' });
  return finish(reader, () => keepDemands({ ...merged, issuer: `https://${domain}/` }) as PresetResult<S>);
}
