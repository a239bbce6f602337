import type { ClaimsSchema } from '../auth/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import { trustDomainOf } from '../issuer/svid.js';
import { shown } from '../lib/shown-option.js';
import { finish, readPreset, readText, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface SpiffeOptions extends Omit<PresetOptions, 'profile'> {
  /** The trust domain, without `spiffe://`: `example.org`. */
  readonly trustDomain: string;
  /** The SPIFFE IDs of the workloads that may call: `spiffe://example.org/ns/shop/sa/web`. Default: all of the trust domain. */
  readonly workloads?: readonly string[] | undefined;
  /** The address of the trust bundle: the bundle endpoint of the trust domain, with the profile `https_web`. */
  readonly jwksUri?: string | undefined;
  /** The file with the trust bundle in the SPIFFE format, instead of `jwksUri`. The guard reads it again when it changes. */
  readonly jwksFile?: string | undefined;
}

/**
 * Returns the options for JWT-SVIDs of a SPIFFE trust domain, such as SPIRE issues.
 *
 * - `sub` is the SPIFFE ID of the workload, and its trust domain is the issuer (`auth.issuer`). `iss` is ignored, unless it names another issuer in a list.
 * - `aud` must name this API. A workload asks for a token for one API, so an API that gets one cannot use it at APIs with another audience.
 * - The keys are those of the trust bundle with the use `jwt-svid`.
 * - These tokens have no scopes or roles: use `workloads`, `claim(...)` or `policy(...)`.
 *
 * @see https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md
 * @see https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE_Trust_Domain_and_Bundle.md
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(spiffe({ trustDomain: 'example.org', audience: 'orders', jwksFile: '/run/spiffe/bundle.json' }))
 */
export function spiffe<S extends ClaimsSchema | undefined = undefined>(options: SpiffeOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('spiffe', options, ['trustDomain', 'workloads']);
  const issuer = `spiffe://${readText(reader, 'trustDomain', /^[a-z0-9._-]{1,255}$/, 'the name of a trust domain, such as example.org (without spiffe://)')}`;
  if (rest.profile !== undefined) reader.wrong('profile', 'is set by spiffe() itself. Remove it');
  const workloads = reader.texts('workloads');
  for (const one of workloads ?? []) {
    if (trustDomainOf(one) !== issuer) reader.wrong('workloads', `must be a list of SPIFFE IDs of the trust domain (got a list with ${shown(one, 'url')})`);
  }
  const merged = withKnown(reader, rest, { requiredValues: workloads && { sub: workloads } });
  return finish(reader, () => keepDemands({ ...merged, profile: 'jwt-svid' as const, issuer }) as PresetResult<S>);
}
