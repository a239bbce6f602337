import type { ClaimsSchema } from '../auth/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { shown } from '../lib/shown-option.js';
import { finish, readDomain, readPreset, readText, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface OktaOptions extends PresetOptions {
  /** The organization's domain: `example.okta.com`, or your custom domain. */
  readonly domain: string;
  /** The ID of the custom authorization server that issues the tokens. Default: `default`, which every organization has. */
  readonly authorizationServerId?: string | undefined;
}

/**
 * Returns the options for access tokens of a custom authorization server of Okta.
 *
 * - The client is in `cid`, and the scopes are a list in `scp`. `aud` is set in the authorization server's configuration.
 * - `groups` are read as roles, if you add a claim of that name to access tokens.
 * - ID tokens have no `cid`, so they are refused even if their audience is that of an API.
 * - Tokens of the organization's own server (its issuer has no `/oauth2/...`) are refused: they are only for Okta's API.
 *
 * @see https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/#access-token
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(okta({ domain: 'example.okta.com', audience: 'api://default' }))
 */
export function okta<S extends ClaimsSchema | undefined = undefined>(options: OktaOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('okta', options, ['domain', 'authorizationServerId']);
  const domain = readDomain(reader, 'example.okta.com');
  if (/^[^.]*-admin\.okta/.test(domain))
    reader.wrong('domain', `must not be the domain of the admin console (got ${shown(domain, 'host')}). Use the one without -admin, which tokens have`);
  const server = readText(reader, 'authorizationServerId', /^[A-Za-z0-9]+$/, 'an ID such as aus9o8wvkhockw9TL0h7', 'default');
  const merged = withKnown(reader, rest, { requiredClaims: ['cid'], clientIdClaim: 'cid', rolesClaim: 'groups' });
  return finish(reader, () => keepDemands({ ...merged, issuer: `https://${domain}/oauth2/${server}` }) as PresetResult<S>);
}
