import type { ClaimsSchema } from '../access-token/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { finish, readPreset, readText, readTexts, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface CognitoOptions extends Omit<PresetOptions, 'audience' | 'allowedClients'> {
  /** `eu-central-1` */
  readonly region: string;
  /** `eu-central-1_AbCdEfGhI` */
  readonly userPoolId: string;
  /** The app clients whose tokens are accepted. */
  readonly clientIds: readonly string[];
  /** Demands `aud` too: Cognito writes it only where the client asked for a resource. */
  readonly audience?: string | readonly string[] | undefined;
}

/**
 * Options for access tokens of an Amazon Cognito user pool.
 *
 * - They have no `aud` as a rule, so the client that they were issued to (`client_id`) takes its place: list the clients that may call **this** API,
 *   since the tokens of those for others look the same. Custom scopes (`orders/read`) tell APIs apart better still.
 * - `token_use` must be `access`: ID tokens are signed for the same issuer.
 * - `cognito:groups` count as roles.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
 * @throws ConfigurationError
 *
 * @example createGuard(cognito({ region: 'eu-central-1', userPoolId: 'eu-central-1_AbCdEfGhI', clientIds: ['57cbishk4j24pabc1234567890'] }))
 */
export function cognito<S extends ClaimsSchema | undefined = undefined>(options: CognitoOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('cognito', options, ['region', 'userPoolId', 'clientIds']);
  const region = readText(reader, 'region', /^[a-z]{2,}(?:-[a-z]+)+-\d$/, 'a name as in eu-central-1');
  const pool = readText(reader, 'userPoolId', /^[\w-]+_[0-9A-Za-z]+$/, 'an ID as in eu-central-1_AbCdEfGhI');
  if (region && pool && !pool.startsWith(`${region}_`)) reader.wrong('userPoolId', `is not of the region ${region}`);
  const allowedClients = readTexts(reader, 'clientIds', /^[\w+]+$/, "a list of app clients' IDs");
  if (rest.allowedClients !== undefined) reader.wrong('allowedClients', 'is what clientIds says: leave it out');
  const merged = withKnown(reader, rest, { requiredValues: { token_use: 'access' }, rolesClaim: 'cognito:groups' });
  // one that names another API is not for this one
  const anyAudience = rest.audience === undefined && { unsafeAcceptTokensForAnyAudience: true, forbiddenClaims: ['aud', ...(rest.forbiddenClaims ?? [])] };
  const issuer = `https://cognito-idp.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/${pool}`;
  return finish(reader, () => keepDemands({ ...merged, ...anyAudience, issuer, allowedClients }) as PresetResult<S>);
}
