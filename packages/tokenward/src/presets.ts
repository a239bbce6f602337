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
  /** Options that the issuer does not determine, for messages. */
  readonly alsoNeeds?: readonly string[];
}

/** Names and addresses as the providers document them. A pattern that would fit several providers is not here. */
const PROVIDERS: readonly Provider[] = [
  { preset: 'auth0', example: 'https://example.eu.auth0.com/', pattern: /^https:\/\/(?<domain>[a-z\d.-]+\.auth0\.com)\/?$/ },
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
  { preset: 'google', example: 'https://accounts.google.com', pattern: /^https:\/\/accounts\.google\.com\/?$/, alsoNeeds: ['serviceAccounts'] },
  { preset: 'keycloak', example: 'https://sso.example.com/realms/shop', pattern: /^(?<url>https?:\/\/[^?#]+?)\/realms\/(?<realm>[^/?#]+)\/?$/ },
  {
    preset: 'okta',
    example: 'https://example.okta.com/oauth2/default',
    pattern: /^https:\/\/(?<domain>[a-z\d.-]+\.(?:okta|oktapreview|okta-emea)\.com)\/oauth2\/(?<authorizationServerId>\w+)\/?$/,
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
  for (const { preset, pattern, alsoNeeds = [] } of PROVIDERS) {
    const match = PRESETS.has(preset) && issuer.length < 1024 ? pattern.exec(issuer) : null;
    if (match) return { name: preset, options: Object.fromEntries(Object.entries(match.groups ?? {}).filter(([, value]) => value !== undefined)), alsoNeeds };
  }
  return undefined;
}

/** Returns an issuer that a preset reads its options from, for messages. */
export function exampleIssuer(preset: string): string | undefined {
  return PROVIDERS.find((provider) => provider.preset === preset)?.example;
}
