import * as presets from '@tokenward/core/presets';
import type { GuardOptions } from '@tokenward/core';

type Preset = (options: Record<string, unknown>) => GuardOptions;

/** The presets of core, by name. */
export const PRESETS: ReadonlyMap<string, Preset> = new Map(
  Object.entries(presets).flatMap(([name, value]) => (typeof value === 'function' ? [[name, value as unknown as Preset]] : [])),
);

/** How an issuer shows its provider, and the options of the preset that it determines. */
interface Provider {
  readonly preset: string;
  /** An issuer of the provider, for messages. */
  readonly example: string;
  /** Matches the issuer; its groups are options of the preset. */
  readonly pattern: RegExp;
  /** Options that the pattern stands for. */
  readonly sets?: Readonly<Record<string, string>>;
  /** Options that the issuer does not determine, for messages. */
  readonly alsoNeeds?: readonly string[];
}

const GUID = String.raw`[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}`;

/** Names and addresses as the providers document them. A pattern that would fit several providers is not here. */
const PROVIDERS: readonly Provider[] = [
  { preset: 'auth0', example: 'https://example.eu.auth0.com/', pattern: /^https:\/\/(?<domain>[a-z\d.-]+\.auth0\.com)\/?$/ },
  {
    preset: 'authentik',
    example: 'https://auth.example.com/application/o/orders/',
    pattern: /^(?<url>https?:\/\/[^?#]+?)\/application\/o\/(?<application>[\w-]+)\/$/,
  },
  {
    preset: 'azureAdB2c',
    example: 'https://contoso.b2clogin.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0/',
    pattern: new RegExp(String.raw`^https://(?<tenantName>[a-z\d]+)\.b2clogin\.com/(?<tenantId>${GUID})/v2\.0/$`),
    alsoNeeds: ['policies'],
  },
  {
    preset: 'azureAdB2c',
    example: 'https://contoso.b2clogin.cn/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0/',
    pattern: new RegExp(String.raw`^https://(?<tenantName>[a-z\d]+)\.b2clogin\.cn/(?<tenantId>${GUID})/v2\.0/$`),
    sets: { cloud: 'china' },
    alsoNeeds: ['policies'],
  },
  {
    preset: 'clerk',
    example: 'https://example.clerk.accounts.dev',
    pattern: /^https:\/\/(?<domain>[a-z\d-]+\.clerk\.accounts\.dev|clerk\.[a-z\d.-]+)$/,
    alsoNeeds: ['authorizedParties'],
  },
  {
    preset: 'cognito',
    example: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI',
    pattern: /^https:\/\/cognito-idp\.(?<region>[a-z\d-]+)\.amazonaws\.com(?:\.cn)?\/(?<userPoolId>[\w-]+)$/,
    alsoNeeds: ['clientIds'],
  },
  {
    preset: 'entraId',
    example: 'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
    pattern: /^https:\/\/(?:login\.microsoftonline\.com|sts\.windows\.net)\/(?<tenantId>[\da-f-]{36})(?:\/|\/v2\.0)?$/,
  },
  {
    preset: 'entraId',
    example: 'https://login.microsoftonline.us/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
    pattern: new RegExp(String.raw`^https://login\.microsoftonline\.us/(?<tenantId>${GUID})/v2\.0$`),
    sets: { cloud: 'usGovernment' },
  },
  {
    preset: 'entraId',
    example: 'https://login.partner.microsoftonline.cn/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
    pattern: new RegExp(String.raw`^https://(?:login\.partner\.microsoftonline\.cn|sts\.chinacloudapi\.cn)/(?<tenantId>${GUID})(?:/|/v2\.0)$`),
    sets: { cloud: 'china' },
  },
  {
    preset: 'entraExternalId',
    example: 'https://72f988bf-86f1-41af-91ab-2d7cd011db47.ciamlogin.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
    pattern: new RegExp(String.raw`^https://(?<tenantId>${GUID})\.ciamlogin\.com/\k<tenantId>/v2\.0$`),
  },
  {
    preset: 'firebase',
    example: 'https://securetoken.google.com/shop-1a2b3',
    pattern: /^https:\/\/securetoken\.google\.com\/(?<projectId>[a-z\d-]+)$/,
  },
  {
    preset: 'githubActions',
    example: 'https://token.actions.githubusercontent.com',
    pattern: /^https:\/\/token\.actions\.githubusercontent\.com(?:\/(?<enterprise>[\w-]+))?$/,
    alsoNeeds: ['repositories'],
  },
  { preset: 'gitlabCi', example: 'https://gitlab.com', pattern: /^https:\/\/gitlab\.com$/, alsoNeeds: ['projects'] },
  { preset: 'google', example: 'https://accounts.google.com', pattern: /^https:\/\/accounts\.google\.com\/?$/, alsoNeeds: ['serviceAccounts'] },
  { preset: 'keycloak', example: 'https://sso.example.com/realms/shop', pattern: /^(?<url>https?:\/\/[^?#]+?)\/realms\/(?<realm>[^/?#]+)\/?$/ },
  {
    preset: 'kubernetes',
    example: 'https://kubernetes.default.svc.cluster.local',
    pattern:
      /^(?<clusterIssuer>https:\/\/(?:kubernetes\.default\.svc(?:\.[a-z\d.-]+)?|oidc\.eks\.[a-z\d-]+\.amazonaws\.com\/id\/\w+|container\.googleapis\.com\/v1\/[\w/-]+))$/,
    alsoNeeds: ['serviceAccounts'],
  },
  {
    preset: 'okta',
    example: 'https://example.okta.com/oauth2/default',
    pattern: /^https:\/\/(?<domain>[a-z\d.-]+\.(?:okta|oktapreview|okta-emea)\.com)\/oauth2\/(?<authorizationServerId>\w+)\/?$/,
  },
  {
    preset: 'pingOne',
    example: 'https://auth.pingone.eu/abfba8f6-49eb-49f5-a5d9-80ad5c98f9f6/as',
    pattern: new RegExp(String.raw`^https://auth\.pingone\.(?<region>com|ca|eu|asia|com\.au|sg)/(?<environmentId>${GUID})/as$`),
  },
  {
    preset: 'spiffe',
    example: 'spiffe://example.org',
    pattern: /^spiffe:\/\/(?<trustDomain>[a-z\d._-]+)$/,
    alsoNeeds: ['jwksUri'],
  },
  {
    preset: 'supabase',
    example: 'https://abcdefghijklmnopqrst.supabase.co/auth/v1',
    pattern: /^https:\/\/(?<projectRef>[a-z\d]{20})\.supabase\.co\/auth\/v1$/,
  },
  {
    preset: 'workos',
    example: 'https://api.workos.com/user_management/client_01HXYZ123456789ABCDEFGHIJ',
    pattern: /^https:\/\/api\.workos\.com\/user_management\/(?<clientId>client_\w+)$/,
  },
  {
    preset: 'zitadel',
    example: 'https://example-abc123.zitadel.cloud',
    pattern: /^(?<url>https:\/\/[a-z\d.-]+\.zitadel\.cloud)$/,
    alsoNeeds: ['projectId'],
  },
];

/** The preset that fits an issuer, with the options that the issuer determines. */
export interface FittingPreset {
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
  /** Options that must be added. */
  readonly alsoNeeds: readonly string[];
}

export function presetFor(issuer: string): FittingPreset | undefined {
  for (const { preset, pattern, sets, alsoNeeds = [] } of PROVIDERS) {
    const match = PRESETS.has(preset) && issuer.length < 1024 ? pattern.exec(issuer) : null;
    if (!match) continue;
    const options = Object.fromEntries(Object.entries(match.groups ?? {}).filter(([, value]) => value !== undefined));
    return { name: preset, options: { ...options, ...sets }, alsoNeeds };
  }
  return undefined;
}

/** Returns the options of a preset that it can read from an issuer. */
export function optionsOfIssuer(preset: string): readonly string[] {
  const providers = PROVIDERS.filter((provider) => provider.preset === preset);
  return providers.flatMap(({ pattern, sets = {} }) => [Array.from(pattern.source.matchAll(/\(\?<(\w+)>/g), ([, name]) => name!), Object.keys(sets)].flat());
}

/** Returns an issuer that a preset reads its options from, for messages. */
export function exampleIssuer(preset: string): string | undefined {
  return PROVIDERS.find((provider) => provider.preset === preset)?.example;
}
