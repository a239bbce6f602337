import type { ClaimsSchema } from '../access-token/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { shown } from '../lib/shown-option.js';
import { finish, readDomain, readPreset, readText, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface OktaOptions extends PresetOptions {
  /** The organization's domain, or its custom one: `example.okta.com`. */
  readonly domain: string;
  /** The custom authorization server that issues the tokens. Default: `default`, the one that an organization has from the start. */
  readonly authorizationServerId?: string | undefined;
}

/**
 * Options for access tokens of Okta's custom authorization servers.
 *
 * - The client is in `cid`, the scopes are a list in `scp`; `aud` is what the authorization server is configured with.
 * - `groups` count as roles, where a claim of that name was added to access tokens.
 * - ID tokens have no `cid`, and are refused also where their audience is taken for an API's.
 * - The organization's own server (whose issuer has no `/oauth2/...`) issues tokens for Okta's API alone, which others are not to read: they are refused.
 *
 * @see https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/#access-token
 * @throws ConfigurationError
 *
 * @example createGuard(okta({ domain: 'example.okta.com', audience: 'api://default' }))
 */
export function okta<S extends ClaimsSchema | undefined = undefined>(options: OktaOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('okta', options, ['domain', 'authorizationServerId']);
  const domain = readDomain(reader, 'example.okta.com');
  if (/^[^.]*-admin\.okta/.test(domain)) reader.wrong('domain', `is ${shown(domain, 'host')}, the console's: tokens name the one without -admin`);
  const server = readText(reader, 'authorizationServerId', /^[A-Za-z0-9]+$/, 'an ID as in aus9o8wvkhockw9TL0h7', 'default');
  const merged = withKnown(reader, rest, { requiredClaims: ['cid'], clientIdClaim: 'cid', rolesClaim: 'groups' });
  return finish(reader, () => keepDemands({ ...merged, issuer: `https://${domain}/oauth2/${server}` }) as PresetResult<S>);
}
