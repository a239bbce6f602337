import type { ClaimsSchema } from '../auth/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { shown } from '../lib/shown-option.js';
import { finish, readBaseUrl, readPreset, readText, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface AuthentikOptions extends PresetOptions {
  /** The address of the server: `https://auth.example.com`. */
  readonly url: string;
  /** The slug of the application. */
  readonly application: string;
  /** The issuer mode of the provider. `global`: all providers of the server have the same issuer. Default: `per_provider`. */
  readonly issuerMode?: 'per_provider' | 'global' | undefined;
}

/**
 * Returns the options for access tokens of authentik.
 *
 * - `audience` is the client ID of the provider: authentik writes no other `aud`. So the API and the client that calls it share a provider.
 * - ID tokens have the same issuer, `aud` and claims. They are refused: only access tokens have `uid`.
 * - `groups` and `entitlements` are read as roles, if the provider's scopes include them and "Include claims in id_token" is on.
 * - The provider needs a signing key. Without one, it signs with the client secret: set `sharedSecrets`.
 *
 * @see https://docs.goauthentik.io/add-secure-apps/providers/oauth2/
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(authentik({ url: 'https://auth.example.com', application: 'orders', audience: 'wFOcvKzBZLYcmqVmbQoZ' }))
 */
export function authentik<S extends ClaimsSchema | undefined = undefined>(options: AuthentikOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('authentik', options, ['url', 'application', 'issuerMode']);
  const url = readBaseUrl(reader, 'url');
  if (url.includes('/application/o')) reader.wrong('url', 'must not contain the application. Set it to the part before /application/o/');
  const application = `${url}/application/o/${readText(reader, 'application', /^[a-zA-Z0-9_-]+$/, 'the slug of the application')}/`;
  const mode = reader.get('issuerMode') ?? 'per_provider';
  if (mode !== 'per_provider' && mode !== 'global') reader.wrong('issuerMode', `must be "per_provider" or "global" (got ${shown(mode, 'name')})`);
  const merged = withKnown(reader, rest, {
    requiredClaims: ['azp', 'uid'],
    rolesClaim: [['groups'], ['entitlements']],
    jwksUri: `${application}jwks/`,
  });
  return finish(reader, () => keepDemands({ ...merged, issuer: mode === 'global' ? `${url}/` : application }) as PresetResult<S>);
}
