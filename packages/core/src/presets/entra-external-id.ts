import type { ClaimsSchema } from '../auth/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { TENANT_ID, WANTED_TENANT } from './entra-id.js';
import { finish, readPreset, readText, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface EntraExternalIdOptions extends PresetOptions {
  /** The ID of the external tenant, a GUID in lower case. */
  readonly tenantId: string;
}

/**
 * Returns the options for access tokens of Microsoft Entra External ID: of the customers in an external tenant.
 *
 * - The issuer has the tenant's ID in its host name and in its path. `aud` is the API's client ID, and the format is always v2.0.
 * - Scopes are in `scp`, and app roles in `roles`. Require one of them on every route.
 * - Tokens of employees (`login.microsoftonline.com`), of Azure AD B2C (`b2clogin.com`) and ID tokens, which have no `azp`, are refused.
 *
 * @see https://learn.microsoft.com/entra/external-id/customers/concept-supported-features-customers
 * @see https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(entraExternalId({ tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47', audience: '6e74172b-be56-4843-9ff4-e66a39bb12e3' }))
 */
export function entraExternalId<S extends ClaimsSchema | undefined = undefined>(options: EntraExternalIdOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('entraExternalId', options, ['tenantId']);
  const tenant = readText(reader, 'tenantId', TENANT_ID, WANTED_TENANT);
  const server = `https://${tenant}.ciamlogin.com/${tenant}`;
  const merged = withKnown(reader, rest, {
    requiredClaims: ['azp'],
    requiredValues: { tid: tenant, ver: '2.0' },
    jwksUri: `${server}/discovery/v2.0/keys`,
  });
  return finish(reader, () => keepDemands({ ...merged, issuer: `${server}/v2.0` }) as PresetResult<S>);
}
