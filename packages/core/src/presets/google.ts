import type { ClaimsSchema } from '../access-token/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { finish, readPreset, readTexts, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface GoogleOptions extends PresetOptions {
  /** The service accounts that may call, by their unique IDs: 21 digits, what `gcloud iam service-accounts describe` shows as `uniqueId`. */
  readonly serviceAccounts: readonly string[];
}

/**
 * Options for what Google Cloud's workloads call APIs with: ID tokens, signed by Google, of service accounts. (Google's access tokens are opaque, and
 * for Google's own APIs.)
 *
 * - `aud` is what the caller asks for, so it keeps other services' tokens out, but whoever has a service account anywhere at Google can ask for
 *   yours. Who may call is therefore said by `serviceAccounts`, and held against `sub`.
 * - `email` is not looked at: an account that is deleted can be made anew under the same address by whoever then holds the project, with
 *   another unique ID; and a token need not have it. (A user or client is never known by an address here.)
 * - ID tokens of people who log in, at a client of yours, have a `sub` that is not listed, and mostly `at_hash` or `nonce`.
 * - There are no scopes or roles in these tokens: demand `policy(...)` or a `claim(...)` where the accounts' rights differ.
 *
 * @see https://cloud.google.com/docs/authentication/token-types#id
 * @see https://cloud.google.com/compute/docs/instances/verifying-instance-identity#payload
 * @throws ConfigurationError
 *
 * @example createGuard(google({ audience: 'https://api.example.com', serviceAccounts: ['104029292853099978293'] }))
 */
export function google<S extends ClaimsSchema | undefined = undefined>(options: GoogleOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('google', options, ['serviceAccounts']);
  const serviceAccounts = readTexts(reader, 'serviceAccounts', /^\d{15,25}$/, "a list of service accounts' unique IDs (digits, not an e-mail address)");
  const merged = withKnown(reader, rest, { requiredValues: { sub: serviceAccounts } });
  return finish(reader, () => keepDemands({ ...merged, issuer: 'https://accounts.google.com' }) as PresetResult<S>);
}
