import type { ClaimsSchema } from '../auth/claims-schema.js';
import type { NamesReader } from '../auth/names.js';
import { keepDemands } from '../issuer/merged-options.js';
import { isJsonObject, own } from '../lib/json.js';
import { finish, readBaseUrl, readPreset, readText, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface ZitadelOptions extends Omit<PresetOptions, 'audience'> {
  /** The address of the instance: `https://example-abc123.zitadel.cloud`, or your custom domain. */
  readonly url: string;
  /** The ID of the project that this API belongs to, a number. Its roles are accepted, and those of no other project. */
  readonly projectId: string;
  /** Default: the project's ID. A client asks for it with the scope `urn:zitadel:iam:org:project:id:<project ID>:aud`. */
  readonly audience?: string | readonly string[] | undefined;
  /** Counts only roles that were granted in this organization, by ID. Default: those of all organizations. */
  readonly organizationId?: string | undefined;
}

/**
 * Returns the options for access tokens of Zitadel. The application, or the service account, must have JWT as the type of its access tokens.
 *
 * - ID tokens name the project in `aud` as well. They are refused: they have `auth_time` or `amr`, and no `jti`.
 * - Roles are the keys of `urn:zitadel:iam:org:project:<project ID>:roles`. Set "Assert Roles on Authentication" in the project, or let clients ask for the
 *   scope `urn:zitadel:iam:org:projects:roles`, which clients of other projects need in any case.
 *
 * @see https://zitadel.com/docs/apis/openidoauth/claims
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(zitadel({ url: 'https://example-abc123.zitadel.cloud', projectId: '269152346434019332' }))
 */
export function zitadel<S extends ClaimsSchema | undefined = undefined>(options: ZitadelOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('zitadel', options, ['url', 'projectId', 'organizationId']);
  const issuer = readBaseUrl(reader, 'url');
  const projectId = readText(reader, 'projectId', /^\d{1,30}$/, 'the ID of a project, such as 269152346434019332');
  const organizationId = reader.text('organizationId', '');
  const merged = withKnown(reader, rest, {
    requiredClaims: ['sub', 'jti', 'client_id'],
    forbiddenClaims: ['auth_time', 'amr'],
    rolesClaim: rolesOf(`urn:zitadel:iam:org:project:${projectId}:roles`, organizationId),
  });
  return finish(reader, () => keepDemands({ ...merged, audience: rest.audience ?? projectId, issuer }) as PresetResult<S>);
}

/** Reads the names of roles from an object that says in which organizations each was granted. */
function rolesOf(claim: string, organizationId: string): NamesReader {
  return (claims) => {
    const roles = own(claims, claim);
    if (!isJsonObject(roles)) return [];
    if (organizationId === '') return Object.keys(roles);
    return Object.keys(roles).filter((role) => {
      const grantedIn = own(roles, role);
      return isJsonObject(grantedIn) && Object.hasOwn(grantedIn, organizationId);
    });
  };
}
