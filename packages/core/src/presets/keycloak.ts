import type { ClaimsSchema } from '../access-token/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { finish, readBaseUrl, readPreset, readText, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface KeycloakOptions extends PresetOptions {
  /** Where the server is, with the path that it was given, if any (`/auth` before version 17): `https://sso.example.com`. */
  readonly url: string;
  /** Keycloak's. For the guard's `realm`, spread: `{ ...keycloak({ ... }), realm: 'orders' }`. */
  readonly realm: string;
  /** This API's own client: its roles count beside the realm's. No other client's do. */
  readonly clientId?: string | undefined;
}

/**
 * Options for access tokens of a Keycloak realm.
 *
 * - Roles are those of `realm_access`, and those of `resource_access` that belong to `clientId`: a name counts whichever of the two holds it.
 * - `aud` names this API only where a client scope has an audience mapper for it (or the caller has a role of its client); `account` is none.
 * - The claim `typ` must be `Bearer`, or `DPoP`: ID, refresh, offline and logout tokens of the same key have others.
 *
 * @see https://www.keycloak.org/docs/latest/server_admin/#_audience
 * @see https://www.keycloak.org/docs-api/latest/javadocs/org/keycloak/util/TokenUtil.html
 * @throws ConfigurationError
 *
 * @example createGuard(keycloak({ url: 'https://sso.example.com', realm: 'shop', audience: 'orders-api', clientId: 'orders-api' }))
 */
export function keycloak<S extends ClaimsSchema | undefined = undefined>(options: KeycloakOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('keycloak', options, ['url', 'realm', 'clientId']);
  const url = readBaseUrl(reader, 'url');
  if (url.includes('/realms/')) reader.wrong('url', 'has the realm in it: give the part before /realms/');
  const realm = readText(reader, 'realm', /^[A-Za-z0-9_~-][A-Za-z0-9._~-]*$/, 'a name of letters, digits and -._~ (for others, say issuer without a preset)');
  const clientId = reader.text('clientId', '');
  const merged = withKnown(reader, rest, {
    requiredValues: { typ: ['Bearer', 'DPoP'] },
    rolesClaim: clientId === '' ? REALM_ROLES : [REALM_ROLES, ['resource_access', clientId, 'roles']],
  });
  return finish(reader, () => keepDemands({ ...merged, issuer: `${url}/realms/${realm}` }) as PresetResult<S>);
}

const REALM_ROLES = ['realm_access', 'roles'];
