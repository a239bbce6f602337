import { isSameAlgorithm, MAC_ALGORITHMS, publicKeyAlgorithms } from '../jose/algorithms.js';
import { examineClaims, isAccessTokenType } from './claims.js';
import { isFault, type ClaimFault } from './claim-fault.js';
import { RFC9068_CLAIMS, type ClaimRules } from '../issuer/claim-rules.js';
import type { VerifiedJwt } from './token-cache.js';
import { rawClaims, type Auth } from '../auth/auth.js';
import { isObserved, publish } from '../events/events.js';
import { MAX_CLOCK_SKEW_SECONDS } from '../issuer/read-claim-rules.js';
import type { IssuerOptions } from '../issuer/issuer-options.js';
import type { OptionReader } from '../lib/option-reader.js';
import { shown } from '../lib/shown-option.js';
import { printable } from '../lib/url.js';

/** Options that may be tried out before they count. */
export type ShadowOptions = Pick<
  IssuerOptions,
  'audience' | 'algorithms' | 'profile' | 'requiredClaims' | 'maxTokenAgeSeconds' | 'maxTokenLifetimeSeconds' | 'allowedClients' | 'clockSkewSeconds'
>;

export interface Shadow {
  readonly rules: Partial<ClaimRules>;
  readonly algorithms: ReadonlySet<string> | undefined;
}

const NAMES = [
  'audience',
  'algorithms',
  'profile',
  'requiredClaims',
  'maxTokenAgeSeconds',
  'maxTokenLifetimeSeconds',
  'allowedClients',
  'clockSkewSeconds',
] as const satisfies readonly (keyof ShadowOptions)[];

export function readShadow(reader: OptionReader): Shadow | undefined {
  if (reader.get('shadow') === undefined) return undefined;
  const inner = reader.inner('shadow', NAMES);
  const audience = inner.get('audience');
  const audiences = audience === undefined ? undefined : typeof audience === 'string' && audience !== '' ? [audience] : inner.texts('audience');
  const profile = inner.get('profile');
  if (profile !== undefined && profile !== 'rfc9068') inner.wrong('profile', `is ${shown(profile, ['rfc9068'])}: 'rfc9068' is the only one`);
  const algorithms = readAlgorithms(inner);
  const requiredClaims = [...(profile === 'rfc9068' ? RFC9068_CLAIMS : []), ...(inner.texts('requiredClaims') ?? [])];
  const allowedClients = inner.texts('allowedClients');
  const rules: { -readonly [N in keyof ClaimRules]?: ClaimRules[N] } = {};
  if (audiences) rules.audiences = new Set(audiences);
  if (profile === 'rfc9068') rules.profile = profile;
  if (requiredClaims.length > 0) rules.requiredClaims = requiredClaims;
  if (allowedClients) rules.allowedClients = new Set(allowedClients);
  for (const name of ['maxTokenAgeSeconds', 'maxTokenLifetimeSeconds'] as const) {
    const seconds = inner.optionalNumber(name, { least: 1 });
    if (seconds !== undefined) rules[name] = seconds;
  }
  const skew = inner.optionalNumber('clockSkewSeconds', { least: 0, most: MAX_CLOCK_SKEW_SECONDS });
  if (skew !== undefined) rules.clockSkewSeconds = skew;
  return { rules, algorithms };
}

function readAlgorithms(reader: OptionReader): ReadonlySet<string> | undefined {
  const given = reader.texts('algorithms');
  const known: readonly string[] = [...publicKeyAlgorithms(), ...MAC_ALGORITHMS];
  for (const name of given ?? [])
    if (!known.includes(name)) reader.wrong('algorithms', `holds ${shown(name, [...known, 'none'])}; these are known: ${known.join(', ')}`);
  return given && new Set(known.filter((name) => given.some((one) => isSameAlgorithm(one, name))));
}

/** Tells what the shadow's options would refuse of what was admitted; it costs nothing where nobody listens. */
export function castShadow({ rules, algorithms }: Shadow, { auth, issuer, algorithm, type }: VerifiedJwt, nowSeconds: number): void {
  if (!isObserved('tokenward:shadow-refused')) return;
  const all = { ...issuer.rules, ...rules, requiredClaims: [...issuer.rules.requiredClaims, ...(rules.requiredClaims ?? [])] };
  const fault = faultOf(all, algorithms, auth, algorithm, type, nowSeconds);
  if (fault)
    publish('tokenward:shadow-refused', { issuer: auth.issuer, reason: fault.reason, cause: fault.cause, clientId: auth.clientId && printable(auth.clientId) });
}

function faultOf(
  rules: ClaimRules,
  algorithms: Shadow['algorithms'],
  auth: Auth,
  algorithm: string,
  type: string | undefined,
  nowSeconds: number,
): ClaimFault | undefined {
  if (!isAccessTokenType(type, rules.profile)) return { reason: 'wrong_type', cause: 'typ' };
  if (algorithms?.has(algorithm) === false) return { reason: 'algorithm_not_allowed', cause: 'alg' };
  const examined = examineClaims(rawClaims(auth), rules, nowSeconds, type);
  return isFault(examined) ? examined : undefined;
}
