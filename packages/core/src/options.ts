import { ALGORITHMS, type Algorithm } from './access-token/algorithms.js';
import { RFC9068_CLAIMS, type ClaimRules } from './access-token/claims.js';
import type { VerificationConfig } from './access-token/verify.js';
import { systemClock, type Clock } from './clock.js';
import { ConfigurationError } from './configuration-error.js';
import { parseKeySet, type Jwks, type KeySet } from './issuer/key-set.js';
import { createStaticKeySource } from './issuer/key-source.js';
import { createRemoteKeySource, type RemoteKeysConfig } from './issuer/remote-keys.js';
import { fetchTransport, nodeTransport } from './issuer/transport.js';
import { OptionReader, plainOptions, shown } from './option-reader.js';
import { urlProblem } from './url.js';

/** What a guard is told. Only `issuer` and `audience` must be said; every default is the strict one. */
export interface GuardOptions {
  /** The authorization server's issuer identifier, to the letter as it stands in `iss`. Default: the environment's `ISSUER_BASE_URL`. */
  readonly issuer?: string | undefined;
  /** Who the tokens must be meant for: this API's identifier, or several (any one will do). Default: the environment's `AUDIENCE`. */
  readonly audience?: string | readonly string[] | undefined;
  /** Instead of `audience`: tokens that the issuer made for any other API then pass here too. */
  readonly unsafeAcceptTokensForAnyAudience?: boolean | undefined;
  /** Where the issuer's keys are, instead of asking its metadata. */
  readonly jwksUri?: string | undefined;
  /** The issuer's public keys themselves, instead of fetching them: rotating one then takes a restart. */
  readonly jwks?: Jwks | undefined;
  /** Signature algorithms to allow. Default: all of RS, PS, ES 256 to 512 and EdDSA; each key is used only for those that fit it. */
  readonly algorithms?: readonly Algorithm[] | undefined;
  /** How far the issuer's clock may be off, in seconds, at most 300. Default: 30. */
  readonly clockSkewSeconds?: number | undefined;
  /** `rfc9068` demands the whole profile for JWT access tokens: `typ` at+jwt, and `sub`, `client_id`, `jti`. */
  readonly profile?: 'rfc9068' | undefined;
  /** Claims that must be there and not null. */
  readonly requiredClaims?: readonly string[] | undefined;
  /** Tokens issued (`iat`) longer ago are refused, whatever their `exp` says. */
  readonly maxTokenAgeSeconds?: number | undefined;
  /** Tokens made to live longer (`exp` - `iat`) are refused. */
  readonly maxTokenLifetimeSeconds?: number | undefined;
  /** The clients (`client_id`, `azp`) whose tokens are accepted. Default: all. */
  readonly allowedClients?: readonly string[] | undefined;
  /** The claim that holds the roles: its name (dots and all), or as an array the path to it. Default: `roles`. */
  readonly rolesClaim?: string | readonly string[] | undefined;
  /** The challenge's `realm` (RFC 9110 s11.5). Default: `api`. */
  readonly realm?: string | undefined;
  /** Where this API's resource metadata is published (RFC 9728 s5.1), for the challenge to name. */
  readonly resourceMetadataUrl?: string | undefined;
  /** Longer tokens are refused unread. Default: 16384. */
  readonly maxTokenBytes?: number | undefined;
  readonly keyFetching?: KeyFetchingOptions | undefined;
  /** Where the time is taken from: for tests. Default: the system's. */
  readonly clock?: Clock | undefined;
  /**
   * Fetches metadata and keys instead of Node's own HTTP client: behind an egress proxy, say. The limits of {@link KeyFetchingOptions} hold for
   * it too; which addresses it connects to is then its own business.
   */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** How the issuer's metadata and keys are fetched. */
export interface KeyFetchingOptions {
  /** For all of one refresh, metadata and keys: from the first byte asked for to the last received. Default: 5. */
  readonly timeoutSeconds?: number | undefined;
  /** Counted after decompression. Default: 524288. */
  readonly maxBytes?: number | undefined;
  /** Default: 100. */
  readonly maxKeys?: number | undefined;
  /**
   * The hosts that the issuer's metadata may name for its keys, beside the issuer's own. Default: any host, as long as its address is a public
   * one; a private or link-local address has to be listed here.
   */
  readonly jwksHosts?: readonly string[] | undefined;
  /** How long keys count as fresh when the server does not say (its `Cache-Control` counts between a minute and an hour). Default: 600. */
  readonly freshSeconds?: number | undefined;
  /** How long keys that are no longer fresh serve on while the issuer can't be reached. Default: 3600. */
  readonly staleSeconds?: number | undefined;
  /** How long after looking for an unknown key the issuer is not asked for another. Default: 30. */
  readonly unknownKeyCooldownSeconds?: number | undefined;
}

/** The options, complete and checked: what the rest of the guard sees. */
export interface GuardConfig {
  readonly issuer: string;
  readonly realm: string;
  readonly resourceMetadata: string | undefined;
  readonly maxTokenBytes: number;
  readonly clockSkewSeconds: number;
  readonly clock: Clock;
  readonly verification: VerificationConfig;
}

const MAX_CLOCK_SKEW_SECONDS = 300;
const DAY_SECONDS = 86_400;

/**
 * Checks options and completes them.
 *
 * @throws ConfigurationError that lists everything that is wrong
 */
export function parseOptions(options: GuardOptions): GuardConfig {
  const reader = new OptionReader(plainOptions(options), OPTION_NAMES);
  const issuer = readIssuer(reader);
  const algorithms = readAlgorithms(reader);
  const clockSkewSeconds = reader.number('clockSkewSeconds', 30, { least: 0, most: MAX_CLOCK_SKEW_SECONDS });
  const profile = readProfile(reader);
  const clock = readClock(reader);
  const rules: ClaimRules = {
    issuer,
    audiences: readAudiences(reader),
    clockSkewSeconds,
    requiredClaims: [...(profile ? RFC9068_CLAIMS : []), ...(reader.texts('requiredClaims') ?? [])],
    maxTokenAgeSeconds: reader.optionalNumber('maxTokenAgeSeconds', { least: 1 }),
    maxTokenLifetimeSeconds: reader.optionalNumber('maxTokenLifetimeSeconds', { least: 1 }),
    allowedClients: asSet(reader.texts('allowedClients')),
    profile,
    rolesPath: readRolesPath(reader),
  };
  const config = {
    issuer,
    realm: reader.text('realm', 'api'),
    resourceMetadata: reader.url('resourceMetadataUrl'),
    maxTokenBytes: reader.number('maxTokenBytes', 16_384, { least: 256, most: 1_048_576, whole: true }),
    clockSkewSeconds,
    clock,
  };
  const fetching = readKeyFetching(reader);
  const jwksUri = reader.url('jwksUri');
  const keySet = readKeySet(reader, algorithms, fetching.maxKeys);
  const fetch = reader.fn<typeof globalThis.fetch>('fetch');
  const transport = fetch ? fetchTransport(fetch) : nodeTransport;
  if (jwksUri !== undefined && keySet) reader.wrong('jwks', 'stands beside jwksUri: give one of them');
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);

  const keys = keySet ? createStaticKeySource(keySet) : createRemoteKeySource({ ...fetching, issuer, jwksUri, algorithms, clock, transport });
  return Object.freeze({ ...config, verification: { algorithms: new Set<string>(algorithms), rules, keys, knownHeaders: new Map(), now: () => clock.now() } });
}

function readIssuer(reader: OptionReader): string {
  const fromEnvironment = reader.get('issuer') === undefined;
  const issuer = fromEnvironment ? process.env['ISSUER_BASE_URL'] : reader.get('issuer');
  if (issuer === undefined || issuer === '') {
    reader.wrong('issuer', "is missing: give the authorization server's issuer URL, or set ISSUER_BASE_URL in the environment");
    return '';
  }
  const problem = typeof issuer === 'string' ? (urlProblem(issuer) ?? partProblem(issuer)) : 'is not a string';
  if (problem) reader.wrong('issuer', `${problem} (given${fromEnvironment ? ' by ISSUER_BASE_URL' : ''}: ${shown(issuer)})`);
  return issuer as string;
}

/** RFC 8414 s2: an issuer identifier has no query and no fragment. */
function partProblem(issuer: string): string | undefined {
  if (/[?#]/.test(issuer)) return 'has a query or a fragment, which an issuer never has';
  return issuer.includes('/.well-known/') ? 'is the address of the metadata: give the issuer, which is what stands before /.well-known/' : undefined;
}

function readAudiences(reader: OptionReader): ReadonlySet<string> | undefined {
  const given = reader.get('audience');
  if (reader.flag('unsafeAcceptTokensForAnyAudience')) {
    if (given !== undefined) reader.wrong('unsafeAcceptTokensForAnyAudience', 'stands beside audience: give one of them');
    return undefined;
  }
  const audience = given === undefined ? process.env['AUDIENCE'] : given;
  const audiences: unknown[] = Array.isArray(audience) ? audience : [audience];
  if (audience === undefined || audience === '' || audiences.length === 0) {
    reader.wrong('audience', "is missing: give this API's identifier, as the authorization server writes it into aud, or set AUDIENCE in the environment");
  } else if (!audiences.every((value) => typeof value === 'string' && value !== '' && value === value.trim())) {
    reader.wrong(
      'audience',
      `is ${shown(audience)}${given === undefined ? ' (given by AUDIENCE)' : ''}: a string or a list of strings is needed, none of them empty or with white space around it`,
    );
  }
  return new Set(audiences as string[]);
}

function readAlgorithms(reader: OptionReader): readonly Algorithm[] {
  const given = reader.texts('algorithms');
  if (!given) return ALGORITHMS;
  for (const name of given) {
    if (!(ALGORITHMS as readonly string[]).includes(name)) reader.wrong('algorithms', `holds ${shown(name)}; these can be used: ${ALGORITHMS.join(', ')}`);
  }
  // RFC 9864: the two names of one algorithm
  const ed25519 = given.includes('EdDSA') || given.includes('Ed25519');
  return ALGORITHMS.filter((name) => given.includes(name) || (ed25519 && (name === 'EdDSA' || name === 'Ed25519')));
}

function readProfile(reader: OptionReader): 'rfc9068' | undefined {
  const profile = reader.get('profile');
  if (profile === undefined || profile === 'rfc9068') return profile;
  reader.wrong('profile', `is ${shown(profile)}: 'rfc9068' is the only one, and without it tokens of any profile pass`);
  return undefined;
}

function readRolesPath(reader: OptionReader): readonly string[] {
  const given = reader.get('rolesClaim');
  return Array.isArray(given) ? (reader.texts('rolesClaim') ?? []) : [reader.text('rolesClaim', 'roles')];
}

function readClock(reader: OptionReader): Clock {
  const clock = reader.get('clock') as Partial<Clock> | undefined;
  if (clock === undefined) return systemClock;
  if (typeof clock?.now !== 'function' || typeof clock.monotonic !== 'function' || !Number.isFinite(clock.now()) || !Number.isFinite(clock.monotonic())) {
    reader.wrong('clock', 'needs the functions now() and monotonic(), which both answer with a number of milliseconds');
  }
  return clock as Clock;
}

function readKeyFetching(reader: OptionReader): Pick<RemoteKeysConfig, keyof KeyFetchingOptions> {
  const inner = reader.inner('keyFetching', KEY_FETCHING_OPTIONS);
  return {
    timeoutSeconds: inner.number('timeoutSeconds', 5, { least: 0.01, most: 60 }),
    maxBytes: inner.number('maxBytes', 524_288, { least: 1024, most: 16_777_216, whole: true }),
    maxKeys: inner.number('maxKeys', 100, { least: 1, most: 1000, whole: true }),
    jwksHosts: readHosts(inner),
    freshSeconds: inner.number('freshSeconds', 600, { least: 1, most: DAY_SECONDS }),
    staleSeconds: inner.number('staleSeconds', 3600, { least: 0, most: DAY_SECONDS }),
    unknownKeyCooldownSeconds: inner.number('unknownKeyCooldownSeconds', 30, { least: 1, most: DAY_SECONDS }),
  };
}

function readHosts(reader: OptionReader): ReadonlySet<string> | undefined {
  const hosts = reader.texts('jwksHosts');
  for (const host of hosts ?? []) {
    if (host.includes('*') || URL.parse(`https://${host}/`)?.hostname !== host)
      reader.wrong('jwksHosts', `holds ${shown(host)}: host names are needed, in lower case, without scheme, port or pattern`);
  }
  return asSet(hosts);
}

function readKeySet(reader: OptionReader, algorithms: readonly Algorithm[], maxKeys: number): KeySet | undefined {
  const jwks = reader.get('jwks');
  if (jwks === undefined) return undefined;
  try {
    const set = parseKeySet(jwks, algorithms, maxKeys);
    for (const fault of set.faults) reader.wrong('jwks', fault);
    return set;
  } catch (error) {
    reader.wrong('jwks', (error as Error).message);
    return undefined;
  }
}

function asSet(values: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return values && new Set(values);
}

const KEY_FETCHING_OPTIONS = ['timeoutSeconds', 'maxBytes', 'maxKeys', 'jwksHosts', 'freshSeconds', 'staleSeconds', 'unknownKeyCooldownSeconds'];
export const OPTION_NAMES = [
  'issuer',
  'audience',
  'unsafeAcceptTokensForAnyAudience',
  'jwksUri',
  'jwks',
  'algorithms',
  'clockSkewSeconds',
  'profile',
  'requiredClaims',
  'maxTokenAgeSeconds',
  'maxTokenLifetimeSeconds',
  'allowedClients',
  'rolesClaim',
  'realm',
  'resourceMetadataUrl',
  'maxTokenBytes',
  'keyFetching',
  'clock',
  'fetch',
] satisfies readonly (keyof GuardOptions)[];
