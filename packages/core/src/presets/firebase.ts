import type { ClaimsSchema } from '../auth/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { finish, readPreset, readText, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface FirebaseOptions extends Omit<PresetOptions, 'audience'> {
  /** The project's ID, such as `shop-1a2b3`. It is the `aud` of its tokens. */
  readonly projectId: string;
  /** The tenant of Identity Platform whose users are accepted. Default: users of no tenant alone. */
  readonly tenantId?: string | undefined;
  /** Accepts the users of all tenants of the project, and those of none. Default: false. */
  readonly acceptAllTenants?: boolean | undefined;
  /** Takes session cookies (`createSessionCookie`) instead of ID tokens. They have another issuer and other keys, and live up to two weeks. Default: false. */
  readonly sessionCookies?: boolean | undefined;
  /** Accepts users who signed in anonymously. Default: false. */
  readonly acceptAnonymousUsers?: boolean | undefined;
}

/**
 * Returns the options for ID tokens of Firebase Authentication and of Google Cloud's Identity Platform, which their apps send to APIs as access tokens.
 *
 * - `aud` is the project, so every app of the project can call every API of the project. If their rights differ, give users custom claims.
 * - Session cookies, custom tokens, App Check tokens, tokens of the emulator and ID tokens of Google itself are refused.
 * - `auth_time` must be there, so `maxAge(...)` works.
 * - Roles are read from the custom claim `roles`.
 *
 * @see https://firebase.google.com/docs/auth/admin/verify-id-tokens#verify_id_tokens_using_a_third-party_jwt_library
 * @see https://cloud.google.com/identity-platform/docs/reference/rest/v1/TopLevel/getSessionCookiePublicKeys
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(firebase({ projectId: 'shop-1a2b3' }))
 */
export function firebase<S extends ClaimsSchema | undefined = undefined>(options: FirebaseOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('firebase', options, ['projectId', 'tenantId', 'acceptAllTenants', 'sessionCookies', 'acceptAnonymousUsers']);
  const projectId = readText(reader, 'projectId', /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, "the project's ID, such as shop-1a2b3 (not its number or its name)");
  if (rest.audience !== undefined) reader.wrong('audience', 'is the project, which projectId sets. Remove it');
  const tenantId = reader.get('tenantId') === undefined ? undefined : readText(reader, 'tenantId', /^[\w-]+$/, 'the ID of a tenant, such as shop-abc12');
  const allTenants = reader.flag('acceptAllTenants');
  if (allTenants && tenantId !== undefined) reader.wrong('acceptAllTenants', 'cannot be combined with tenantId. Set only one of them');
  const cookies = reader.flag('sessionCookies');
  const merged = withKnown(reader, rest, {
    requiredClaims: ['sub', 'auth_time', 'firebase'],
    requiredValues: tenantId === undefined ? undefined : { firebase: { tenant: tenantId } },
    forbiddenClaims: allTenants || tenantId !== undefined ? undefined : [['firebase', 'tenant']],
    forbiddenValues: reader.flag('acceptAnonymousUsers') ? undefined : { firebase: { sign_in_provider: 'anonymous' } },
    jwksUri: cookies ? COOKIE_KEYS : ID_TOKEN_KEYS,
  });
  const issuer = `https://${cookies ? 'session.firebase' : 'securetoken'}.google.com/${projectId}`;
  return finish(reader, () => keepDemands({ ...merged, audience: projectId, issuer }) as PresetResult<S>);
}

const ID_TOKEN_KEYS = 'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com';
const COOKIE_KEYS = 'https://identitytoolkit.googleapis.com/v1/sessionCookiePublicKeys';
