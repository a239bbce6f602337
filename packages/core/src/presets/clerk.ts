import type { ClaimsSchema } from '../auth/claims-schema.js';
import type { Claims } from '../auth/claims.js';
import { keepDemands } from '../issuer/merged-options.js';
import { isJsonObject, own } from '../lib/json.js';
import { finish, readDomain, readPreset, readTexts, withKnown, withoutAudience, type PresetOptions, type PresetResult } from './preset.js';

export interface ClerkOptions extends Omit<PresetOptions, 'audience' | 'allowedClients'> {
  /** The host of the Frontend API: `clerk.example.com`, or `example.clerk.accounts.dev` in development. */
  readonly domain: string;
  /** For session tokens: the origins of your apps, which are in `azp`, such as `https://app.example.com`. */
  readonly authorizedParties?: readonly string[] | undefined;
  /** For access tokens of OAuth applications, instead of `authorizedParties`: the client IDs that may call. */
  readonly oauthClients?: readonly string[] | undefined;
  /** The organizations, by ID (`org_...`), one of which must be active in the session. Needs version 2 of session tokens. Default: any or none. */
  readonly organizationIds?: readonly string[] | undefined;
  /** Requires `aud` too. Clerk writes it only if you add it to the session token. */
  readonly audience?: string | readonly string[] | undefined;
}

/**
 * Returns the options for tokens of Clerk: session tokens of your own apps, or access tokens (JWT) of OAuth applications. To accept both, create a guard for each.
 *
 * - The tokens have no `aud`. For session tokens, `azp` takes its place: the origin of the app that asked for the token. So tokens of other apps of the
 *   instance are refused. For OAuth tokens, the client ID does the same.
 * - Sessions that still have a task to do (`sts` is `pending`) are refused, as are tokens of JWT templates and of machines, which have no session.
 * - Roles are `org:admin` and so on, with the permissions of the active organization (`org:invoices:read`).
 *
 * @see https://clerk.com/docs/guides/sessions/session-tokens
 * @see https://clerk.com/docs/guides/sessions/manual-jwt-verification
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(clerk({ domain: 'clerk.example.com', authorizedParties: ['https://app.example.com'] }))
 */
export function clerk<S extends ClaimsSchema | undefined = undefined>(options: ClerkOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('clerk', options, ['domain', 'authorizedParties', 'oauthClients', 'organizationIds']);
  const issuer = `https://${readDomain(reader, 'clerk.example.com')}`;
  const isOAuth = reader.get('oauthClients') !== undefined;
  if (isOAuth && reader.get('authorizedParties') !== undefined)
    reader.wrong('oauthClients', 'cannot be combined with authorizedParties. Create a guard for each kind of token');
  if (rest.allowedClients !== undefined) reader.wrong('allowedClients', 'is set by the preset. Use oauthClients or authorizedParties');
  const organizations =
    reader.get('organizationIds') === undefined ? undefined : readTexts(reader, 'organizationIds', /^org_\w+$/, 'a list of IDs of organizations (org_...)');
  if (isOAuth && organizations) reader.wrong('organizationIds', 'cannot be combined with oauthClients: their tokens name no organization');
  const jwksUri = `${issuer}/.well-known/jwks.json`;
  const merged = isOAuth
    ? {
        ...withKnown(reader, rest, { requiredClaims: ['sub', 'jti'], forbiddenClaims: ['sid'], jwksUri }),
        allowedClients: readTexts(reader, 'oauthClients', /^[\w-]+$/, 'a list of client IDs'),
      }
    : withKnown(reader, rest, {
        requiredClaims: ['sub', 'sid'],
        requiredValues: {
          azp: readTexts(
            reader,
            'authorizedParties',
            /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s*]+$/,
            'a list of origins such as https://app.example.com, without a path',
          ),
          ...(organizations && { v: 2, o: { id: organizations } }),
        },
        forbiddenClaims: ['client_id'],
        forbiddenValues: { sts: 'pending' },
        rolesClaim: rolesOf,
        jwksUri,
      });
  return finish(reader, () => keepDemands({ ...withoutAudience(merged), issuer }) as PresetResult<S>);
}

/** Reads the role and the permissions in the active organization, from version 2 or 1 of a session token. */
function rolesOf(claims: Claims): readonly string[] {
  const organization = own(claims, 'o');
  if (!isJsonObject(organization)) return [own(claims, 'org_role'), own(claims, 'org_permissions')].flat().filter((name) => typeof name === 'string');
  const role = own(organization, 'rol');
  return [
    ...(typeof role === 'string' ? [`org:${role}`] : []),
    ...permissionsOf(namesIn(claims, 'fea'), namesIn(organization, 'per'), namesIn(organization, 'fpm')),
  ];
}

/** Each number of `fpm` belongs to a feature of the organization. Its bits, from the lowest, say which permissions the user has there. */
function permissionsOf(features: readonly string[], permissions: readonly string[], masks: readonly string[]): readonly string[] {
  const ofOrganization = features.flatMap((feature) => {
    const [scope, name] = feature.split(':', 2);
    return scope!.includes('o') && name ? [name] : [];
  });
  return ofOrganization.flatMap((feature, index) => {
    const mask = Number(masks[index] ?? 0);
    return permissions.filter((_name, bit) => Math.floor(mask / 2 ** bit) % 2 === 1).map((name) => `org:${feature}:${name}`);
  });
}

function namesIn(claims: object, name: string): readonly string[] {
  const text = own(claims, name);
  return typeof text === 'string' && text !== '' ? text.split(',') : [];
}
