import { ALGORITHMS, isSameAlgorithm, MAC_ALGORITHMS, publicKeyAlgorithms, unsupported } from '../jose/algorithms.js';
import { examineClaims, isAccessTokenType } from './claims.js';
import type { ClaimFailure } from './claim-failure.js';
import { RFC9068_CLAIMS, type ClaimRules } from '../issuer/claim-rules.js';
import type { VerifiedJwt } from './token-cache.js';
import { rawClaims, type Auth } from '../auth/auth.js';
import { isObserved, publish } from '../events/events.js';
import { pageOf } from '../explain/explanation.js';
import { isFailure } from '../issuer/verification-failure.js';
import { MAX_CLOCK_SKEW_SECONDS } from '../issuer/claim-options.js';
import type { IssuerOptions } from '../issuer/issuer-options.js';
import { MOST_SECONDS } from '../lib/limit.js';
import type { OptionReader } from '../lib/option-reader.js';
import { readInnerTable, type OptionTable } from '../lib/option-table.js';
import { shown } from '../lib/shown-option.js';
import { printable } from '../lib/url.js';

/** Stricter options to try out: a token that they would refuse is reported by an event, and still accepted. */
export type ShadowOptions = Pick<
  IssuerOptions,
  'audience' | 'algorithms' | 'profile' | 'requiredClaims' | 'maxTokenAgeSeconds' | 'maxTokenLifetimeSeconds' | 'allowedClients' | 'clockSkewSeconds'
>;

/** {@link ShadowOptions}, validated. */
export interface Shadow {
  readonly rules: Partial<ClaimRules>;
  readonly algorithms: ReadonlySet<string> | undefined;
}

const SHADOW = {
  audience: readAudience,
  algorithms: readAlgorithms,
  profile: readProfile,
  requiredClaims: readNames,
  maxTokenAgeSeconds: readSeconds,
  maxTokenLifetimeSeconds: readSeconds,
  allowedClients: readNames,
  clockSkewSeconds: (reader: OptionReader, name: string) => reader.optionalNumber(name, { least: 0, most: MAX_CLOCK_SKEW_SECONDS }),
} satisfies OptionTable<ShadowOptions>;

export function readShadow(reader: OptionReader): Shadow | undefined {
  if (reader.get('shadow') === undefined) return undefined;
  const { audience, algorithms, profile, requiredClaims, allowedClients, ...seconds } = readInnerTable(reader, 'shadow', SHADOW);
  const claims = [...(profile === undefined ? [] : RFC9068_CLAIMS), ...(requiredClaims ?? [])];
  const rules: { -readonly [N in keyof ClaimRules]?: ClaimRules[N] } = {};
  if (audience) rules.audiences = new Set(audience);
  if (profile !== undefined) rules.profile = profile;
  if (claims.length > 0) rules.requiredClaims = claims;
  if (allowedClients) rules.allowedClients = new Set(allowedClients);
  // an undefined value here would replace that of the issuer's options
  for (const name of ['maxTokenAgeSeconds', 'maxTokenLifetimeSeconds', 'clockSkewSeconds'] as const) {
    const value = seconds[name];
    if (value !== undefined) rules[name] = value;
  }
  return { rules, algorithms };
}

function readAudience(reader: OptionReader, name: string): readonly string[] | undefined {
  const audience = reader.get(name);
  return typeof audience === 'string' && audience !== '' ? [audience] : reader.texts(name);
}

function readProfile(reader: OptionReader, name: string): 'rfc9068' | undefined {
  const profile = reader.get(name);
  if (profile === undefined || profile === 'rfc9068') return profile;
  reader.wrong(name, `must be 'rfc9068', or be left out (got ${shown(profile, ['rfc9068'])})`);
  return undefined;
}

function readNames(reader: OptionReader, name: string): readonly string[] | undefined {
  return reader.texts(name);
}

function readSeconds(reader: OptionReader, name: string): number | undefined {
  return reader.optionalNumber(name, { least: 1, most: MOST_SECONDS });
}

function readAlgorithms(reader: OptionReader, name: string): ReadonlySet<string> | undefined {
  const given = reader.texts(name);
  const known: readonly string[] = [...publicKeyAlgorithms(), ...MAC_ALGORITHMS];
  for (const one of given ?? [])
    if (!known.includes(one)) reader.wrong(name, `lists ${shown(one, [...known, ...ALGORITHMS, 'none'])}, ${unsupported(one)}. Use ${known.join(', ')}`);
  return given && new Set(known.filter((one) => given.some((other) => isSameAlgorithm(other, one))));
}

/** A verified token as the shadow options see it. An introspected one has no algorithm. */
type ShadowedToken = Pick<VerifiedJwt, 'auth' | 'issuer' | 'type'> & { readonly algorithm: string | undefined };

/** Publishes an event if the shadow options would refuse an accepted token. It costs nothing if nobody observes the event. */
export function evaluateShadow({ rules, algorithms }: Shadow, { auth, issuer, algorithm, type }: ShadowedToken, nowSeconds: number): void {
  if (!isObserved('tokenward:shadow-refused')) return;
  const all = { ...issuer.rules, ...rules, requiredClaims: [...issuer.rules.requiredClaims, ...(rules.requiredClaims ?? [])] };
  // if the issuer accepts introspection answers without `aud`, the option audience does not apply to them
  const isAnswer = algorithm === undefined;
  if (isAnswer && issuer.introspection?.acceptsWithoutAudience && !Object.hasOwn(rawClaims(auth), 'aud')) all.audiences = undefined;
  const failure = failureOf(all, algorithms, auth, algorithm, type, nowSeconds);
  if (!failure) return;
  const { reason, cause } = failure;
  publish('tokenward:shadow-refused', { issuer: auth.issuer, reason, cause, docs: pageOf(reason), clientId: auth.clientId && printable(auth.clientId) });
}

function failureOf(
  rules: ClaimRules,
  algorithms: Shadow['algorithms'],
  auth: Auth,
  algorithm: string | undefined,
  type: string | undefined,
  nowSeconds: number,
): ClaimFailure | undefined {
  if (!isAccessTokenType(type, rules.profile)) return { reason: 'wrong_type', cause: 'typ' };
  if (algorithm !== undefined && algorithms?.has(algorithm) === false) return { reason: 'algorithm_not_allowed', cause: 'alg' };
  const examined = examineClaims(rawClaims(auth), rules, nowSeconds, type);
  return isFailure(examined) ? examined : undefined;
}
