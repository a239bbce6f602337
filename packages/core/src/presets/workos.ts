import type { ClaimsSchema } from '../auth/claims-schema.js';
import type { IssuerOptions } from '../issuer/issuer-options.js';
import { keepDemands } from '../issuer/merged-options.js';
import { finish, onlyOf, readDomain, readPreset, readText, readTexts, withKnown, withoutAudience, type PresetOptions, type PresetResult } from './preset.js';

export interface WorkosOptions extends Omit<PresetOptions, 'audience'> {
  /** The client ID of your application: `client_...`. */
  readonly clientId: string;
  /** Your custom authentication domain, such as `auth.example.com`. Default: `api.workos.com`. */
  readonly domain?: string | undefined;
  /** The organizations, by ID (`org_...`), one of which the session must be in. Default: any or none. */
  readonly organizationIds?: readonly string[] | undefined;
  /** Requires `aud` too. WorkOS writes it only if the JWT template of your environment adds it. */
  readonly audience?: string | readonly string[] | undefined;
}

/**
 * Returns the options for access tokens of sessions of WorkOS (AuthKit, User Management).
 *
 * - The issuer is the server, with the client ID in newer environments. All its forms are accepted, with the keys of this client alone.
 * - The tokens have no `aud`. The keys of the client take its place.
 * - Roles are `roles`, `role` and `permissions`, in the organization of the session.
 * - Tokens of AuthKit as an OAuth server (`https://<name>.authkit.app`) are refused: they have an `aud`, so set that issuer without a preset.
 *
 * To combine it with other providers, use the list `issuers` of the result.
 *
 * @see https://workos.com/docs/reference/authkit/session-tokens
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(workos({ clientId: 'client_01HXYZ123456789ABCDEFGHIJ' }))
 */
export function workos<S extends ClaimsSchema | undefined = undefined>(
  options: WorkosOptions & { readonly claims?: S },
): PresetResult<S> & { readonly issuers: readonly IssuerOptions[] } {
  const { reader, rest } = readPreset('workos', options, ['clientId', 'domain', 'organizationIds']);
  const clientId = readText(reader, 'clientId', /^client_\w+$/, 'a client ID such as client_01HXYZ123456789ABCDEFGHIJ');
  const server = `https://${reader.get('domain') === undefined ? 'api.workos.com' : readDomain(reader, 'auth.example.com')}`;
  const organizations =
    reader.get('organizationIds') === undefined ? undefined : readTexts(reader, 'organizationIds', /^org_\w+$/, 'a list of IDs of organizations (org_...)');
  const merged = withoutAudience(
    withKnown(reader, rest, {
      requiredClaims: ['sub', 'sid'],
      requiredValues: organizations && { org_id: organizations },
      rolesClaim: [['roles'], ['role'], ['permissions']],
      jwksUri: `${server}/sso/jwks/${clientId}`,
    }),
  );
  const issuers = [`${server}/user_management/${clientId}`, server, `${server}/`].map((issuer) => keepDemands({ ...onlyOf(merged, true), issuer }));
  return finish(reader, () => ({ ...onlyOf(rest, false), issuers }) as object as PresetResult<S> & { readonly issuers: readonly IssuerOptions[] });
}
