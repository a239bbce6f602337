import type { ClaimsSchema } from '../auth/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { finish, readChoice, readDomain, readPreset, readText, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface PingOneOptions extends PresetOptions {
  /** The ID of the environment, a GUID in lower case. */
  readonly environmentId: string;
  /** The region, by the end of its host name: `auth.pingone.eu`. Default: `com` (North America). */
  readonly region?: 'com' | 'ca' | 'eu' | 'asia' | 'com.au' | 'sg' | undefined;
  /** Your custom domain, instead of `region`: `auth.example.com`. */
  readonly domain?: string | undefined;
}

/**
 * Returns the options for access tokens of PingOne for a custom resource.
 *
 * - `aud` is what the resource sets as its audience.
 * - Tokens for the PingOne API (`aud` is `https://api.pingone.com`) are refused. So are ID tokens, which have no `client_id`, and those of other environments.
 * - `roles` are read from a claim of that name, if the resource maps an attribute to it. PingOne's own roles are not in tokens.
 *
 * @see https://developer.pingidentity.com/pingone-api/foundations/authentication-concepts/access-tokens-and-id-tokens/token-claims.html
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(pingOne({ environmentId: 'abfba8f6-49eb-49f5-a5d9-80ad5c98f9f6', region: 'eu', audience: 'https://api.example.com' }))
 */
export function pingOne<S extends ClaimsSchema | undefined = undefined>(options: PingOneOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('pingOne', options, ['environmentId', 'region', 'domain']);
  const environment = readText(reader, 'environmentId', /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'the ID of the environment (a GUID in lower case)');
  const region = readChoice(reader, 'region', REGIONS, 'com');
  const hasDomain = reader.get('domain') !== undefined;
  if (hasDomain && reader.get('region') !== undefined) reader.wrong('region', 'cannot be combined with domain. Set only one of them');
  const issuer = hasDomain ? `https://${readDomain(reader, 'auth.example.com')}/as` : `https://auth.pingone.${region}/${environment}/as`;
  const merged = withKnown(reader, rest, { requiredClaims: ['client_id'], requiredValues: { env: environment } });
  return finish(reader, () => keepDemands({ ...merged, issuer }) as PresetResult<S>);
}

const REGIONS = ['com', 'ca', 'eu', 'asia', 'com.au', 'sg'] as const;
