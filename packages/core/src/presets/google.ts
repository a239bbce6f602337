import type { ClaimsSchema } from '../auth/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { finish, readPreset, readTexts, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface GoogleOptions extends PresetOptions {
  /** The unique IDs of the service accounts that may call: 21 digits, shown as `uniqueId` by `gcloud iam service-accounts describe`. */
  readonly serviceAccounts: readonly string[];
}

/**
 * Returns the options for the tokens with which workloads on Google Cloud call APIs: ID tokens of service accounts, signed by Google. (Google's access tokens
 * are opaque, and only for Google's own APIs.)
 *
 * - The caller chooses `aud`. It keeps tokens for other services out, but anybody with a service account anywhere at Google can ask for yours. So
 *   `serviceAccounts` lists who may call, and is compared with `sub`.
 * - `email` is not read. A token need not have it, and the owner of a project can delete an account and create another with the same address.
 * - ID tokens of people who log in to a client of yours are refused: their `sub` is not listed, and most have `at_hash` or `nonce`.
 * - These tokens have no scopes or roles. If the accounts' rights differ, require `policy(...)` or `claim(...)`.
 *
 * @see https://cloud.google.com/docs/authentication/token-types#id
 * @see https://cloud.google.com/compute/docs/instances/verifying-instance-identity#payload
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(google({ audience: 'https://api.example.com', serviceAccounts: ['104029292853099978293'] }))
 */
export function google<S extends ClaimsSchema | undefined = undefined>(options: GoogleOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('google', options, ['serviceAccounts']);
  const serviceAccounts = readTexts(reader, 'serviceAccounts', /^\d{15,25}$/, "a list of service accounts' unique IDs (digits, not an e-mail address)");
  const merged = withKnown(reader, rest, { requiredValues: { sub: serviceAccounts } });
  return finish(reader, () => keepDemands({ ...merged, issuer: 'https://accounts.google.com' }) as PresetResult<S>);
}
