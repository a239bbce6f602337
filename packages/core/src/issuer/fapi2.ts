import { createPrivateKey } from 'node:crypto';
import { publicKeyAlgorithms } from '../jose/algorithms.js';
import { own } from '../lib/json.js';
import { isThenable } from '../lib/thenable.js';
import { misuse } from '../lib/configuration-error.js';
import { plainProblem } from '../lib/option-reader.js';
import { shownMember } from '../lib/shown-option.js';
import { signingAlgorithms } from '../net/assertion-key.js';
import type { IntrospectionOptions } from './introspection-options.js';
import type { IssuerOptions } from './issuer-options.js';
import type { WrongOption } from './merged-options.js';
import type { IssuerResolver } from './resolver.js';

/** The algorithms of JWTs: FAPI 2.0 Security Profile s5.4.1. There, `EdDSA` has the curve Ed25519, whose own name is newer (RFC 9864). */
const ALGORITHMS: readonly string[] = ['PS256', 'ES256', 'EdDSA', 'Ed25519'];
/** Those of them that this runtime can verify. */
const usableAlgorithms = (): readonly string[] => ALGORITHMS.filter((name) => (publicKeyAlgorithms() as readonly string[]).includes(name));
/** Times up to 10 seconds in the future must be accepted, and those after more than 60 seconds refused: s5.3.2.1. */
const SKEW = { least: 10, most: 60 };

/** Options that give up what the profile demands, and the demand. */
const FORBIDDEN = {
  sharedSecrets: 's5.4.1 demands signatures with key pairs',
  sharedSecretsFile: 's5.4.1 demands signatures with key pairs',
  unsafeHttpHosts: 's5.2.1 demands TLS',
  unsafeAcceptTokensForAnyAudience: 's5.4.1 (RFC 8725 s3.9) demands that tokens are for this API',
  unsafeAcceptAnyTenant: 's5.4.1 (RFC 8725 s3.8) demands issuers that are known',
} as const satisfies Partial<Record<keyof IssuerOptions, string>>;

/**
 * Returns a guard's options with what FAPI 2.0 demands of resource servers if they have `profile: 'fapi2'`, and reports options that contradict it.
 *
 * @param options those of a guard; their values are not read yet, so they may have any type
 */
export function withFapi2<O extends object>(options: O, wrong: WrongOption): O {
  if (own(options, 'profile') !== 'fapi2') return options;
  // issuers have no such profile
  const { profile: _profile, ...rest } = options as Readonly<Record<string, unknown>>;
  const issuers = own(rest, 'issuers');
  if (isOn(own(rest, 'session'))) contradict(wrong, 'session', 's5.3.4 demands tokens in the header, and browser sessions use cookies');
  if (isOn(own(rest, 'credentials'))) contradict(wrong, 'credentials', 's5.3.4 demands tokens in the Authorization header');
  // an issuer of a list has its algorithms from one place: two would look like a mistake
  const ofEach = own(rest, 'algorithms') === undefined ? usableAlgorithms() : undefined;
  const isList = Array.isArray(issuers);
  return {
    ...ofIssuer(rest, wrong, isList ? undefined : usableAlgorithms()),
    ...(issuers !== undefined && { issuers: isList ? issuers.map((one, index) => ofListed(one, index, wrong, ofEach)) : ofResolver(issuers, ofEach) }),
    senderConstraint: own(rest, 'senderConstraint') ?? 'any',
    ...(own(rest, 'dpop') !== false && { dpop: dpopOptions(own(rest, 'dpop'), wrong) }),
  } as O;
}

function ofListed(issuer: unknown, index: number, wrong: WrongOption, algorithms: Algorithms): unknown {
  return isPlain(issuer) ? ofIssuer(issuer, (name, message) => wrong(`issuers[${index}].${name}`, message), algorithms) : issuer;
}

/** Its reader reports anything else than a function. A contradiction makes the issuer unavailable, as every other error of a resolver does. */
function ofResolver(issuers: unknown, algorithms: Algorithms): unknown {
  if (typeof issuers !== 'function') return issuers;
  const resolve = issuers as IssuerResolver;
  const known = new WeakMap<object, IssuerOptions>();

  function checked(resolved: IssuerOptions | undefined): IssuerOptions | undefined {
    if (!isPlain(resolved)) return resolved;
    // the guard recognises the options of an issuer by their object
    let result = known.get(resolved);
    if (!result) {
      const refuse: WrongOption = (name, message) => {
        throw misuse(`issuers(...).${name}`, message);
      };
      result = ofIssuer(resolved, refuse, algorithms);
      known.set(resolved, result);
    }
    return result;
  }

  return (unverifiedIssuer: string, request: Parameters<IssuerResolver>[1]) => {
    const resolved = resolve(unverifiedIssuer, request);
    return isThenable(resolved) ? Promise.resolve(resolved).then(checked) : checked(resolved);
  };
}

/** The algorithms of an issuer that names none. undefined: the options next to `issuers` name some. */
type Algorithms = readonly string[] | undefined;

function ofIssuer<O extends object>(options: O, wrong: WrongOption, fallback: Algorithms): O {
  for (const [name, demand] of Object.entries(FORBIDDEN)) if (isOn(own(options, name))) contradict(wrong, name, demand);
  checkSkew(options, 'clockSkewSeconds', wrong);
  const algorithms = allowedAlgorithms(options, 'algorithms', wrong) ?? fallback;
  return {
    ...options,
    ...(algorithms !== undefined && { algorithms }),
    ...(isObject(own(options, 'introspection')) && { introspection: introspectionOptions(own(options, 'introspection') as object, wrong) }),
  };
}

/** Options that give up what an answer of the issuer must say about a token, and the demand. */
const FORBIDDEN_OF_ANSWERS = {
  unsafeAcceptAnswersWithoutExpiry: 's5.3.4 demands that the expiration is verified',
  unsafeAcceptAnswersWithoutAudience: FORBIDDEN.unsafeAcceptTokensForAnyAudience,
  unsafeAcceptAnswersWithoutIssuer: FORBIDDEN.unsafeAcceptAnyTenant,
} as const satisfies Partial<Record<keyof IntrospectionOptions, string>>;

/** The assertions with which this API authenticates are JWTs, too. */
function introspectionOptions(options: object, wrong: WrongOption): object {
  for (const [name, demand] of Object.entries(FORBIDDEN_OF_ANSWERS)) if (isOn(own(options, name))) contradict(wrong, `introspection.${name}`, demand);
  const key = own(options, 'privateKey');
  if (!isObject(key)) return options;
  const algorithm = own(key, 'algorithm');
  if (algorithm === undefined) {
    const possible = algorithmsOf(key);
    const allowed = possible.find((name) => ALGORITHMS.includes(name));
    if (possible.length > 0 && allowed === undefined)
      contradict(wrong, 'introspection.privateKey.key', `s5.4.1 allows only ${ALGORITHMS.join(', ')}`, ` (got a key for ${possible.join(', ')})`);
    return { ...options, privateKey: { ...key, algorithm: allowed } };
  }
  if (!ALGORITHMS.includes(algorithm as string)) contradict(wrong, 'introspection.privateKey.algorithm', `s5.4.1 allows only ${ALGORITHMS.join(', ')}`);
  return options;
}

/** Returns none for a key that cannot be read, or that cannot sign: its reader reports it. */
function algorithmsOf(option: object): readonly string[] {
  const key = own(option, 'key');
  try {
    const parsed = typeof key === 'string' ? createPrivateKey(key) : createPrivateKey({ key: { ...(key as object) }, format: 'jwk' } as never);
    return signingAlgorithms(parsed);
  } catch {
    return [];
  }
}

function dpopOptions(options: unknown, wrong: WrongOption): unknown {
  if (options === undefined) return { algorithms: usableAlgorithms(), clockSkewSeconds: SKEW.least };
  if (!isObject(options)) return options;
  const inner: WrongOption = (name, message) => wrong(`dpop.${name}`, message);
  checkSkew(options, 'clockSkewSeconds', inner);
  const algorithms = allowedAlgorithms(options, 'algorithms', inner) ?? usableAlgorithms();
  return { ...options, algorithms, clockSkewSeconds: own(options, 'clockSkewSeconds') ?? SKEW.least };
}

function allowedAlgorithms(options: object, name: string, wrong: WrongOption): unknown {
  const given = own(options, name);
  const other = Array.isArray(given) ? given.find((one) => typeof one === 'string' && !ALGORITHMS.includes(one)) : undefined;
  if (other !== undefined) contradict(wrong, name, `s5.4.1 allows only ${ALGORITHMS.join(', ')}`, ` (got "${shownMember(other as string)}")`);
  return given;
}

function checkSkew(options: object, name: string, wrong: WrongOption): void {
  const given = own(options, name);
  if (typeof given !== 'number' || (given >= SKEW.least && given <= SKEW.most)) return;
  contradict(wrong, name, `s5.3.2.1 demands ${SKEW.least} to ${SKEW.most} seconds`, ` (got ${given})`);
}

function contradict(wrong: WrongOption, name: string, demand: string, got = ''): void {
  wrong(name, `contradicts profile "fapi2": FAPI 2.0 ${demand}. Remove one of the two${got}`);
}

/** Whether an option that loosens something is set. `false` is not. */
function isOn(value: unknown): boolean {
  return value !== undefined && value !== false;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The reader of an issuer refuses every other object. A copy of it would be plain, without what it inherits. */
function isPlain(value: unknown): value is object {
  return plainProblem(value) === undefined;
}
