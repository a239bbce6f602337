import type { TokenCacheLimits } from './access-token/token-cache.js';
import { own } from './lib/json.js';
import { isClaimsSchema } from './access-token/claims-schema.js';
import type { ClaimsSchema } from './auth/claims-schema.js';
import { readClock, type Clock } from './lib/clock.js';
import { ConfigurationError, type ConfigurationProblem } from './lib/configuration-error.js';
import { oneIssuer, severalIssuers, type Issuer, type Issuers } from './issuer/issuer.js';
import { ISSUER_OPTION_NAMES, type IssuerOptions } from './issuer/issuer-options.js';
import { readClockSkew } from './issuer/read-claim-rules.js';
import { readIssuerOptions, type IssuerSurroundings } from './issuer/read-issuer-options.js';
import { KEY_OPTION_NAMES } from './issuer/given-keys.js';
import { mergedOptions, withDemands } from './issuer/merged-options.js';
import { identifierOfBoth, TENANT, type Identifiers } from './issuer/tenants.js';
import { createProbes } from './keys/probes.js';
import { resolvedIssuers, type IssuerResolver } from './issuer/resolver.js';
import { secretOwners } from './keys/secret-owners.js';
import { sharedSources } from './keys/shared-sources.js';
import { fetchTransport, nodeTransport } from './net/transport.js';
import { OptionReader, plainOptions } from './lib/option-reader.js';
import { numberOption, readInnerTable, type OptionTable } from './lib/option-table.js';
import { shown } from './lib/shown-option.js';
import { createOutageWarnings } from './events/outage-warnings.js';
import { readMonitoring, type MonitoringConfig, type MonitoringOptions } from './events/monitoring.js';
import { readRevocations, type RevocationsConfig, type RevocationsOptions } from './revocation/revocations.js';
import { readShadow, type Shadow, type ShadowOptions } from './access-token/shadow.js';

/** What a guard is told. Only `issuer` and `audience` must be said; every default is the strict one. */
export interface GuardOptions extends IssuerOptions {
  /**
   * Several authorization servers instead of one, each with options of its own; or a function that says which issuer's tokens a request may carry.
   * What is demanded beside this adds up with what an issuer demands itself; other options beside it are defaults.
   */
  readonly issuers?: readonly IssuerOptions[] | IssuerResolver | undefined;
  /**
   * Holds the claims of every token against a schema (Standard Schema: zod, valibot and others); `auth.claims` is what it makes of them, which
   * must be plain objects, lists and values: a Date, a Map or an instance of a class refuses the token. It is copied and frozen. The schema runs once
   * for each new token, and its verdict is kept with the token: it must look at the claims alone. What depends on the time, the request or anything
   * else that changes belongs into a `policy`, which is asked each time.
   */
  readonly claims?: ClaimsSchema | undefined;
  /** Remembers verified tokens, so that the same one costs less when it comes again. Default: 10,000 tokens and 32 MiB, whichever is reached first. */
  readonly tokenCache?: false | TokenCacheOptions | undefined;
  /** How tokens are revoked before they end: where revocations are kept, and for how long. */
  readonly revocations?: RevocationsOptions | undefined;
  /** From when on it is told that tokens are used strangely. */
  readonly monitoring?: MonitoringOptions | undefined;
  /** Stricter options to try out: nothing is refused by them, and `tokenward:shadow-refused` tells what would be. */
  readonly shadow?: ShadowOptions | undefined;
  /** What events call this guard, where an application has several. Default: `default`. */
  readonly name?: string | undefined;
  /** The challenge's `realm` (RFC 9110 s11.5). Default: `api`. */
  readonly realm?: string | undefined;
  /** Where this API's resource metadata is published (RFC 9728 s5.1), for the challenge to name. */
  readonly resourceMetadataUrl?: string | undefined;
  /** Longer tokens are refused unread. Default: 16384. */
  readonly maxTokenBytes?: number | undefined;
  /** Where the time is taken from: for tests. Default: the system's. */
  readonly clock?: Clock | undefined;
  /**
   * Fetches metadata and keys instead of Node's own HTTP client: behind an egress proxy, say. The limits of {@link KeyFetchingOptions} hold for
   * it too; which addresses it connects to is then its own business.
   */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

export interface TokenCacheOptions {
  /** Default: 10000. */
  readonly maxEntries?: number | undefined;
  /** An estimate, made of the tokens' lengths. Default: 33554432. */
  readonly maxBytes?: number | undefined;
}

/** The options, complete and checked: what the rest of the guard sees. */
export interface GuardConfig {
  readonly issuers: Issuers;
  readonly claims: ClaimsSchema | undefined;
  readonly tokenCache: TokenCacheLimits | undefined;
  readonly revocations: RevocationsConfig;
  readonly monitoring: MonitoringConfig;
  readonly shadow: Shadow | undefined;
  readonly name: string;
  readonly realm: string;
  readonly resourceMetadata: string | undefined;
  readonly maxTokenBytes: number;
  /** For what policies compare with the time. */
  readonly clockSkewSeconds: number;
  readonly clock: Clock;
}

/**
 * Checks options and completes them.
 *
 * @throws ConfigurationError that lists everything that is wrong
 */
export function parseOptions(options: GuardOptions): GuardConfig {
  return checkOptions(options)();
}

/**
 * Checks options, and makes nothing yet of them: no file is watched.
 *
 * @throws ConfigurationError that lists everything that is wrong
 */
export function checkOptions(options: GuardOptions): () => GuardConfig {
  const problems: ConfigurationProblem[] = [];
  const given = withDemands(plainOptions(options), (path, message) => problems.push({ path, message }));
  const reader = new OptionReader(given, OPTION_NAMES, '', problems);
  const clock = readClock(reader);
  const fetch = reader.fn<typeof globalThis.fetch>('fetch');
  const makeIssuers = readIssuers(reader, {
    clock,
    transport: fetch ? fetchTransport(fetch) : nodeTransport,
    outages: createOutageWarnings('tokenward:keys-failed'),
    probes: createProbes(clock),
    environment: true,
  });
  const claims = reader.get('claims');
  if (claims !== undefined && !isClaimsSchema(claims)) reader.wrong('claims', `is ${shown(claims)}: a schema is needed (Standard Schema, version 1)`);
  const makeRevocations = readRevocations(reader);
  const config = {
    claims: claims as ClaimsSchema | undefined,
    tokenCache: readTokenCache(reader),
    monitoring: readMonitoring(reader),
    shadow: readShadow(reader),
    name: reader.text('name', 'default'),
    realm: reader.text('realm', 'api'),
    resourceMetadata: reader.url('resourceMetadataUrl'),
    maxTokenBytes: reader.number('maxTokenBytes', 16_384, { least: 256, most: 1_048_576, whole: true }),
    clockSkewSeconds: readClockSkew(new OptionReader({ clockSkewSeconds: reader.get('clockSkewSeconds') }, ['clockSkewSeconds'])),
    clock,
  };
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return () => Object.freeze({ ...config, issuers: makeIssuers(), revocations: makeRevocations() });
}

const MAX_ISSUERS = 1000;
/** What can't be said of several issuers at once. */
const OPTIONS_OF_ONE: readonly string[] = ['issuer', 'tenants', 'unsafeAcceptAnyTenant', ...KEY_OPTION_NAMES];

function readIssuers(reader: OptionReader, surroundings: IssuerSurroundings): () => Issuers {
  const issuers = reader.get('issuers') as GuardOptions['issuers'];
  if (issuers === undefined) return asIssuers([readIssuerOptions(reader, surroundings)]);
  const ofEach = { ...surroundings, environment: false };
  const createOwner = secretOwners();
  const common: IssuerOptions = Object.fromEntries(ISSUER_OPTION_NAMES.flatMap((name) => (reader.get(name) === undefined ? [] : [[name, reader.get(name)]])));
  // with keys in common, one issuer could sign for another
  for (const name of OPTIONS_OF_ONE) {
    if (Object.hasOwn(common, name)) reader.wrong(name, 'stands beside issuers: it belongs into one of them');
  }
  const defaults = readDefaults(reader, common, ofEach);
  if (typeof issuers === 'function') {
    const ofResolved = { ...ofEach, keySources: sharedSources() };
    return () => resolvedIssuers(issuers, (resolved) => buildResolved(defaults, plainOptions(resolved), { ...ofResolved, secretOwner: createOwner() }));
  }
  if (!Array.isArray(issuers) || issuers.length === 0 || issuers.length > MAX_ISSUERS) {
    reader.wrong('issuers', `is ${shown(issuers)}: a list of issuers' options is needed, ${MAX_ISSUERS} at the most, or a function`);
    return asIssuers([]);
  }
  const given = (issuers as readonly IssuerOptions[]).map((one, index) => plainOptions(one, `issuers[${index}]`));
  const makers = given.map((one, index) => {
    const options = mergedOptions(defaults, one, (name, message) => reader.wrong(`issuers[${index}].${name}`, message));
    const ofThis = { ...ofEach, secretOwner: createOwner() };
    return readIssuerOptions(new OptionReader(options, ISSUER_OPTION_NAMES, `issuers[${index}].`, reader.problems), ofThis);
  });
  checkBorders(reader, given);
  checkEffects(reader, common, given);
  return asIssuers(makers);
}

/** What every issuer replaces demands nothing: as where an option is spread over a preset that makes a list of issuers. */
function checkEffects(reader: OptionReader, common: IssuerOptions, given: readonly IssuerOptions[]): void {
  for (const name of ['audience', 'algorithms', 'unsafeAcceptTokensWithoutIssuedAt', 'unsafeAcceptTokensForAnyAudience'] as const) {
    const isReplaced = given.every((one) => own(one, name) !== undefined || (name.endsWith('udience') && saysAudience(one)));
    if (Object.hasOwn(common, name) && isReplaced)
      reader.wrong(name, 'has no effect: each of the issuers says its own. Give it to the issuers, or to the preset that makes them');
  }
}

function saysAudience(one: IssuerOptions): boolean {
  return own(one, 'audience') !== undefined || own(one, 'unsafeAcceptTokensForAnyAudience') !== undefined;
}

/**
 * Where one issuer could pass for another. A plain issuer may stand beside a template only where it is none of the template's tenants, and two
 * templates where they have no identifier in common: else it would depend on the order of a list whose rules a token is held against.
 */
function checkBorders(reader: OptionReader, given: readonly IssuerOptions[]): void {
  const names = given.map((one) => own(one, 'issuer'));
  const identifiers = given.map(identifiersOf);
  for (const [index, name] of names.entries()) {
    if (typeof name !== 'string') continue;
    if (names.indexOf(name) < index) {
      reader.wrong(`issuers[${index}].issuer`, 'is there twice');
      continue;
    }
    for (const [other, theirs] of identifiers.entries()) {
      // of two that are no templates the names are different; of two templates the later is told of
      if (other === index || names[other] === name || !theirs.isTemplate || (identifiers[index]!.isTemplate && other > index)) continue;
      const both = identifierOfBoth(identifiers[index]!, theirs);
      if (both === undefined) continue;
      const what = identifiers[index]!.isTemplate
        ? `and ${shown(names[other], 'url')} both stand for ${shown(both, 'url')}`
        : `is also one of ${shown(names[other], 'url')}`;
      reader.wrong(`issuers[${index}].issuer`, `${what}: which of them counts would not be certain. Take that tenant out of one of them`);
      break;
    }
  }
}

function identifiersOf(one: IssuerOptions): Identifiers {
  const [issuer, tenants] = [own(one, 'issuer'), own(one, 'tenants')];
  const segments = typeof issuer === 'string' ? issuer.split('/') : [];
  const listed: ReadonlySet<unknown> = new Set(Array.isArray(tenants) ? (tenants as unknown[]) : []);
  return { segments, isTemplate: segments.includes(TENANT), tenants: own(one, 'unsafeAcceptAnyTenant') === true ? undefined : listed };
}

/**
 * Tells what is wrong with what stands beside the issuers: once and by its own name, and at the start also for a resolver's.
 *
 * @returns the rest, for the issuers to be read with
 */
function readDefaults(reader: OptionReader, common: IssuerOptions, surroundings: IssuerSurroundings): IssuerOptions {
  const defaults: IssuerOptions = Object.fromEntries(Object.entries(common).filter(([name]) => !OPTIONS_OF_ONE.includes(name)));
  const some = { ...(!defaults.unsafeAcceptTokensForAnyAudience && { audience: 'any' }), ...defaults };
  const tried = new OptionReader({ ...some, issuer: 'https://issuer.invalid' }, ISSUER_OPTION_NAMES);
  readIssuerOptions(tried, surroundings);
  reader.problems.push(...tried.problems);
  const wrong = new Set(tried.problems.map(({ path }) => path.split('.')[0]));
  const right = Object.fromEntries(Object.entries(defaults).filter(([name]) => !wrong.has(name)));
  return wrong.has('audience') ? { ...right, audience: 'any' } : right;
}

function asIssuers(makers: readonly (() => Issuer | Issuers)[]): () => Issuers {
  return () => {
    const made = makers.map((make) => make());
    const [first] = made;
    if (made.length === 1) return isGroup(first!) ? first : oneIssuer(first!);
    return severalIssuers(
      made.filter((one): one is Issuer => !isGroup(one)),
      made.filter(isGroup),
    );
  };
}

function isGroup(made: Issuer | Issuers): made is Issuers {
  return 'find' in made;
}

/** @throws ConfigurationError, as at the start: here it is the resolver that failed, and what it took from a token is not told */
function buildResolved(defaults: IssuerOptions, resolved: IssuerOptions, surroundings: IssuerSurroundings): Issuer {
  const added: ConfigurationProblem[] = [];
  const options = mergedOptions(defaults, resolved, (path, message) => added.push({ path, message }));
  const reader = new OptionReader(options, ISSUER_OPTION_NAMES, '', added);
  const make = readIssuerOptions(reader, surroundings);
  if (reader.get('tenants') !== undefined || reader.get('unsafeAcceptAnyTenant') !== undefined)
    reader.wrong('tenants', 'is of no use to a resolver, which knows the issuer');
  const problems = reader.problems.map(({ path, message }) => ({ path, message: withoutValues(message.replace(/ \(given.*$/s, ''), options) }));
  try {
    if (problems.length > 0) throw new ConfigurationError(problems);
    return make() as Issuer;
  } catch (error) {
    surroundings.secretOwner?.release();
    throw error;
  }
}

/** A message about a resolver's options without any of their texts: each may be what a token said. */
function withoutValues(message: string, options: unknown): string {
  if (typeof options === 'string') return options.length < 4 ? message : message.replaceAll(options, '...');
  if (typeof options !== 'object' || options === null || ArrayBuffer.isView(options)) return message.replace(/"(?:[^"\\]|\\.)*"/g, '"..."');
  return Object.values(options).reduce<string>(withoutValues, message);
}

function readTokenCache(reader: OptionReader): TokenCacheLimits | undefined {
  if (reader.get('tokenCache') === false) return undefined;
  return readInnerTable(reader, 'tokenCache', TOKEN_CACHE);
}

const TOKEN_CACHE = {
  maxEntries: numberOption(10_000, { least: 2, most: 10_000_000, whole: true }),
  maxBytes: numberOption(33_554_432, { least: 65_536, whole: true }),
} satisfies OptionTable<TokenCacheOptions>;

export const OPTION_NAMES = [
  ...ISSUER_OPTION_NAMES,
  'issuers',
  'claims',
  'tokenCache',
  'revocations',
  'monitoring',
  'shadow',
  'name',
  'realm',
  'resourceMetadataUrl',
  'maxTokenBytes',
  'clock',
  'fetch',
] as const satisfies readonly (keyof GuardOptions)[];
