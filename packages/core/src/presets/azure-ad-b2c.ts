import type { ClaimsSchema } from '../auth/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { TENANT_ID, WANTED_TENANT } from './entra-id.js';
import { finish, readChoice, readDomain, readPreset, readText, readTexts, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface AzureAdB2cOptions extends PresetOptions {
  /** The name of the tenant: `contoso`, of `contoso.onmicrosoft.com` or `contoso.partner.onmschina.cn`. */
  readonly tenantName: string;
  /** The directory ID of the tenant, a GUID in lower case. */
  readonly tenantId: string;
  /** The user flows or custom policies whose tokens are accepted, as in `tfp`: `B2C_1_signin`. The keys are those of the first. */
  readonly policies: readonly string[];
  /** Your custom domain, such as `login.example.com`. Default: `<tenantName>.b2clogin.com`. */
  readonly domain?: string | undefined;
  /** The national cloud of the tenant. `china`: operated by 21Vianet (`b2clogin.cn`). Default: `public`. */
  readonly cloud?: 'public' | 'china' | undefined;
}

/**
 * Returns the options for access tokens of Azure AD B2C.
 *
 * - All policies of a tenant have one issuer, so `tfp` says which issued the token: a token of a policy without a second factor, say, is refused unless it is
 *   listed. Policies that write `acr` instead of `tfp`, and issuers with `/tfp/` in them, need a change of the policy's compatibility settings.
 * - `aud` is the API's client ID, and the client is in `azp`. ID tokens have no `azp`, and are refused.
 * - Scopes are in `scp`. Require one on every route.
 *
 * @see https://learn.microsoft.com/azure/active-directory-b2c/tokens-overview
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(azureAdB2c({
 *   tenantName: 'contoso', tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47', policies: ['B2C_1_signin'], audience: '6e74172b-be56-4843-9ff4-e66a39bb12e3',
 * }))
 */
export function azureAdB2c<S extends ClaimsSchema | undefined = undefined>(options: AzureAdB2cOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('azureAdB2c', options, ['tenantName', 'tenantId', 'policies', 'domain', 'cloud']);
  const name = readText(reader, 'tenantName', /^[a-z0-9]+$/, 'the name of the tenant, such as contoso (without .onmicrosoft.com)');
  const tenant = readText(reader, 'tenantId', TENANT_ID, WANTED_TENANT);
  const policies = readTexts(reader, 'policies', /^B2C_1A?_\w+$/i, 'a list of policies such as B2C_1_signin');
  const { login, directory } = CLOUDS[readChoice(reader, 'cloud', ['public', 'china'], 'public')];
  const server = `https://${reader.get('domain') === undefined ? `${name}.${login}` : readDomain(reader, 'login.example.com')}`;
  const merged = withKnown(reader, rest, {
    requiredClaims: ['azp'],
    requiredValues: { tfp: policies },
    jwksUri: `${server}/${name}.${directory}/${policies[0] ?? ''}/discovery/v2.0/keys`,
  });
  return finish(reader, () => keepDemands({ ...merged, issuer: `${server}/${tenant}/v2.0/` }) as PresetResult<S>);
}

/** https://docs.azure.cn/en-us/active-directory-b2c/b2clogin */
const CLOUDS = {
  public: { login: 'b2clogin.com', directory: 'onmicrosoft.com' },
  china: { login: 'b2clogin.cn', directory: 'partner.onmschina.cn' },
} as const;
