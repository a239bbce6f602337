import type { ClaimsSchema } from '../auth/claims-schema.js';
import type { IssuerOptions } from '../issuer/issuer-options.js';
import { keepDemands } from '../issuer/merged-options.js';
import { type OptionReader } from '../lib/option-reader.js';
import { shown } from '../lib/shown-option.js';
import type { GuardOptions } from '../options.js';
import { finish, onlyOf, readChoice, readPreset, readText, readTexts, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface EntraIdOptions extends PresetOptions {
  /** The directory (tenant) ID whose tokens are accepted. */
  readonly tenantId?: string | undefined;
  /** Several directory (tenant) IDs, instead of `tenantId`. */
  readonly tenantIds?: readonly string[] | undefined;
  /** The token format that the API's registration sets (`requestedAccessTokenVersion`). Default: both are accepted, each by its own rules. */
  readonly tokenVersion?: 1 | 2 | undefined;
  /** The national cloud of the tenants. `usGovernment`: login.microsoftonline.us; `china`: operated by 21Vianet. Default: `public`. */
  readonly cloud?: 'public' | 'usGovernment' | 'china' | undefined;
}

/**
 * Returns the options for access tokens of Microsoft Entra ID. Its two formats have an issuer and keys of their own, and a token of one is never accepted as
 * the other:
 *
 * - v2.0: `https://login.microsoftonline.com/<tenant>/v2.0`, the client in `azp`. `aud` is always the API's client ID.
 * - v1.0: `https://sts.windows.net/<tenant>/`, the client in `appid`. `aud` is the client ID or the App ID URI, whichever the client asked for: list both.
 *
 * A token for a user has scopes in `scp` and the user's `roles`; a token without a user has only the application's `roles`. **Require a scope or a role on
 * every route**: any application of the tenant gets a token with neither. `sub` differs from API to API; `oid` with `tid` is the same in all. ID tokens have
 * no `azp` or `appid`, so they are refused even if one registration is both client and API.
 *
 * To combine it with other providers, use the list `issuers` of the result: `issuers: [...entraId({ ... }).issuers, auth0({ ... })]`.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 * @see https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(entraId({ tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47', audience: '6e74172b-be56-4843-9ff4-e66a39bb12e3' }))
 */
export function entraId<S extends ClaimsSchema | undefined = undefined>(
  options: EntraIdOptions & { readonly claims?: S },
): PresetResult<S> & { readonly issuers: readonly IssuerOptions[] } {
  const { reader, rest } = readPreset('entraId', options, ['tenantId', 'tenantIds', 'tokenVersion', 'cloud']);
  const { login, sts } = CLOUDS[readChoice(reader, 'cloud', ['public', 'usGovernment', 'china'], 'public')];
  const { tenant, ...several } = readTenant(reader);
  const version = reader.get('tokenVersion');
  if (version !== undefined && version !== 1 && version !== 2) reader.wrong('tokenVersion', `must be 1 or 2 (got ${shown(version, 'number')})`);
  if (rest.audience === undefined && rest.unsafeAcceptTokensForAnyAudience !== true) {
    reader.wrong('audience', "is missing: set it to the API's client ID and, for v1.0, its App ID URI too");
  }
  const tid = several.tenants ? undefined : { tid: tenant };
  const v2: GuardOptions = {
    ...withKnown(reader, rest, {
      requiredClaims: ['azp'],
      requiredValues: { ...tid, ver: '2.0' },
      jwksUri: `https://${login}/${tenant}/discovery/v2.0/keys`,
    }),
    ...several,
    issuer: `https://${login}/${tenant}/v2.0`,
  };
  const v1: GuardOptions = {
    ...withKnown(reader, rest, {
      requiredClaims: ['appid'],
      requiredValues: { ...tid, ver: '1.0' },
      clientIdClaim: 'appid',
      jwksUri: `https://${login}/${tenant}/discovery/keys`,
    }),
    ...several,
    issuer: `https://${sts}/${tenant}/`,
  };
  const issuers = [...(version === 1 ? [] : [v2]), ...(version === 2 ? [] : [v1])].map((one) => keepDemands(onlyOf(one, true)));
  return finish(reader, () => ({ ...onlyOf(rest, false), issuers }) as object as PresetResult<S> & { readonly issuers: readonly IssuerOptions[] });
}

/** https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud */
const CLOUDS = {
  public: { login: 'login.microsoftonline.com', sts: 'sts.windows.net' },
  usGovernment: { login: 'login.microsoftonline.us', sts: 'sts.windows.net' },
  china: { login: 'login.partner.microsoftonline.cn', sts: 'sts.chinacloudapi.cn' },
} as const;

export const TENANT_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
export const WANTED_TENANT = "the directory's ID as in tokens (a GUID in lower case, not a domain and not `common`)";
const WANTED_LIST = "a list of directories' IDs as in tokens (GUIDs in lower case, not domains and not `common`)";

function readTenant(reader: OptionReader): { readonly tenant: string; readonly tenants?: readonly string[] } {
  if (reader.get('tenantIds') === undefined) return { tenant: readText(reader, 'tenantId', TENANT_ID, WANTED_TENANT) };
  if (reader.get('tenantId') !== undefined) reader.wrong('tenantIds', 'cannot be combined with tenantId. Set only one of them');
  return { tenant: '{tenant}', tenants: readTexts(reader, 'tenantIds', TENANT_ID, WANTED_LIST) };
}
