import type { ClaimsSchema } from '../auth/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { anyAudience, finish, readPreset, readText, readTexts, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface CognitoOptions extends Omit<PresetOptions, 'audience' | 'allowedClients'> {
  /** The AWS region: `eu-central-1`. */
  readonly region: string;
  /** The ID of the user pool: `eu-central-1_AbCdEfGhI`. */
  readonly userPoolId: string;
  /** The app clients whose tokens are accepted. */
  readonly clientIds: readonly string[];
  /** Requires `aud` too. Cognito writes it only if the client asked for a resource. */
  readonly audience?: string | readonly string[] | undefined;
}

/**
 * Returns the options for access tokens of an Amazon Cognito user pool.
 *
 * - The tokens mostly have no `aud`, so the client (`client_id`) takes its place. List only clients that may call **this** API: the tokens of clients for
 *   other APIs look the same. Custom scopes (`orders/read`) separate APIs even better.
 * - `token_use` must be `access`, because the same issuer signs ID tokens.
 * - `cognito:groups` are read as roles.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(cognito({ region: 'eu-central-1', userPoolId: 'eu-central-1_AbCdEfGhI', clientIds: ['57cbishk4j24pabc1234567890'] }))
 */
export function cognito<S extends ClaimsSchema | undefined = undefined>(options: CognitoOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('cognito', options, ['region', 'userPoolId', 'clientIds']);
  const region = readText(reader, 'region', /^[a-z]{2,}(?:-[a-z]+)+-\d$/, 'a name such as eu-central-1');
  const pool = readText(reader, 'userPoolId', /^[\w-]+_[0-9A-Za-z]+$/, 'an ID such as eu-central-1_AbCdEfGhI');
  if (region && pool && !pool.startsWith(`${region}_`)) reader.wrong('userPoolId', `is not in the region ${region}`);
  const allowedClients = readTexts(reader, 'clientIds', /^[\w+]+$/, 'a list of app client IDs');
  if (rest.allowedClients !== undefined) reader.wrong('allowedClients', 'is already set by clientIds. Remove it');
  const merged = withKnown(reader, rest, { requiredValues: { token_use: 'access' }, rolesClaim: 'cognito:groups' });
  // without an expected audience, a token with `aud` is meant for another API
  const ofAny = rest.audience === undefined && anyAudience(rest);
  const issuer = `https://cognito-idp.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/${pool}`;
  return finish(reader, () => keepDemands({ ...merged, ...ofAny, issuer, allowedClients }) as PresetResult<S>);
}
