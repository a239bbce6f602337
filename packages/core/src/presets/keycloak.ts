import type { ClaimsSchema } from '../auth/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { finish, readBaseUrl, readPreset, readText, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface KeycloakOptions extends PresetOptions {
  /** The address of the server, with its base path if it has one (`/auth` before version 17): `https://sso.example.com`. */
  readonly url: string;
  /** The name of the realm in Keycloak. To set the guard's `realm`, spread the result: `{ ...keycloak({ ... }), realm: 'orders' }`. */
  readonly realm: string;
  /** The client of this API. Its roles are accepted together with the realm's, and those of no other client. */
  readonly clientId?: string | undefined;
}

/**
 * Returns the options for access tokens of a Keycloak realm.
 *
 * - Roles are read from `realm_access`, and from `resource_access` for `clientId`.
 * - `aud` contains this API only if a client scope has an audience mapper for it, or if the caller has a role of its client. `account` is not your API.
 * - The claim `typ` must be `Bearer` or `DPoP`. ID, refresh, offline and logout tokens, which the same key signs, have others.
 *
 * @see https://www.keycloak.org/docs/latest/server_admin/#_audience
 * @see https://www.keycloak.org/docs-api/latest/javadocs/org/keycloak/util/TokenUtil.html
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(keycloak({ url: 'https://sso.example.com', realm: 'shop', audience: 'orders-api', clientId: 'orders-api' }))
 */
export function keycloak<S extends ClaimsSchema | undefined = undefined>(options: KeycloakOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('keycloak', options, ['url', 'realm', 'clientId']);
  const url = readBaseUrl(reader, 'url');
  if (url.includes('/realms/')) reader.wrong('url', 'must not contain the realm. Set it to the part before /realms/');
  const realm = readText(
    reader,
    'realm',
    /^[A-Za-z0-9_~-][A-Za-z0-9._~-]*$/,
    'a name of letters, digits and -._~ (for other names, set issuer without a preset)',
  );
  const clientId = reader.text('clientId', '');
  const merged = withKnown(reader, rest, {
    requiredValues: { typ: ['Bearer', 'DPoP'] },
    rolesClaim: clientId === '' ? REALM_ROLES : [REALM_ROLES, ['resource_access', clientId, 'roles']],
  });
  return finish(reader, () => keepDemands({ ...merged, issuer: `${url}/realms/${realm}` }) as PresetResult<S>);
}

const REALM_ROLES = ['realm_access', 'roles'];
