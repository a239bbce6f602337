import type { Algorithm } from '../access-token/algorithms.js';
import { bothValues, RFC9068_CLAIMS, type ClaimRules } from './claim-rules.js';
import type { NamesReader, NamesSource } from '../auth/names.js';
import type { Clock } from '../clock.js';
import type { OutageWarnings } from '../outage-warnings.js';
import { shown, type OptionReader } from '../option-reader.js';
import { canonicalProblem, identifierProblem, urlProblem } from '../url.js';
import type { Issuer, Issuers } from './issuer.js';
import { keysOfBothKinds } from './both-kinds.js';
import { asksIssuer, checkKeyOptions, KEY_OPTION_NAMES, knowsAllKeys, readAlgorithms, readGivenKeys, readGivenSecrets } from './given-keys.js';
import type { Jwks } from './jwk.js';
import type { KeySource } from './key-source.js';
import { createRemoteKeySource, type RemoteKeysConfig } from './remote-keys.js';
import type { Probes } from './probes.js';
import type { SharedSources } from './shared-sources.js';
import type { SecretEncoding } from './secret-encodings.js';
import type { SharedSecret } from './shared-secrets.js';
import { isTenant, TENANT, tenantIssuers } from './tenants.js';
import type { Transport } from './transport.js';

/** What is told of one authorization server, and of the tokens that it issues for this API. */
export interface IssuerOptions {
  /**
   * The authorization server's issuer identifier, to the letter as it stands in `iss`. With `{tenant}` for one segment of it, it stands for the
   * issuers of all `tenants`. Default: the environment's `ISSUER_BASE_URL`. Where `metadataUrl`, `jwksUri`, `jwks`, `jwksFile` or shared secrets are
   * given, nothing is fetched from it, and it may be any StringOrURI (RFC 7519 s2).
   */
  readonly issuer?: string | undefined;
  /** The tenants of an issuer with `{tenant}`, as they stand there; the token's `tid` must say the same. */
  readonly tenants?: readonly string[] | undefined;
  /** Instead of `tenants`: whoever is any tenant of that server then passes. `jwksUri` or `jwks` must say where all their keys are. */
  readonly unsafeAcceptAnyTenant?: boolean | undefined;
  /** Who the tokens must be meant for: this API's identifier, or several (any one will do). Default: the environment's `AUDIENCE`. */
  readonly audience?: string | readonly string[] | undefined;
  /** Instead of `audience`: tokens that the issuer made for any other API then pass here too. */
  readonly unsafeAcceptTokensForAnyAudience?: boolean | undefined;
  /**
   * Where the issuer's metadata is fetched, when that is not under the issuer's own name: inside a Docker network, say. The `issuer` in the
   * document must still equal `issuer`.
   */
  readonly metadataUrl?: string | undefined;
  /** Hosts that may be asked over plain http, exactly as they stand in the URL: anybody on the way to them can forge the issuer's keys. */
  readonly unsafeHttpHosts?: readonly string[] | undefined;
  /** Where the issuer's keys are, instead of asking its metadata. */
  readonly jwksUri?: string | undefined;
  /** The issuer's public keys themselves, instead of fetching them: a JWKS, or PEM. Rotating one then takes a restart. */
  readonly jwks?: Jwks | string | undefined;
  /** The file that holds them: a JWKS, or PEM. It is read again when it changes; what can't be read never replaces what could. */
  readonly jwksFile?: string | undefined;
  /**
   * Secrets shared with the authorization server, for HS256, HS384 and HS512: bytes, or a text and its encoding, such as `{ base64url: '...' }`. All
   * are tried, so that one can follow another. Beside public keys (a migration) only where `algorithms` names both kinds.
   */
  readonly sharedSecrets?: SharedSecret | readonly SharedSecret[] | undefined;
  /** The file that holds them, one a line. It is read again when it changes. */
  readonly sharedSecretsFile?: SharedSecretsFile | undefined;
  /**
   * Signature algorithms to allow. Default: all of RS, PS, ES 256 to 512, EdDSA, and ML-DSA where the runtime has it; each key is used only for
   * those that fit it. With shared secrets: HS256.
   */
  readonly algorithms?: readonly Algorithm[] | undefined;
  /** How far the issuer's clock may be off, in seconds, at most 300. Default: 30. */
  readonly clockSkewSeconds?: number | undefined;
  /** `rfc9068` demands the whole profile for JWT access tokens: `typ` at+jwt, and `sub`, `client_id`, `jti`. */
  readonly profile?: 'rfc9068' | undefined;
  /** Claims that must be there and not null. */
  readonly requiredClaims?: readonly string[] | undefined;
  /** Claims that must have this value, or one of these. */
  readonly requiredValues?: Readonly<Record<string, RequiredValue | readonly RequiredValue[]>> | undefined;
  /** Claims that must not be there. */
  readonly forbiddenClaims?: readonly string[] | undefined;
  /** Tokens issued (`iat`) longer ago are refused, whatever their `exp` says. */
  readonly maxTokenAgeSeconds?: number | undefined;
  /** Tokens made to live longer (`exp` - `iat`) are refused. */
  readonly maxTokenLifetimeSeconds?: number | undefined;
  /** The clients (`client_id`, `azp`) whose tokens are accepted. Default: all. */
  readonly allowedClients?: readonly string[] | undefined;
  /** The claim that names the client, where it is neither `client_id` nor `azp`. Where it is there, it alone counts. */
  readonly clientIdClaim?: string | undefined;
  /**
   * Accepts tokens without `iat`, of issuers that write none. Revocations by subject, session, client or issuer then hit all of them, whenever they
   * were issued. `maxTokenAgeSeconds`, `maxTokenLifetimeSeconds` and `profile` can't be combined with it.
   */
  readonly unsafeAcceptTokensWithoutIssuedAt?: boolean | undefined;
  /**
   * Where the roles are: a claim's name, as an array the path to it, as an array of arrays several paths, or a function that reads them. A text is one
   * role. Default: `roles`.
   *
   * @example rolesClaim: ['realm_access', 'roles']
   * @example rolesClaim: (claims) => Object.keys(claims['urn:zitadel:iam:org:project:roles'] ?? {})
   */
  readonly rolesClaim?: NamesClaim | undefined;
  /** Where the scopes are instead of `scope` and `scp`, in the same forms. A text holds names between blanks. */
  readonly scopesClaim?: NamesClaim | undefined;
  readonly keyFetching?: KeyFetchingOptions | undefined;
}

export type NamesClaim = string | readonly string[] | readonly (readonly string[])[] | NamesReader;

/** Where shared secrets are, and how each line of the file is to be read. */
export interface SharedSecretsFile {
  readonly path: string;
  readonly encoding: SecretEncoding;
}

export type RequiredValue = string | number | boolean;

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

/** What issuers have in common. */
export interface IssuerSurroundings {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly outages: OutageWarnings;
  /** Whether what is absent may come from the environment: not where there are several. */
  readonly environment: boolean;
  /** Keys that several issuers have in common, by what they are fetched with: one issuer under several options is asked once. */
  readonly keySources?: SharedSources | undefined;
  /** For issuers that tokens name, and not the options alone. */
  readonly probes: Probes;
}

export const MAX_CLOCK_SKEW_SECONDS = 300;
const DAY_SECONDS = 86_400;

/**
 * Reads one issuer's options. What is wrong with them is told to the reader; the result is then not to be used.
 *
 * @returns makes the issuer, or the issuers of its tenants, once everything is known to be right
 */
export function readIssuerOptions(reader: OptionReader, surroundings: IssuerSurroundings): () => Issuer | Issuers {
  const { clock, transport, outages, environment, keySources, probes } = surroundings;
  const unsafeHttpHosts = reader.hosts('unsafeHttpHosts') ?? NO_HOSTS;
  const { macs, publicKeys } = readAlgorithms(reader);
  const issuer = readIssuer(reader, environment, asksIssuer(reader, publicKeys), unsafeHttpHosts);
  const tenants = readTenants(reader, issuer);
  const profile = readProfile(reader);
  const rules: ClaimRules = {
    issuer,
    audiences: readAudiences(reader, environment),
    clockSkewSeconds: readClockSkew(reader),
    requiredClaims: [...(profile ? RFC9068_CLAIMS : []), ...(reader.texts('requiredClaims') ?? [])],
    requiredValues: readRequiredValues(reader),
    forbiddenClaims: reader.texts('forbiddenClaims') ?? [],
    maxTokenAgeSeconds: reader.optionalNumber('maxTokenAgeSeconds', { least: 1 }),
    maxTokenLifetimeSeconds: reader.optionalNumber('maxTokenLifetimeSeconds', { least: 1 }),
    allowedClients: asSet(reader.texts('allowedClients')),
    clientIdClaim: reader.get('clientIdClaim') === undefined ? undefined : reader.text('clientIdClaim', ''),
    profile,
    rolesFrom: readNamesSource(reader, 'rolesClaim') ?? [['roles']],
    scopesFrom: readNamesSource(reader, 'scopesClaim'),
    acceptWithoutIssuedAt: readIssuedAtOption(reader),
  };
  checkTenantValues(reader, tenants, rules);
  const fetching = readKeyFetching(reader);
  const jwksUri = readAddress(reader, 'jwksUri', unsafeHttpHosts);
  const metadataUrl = readAddress(reader, 'metadataUrl', unsafeHttpHosts);
  const given = readGivenKeys(reader, publicKeys, fetching.maxKeys, issuer, outages);
  const secrets = readGivenSecrets(reader, macs, issuer, outages);
  checkKeyOptions(reader, { macs, publicKeys }, tenants !== undefined);

  /** @param release is told when the issuer is kept no longer */
  function make(identifier: string, moreValues: ClaimRules['requiredValues'], keys: KeySource, isListed: boolean, release: () => void): Issuer {
    return {
      algorithms: new Set<string>([...macs, ...publicKeys]),
      rules: { ...rules, issuer: identifier, requiredValues: bothValues(rules.requiredValues, moreValues) },
      keys,
      isVerified: isListed,
      release,
    };
  }

  function remoteKeys(identifier: string, tenant: string | undefined, isListed: boolean): KeySource {
    const ofTenant = (address: string | undefined): string | undefined => (tenant === undefined ? address : address?.replace(TENANT, tenant));
    return createRemoteKeySource({
      ...fetching,
      issuer: identifier,
      jwksUri: ofTenant(jwksUri),
      metadataUrl: ofTenant(metadataUrl),
      unsafeHttpHosts,
      algorithms: publicKeys,
      clock,
      transport,
      outages,
      probes: isListed ? undefined : probes,
    });
  }

  function makeOne(): Issuer {
    const ofSecrets = secrets?.();
    if (given || publicKeys.length === 0) {
      const keys = given ? beside(ofSecrets, given(), true) : ofSecrets!;
      return make(issuer, NO_VALUES, keys, !keySources, () => keys.close());
    }
    if (!keySources) return make(issuer, NO_VALUES, beside(ofSecrets, remoteKeys(issuer, undefined, true), true), true, () => {});
    const hosts = { jwksHosts: [...(fetching.jwksHosts ?? [])], unsafeHttpHosts: [...unsafeHttpHosts] };
    const name = JSON.stringify([issuer, jwksUri, metadataUrl, publicKeys, { ...fetching, ...hosts }]);
    const keys = keySources.acquire(name, () => remoteKeys(issuer, undefined, false));
    return make(issuer, NO_VALUES, beside(ofSecrets, keys, false), false, () => {
      ofSecrets?.close();
      keySources.release(name);
    });
  }

  /** The keys that all tenants have in common, if they have: with secrets they do, see checkKeyOptions. */
  function makeShared(): KeySource | undefined {
    if (secrets && publicKeys.length === 0) return secrets();
    const keys = given ? given() : jwksUri?.includes(TENANT) === false ? remoteKeys(issuer, undefined, true) : undefined;
    return keys && beside(secrets?.(), keys, true);
  }

  return () => {
    if (!tenants) return makeOne();
    const shared = makeShared();
    return tenantIssuers({
      template: issuer,
      tenants: tenants === 'any' ? undefined : tenants,
      sharedKeys: shared,
      build(tenant, identifier) {
        const keys = shared ?? remoteKeys(identifier, tenant, false);
        return make(identifier, new Map([['tid', new Set([tenant])]]), keys, false, () => {});
      },
    });
  };
}

function beside(secrets: KeySource | undefined, keys: KeySource, ownsKeys: boolean): KeySource {
  return secrets ? keysOfBothKinds(secrets, keys, ownsKeys) : keys;
}

const NO_HOSTS: ReadonlySet<string> = new Set();
const NO_VALUES: ClaimRules['requiredValues'] = new Map();

function readIssuer(reader: OptionReader, environment: boolean, isAsked: boolean, unsafeHttpHosts: ReadonlySet<string>): string {
  const fromEnvironment = environment && reader.get('issuer') === undefined;
  const issuer = fromEnvironment ? process.env['ISSUER_BASE_URL'] : reader.get('issuer');
  if (issuer === undefined || issuer === '') {
    reader.wrong('issuer', `is missing: give the authorization server's issuer URL${environment ? ', or set ISSUER_BASE_URL in the environment' : ''}`);
    return '';
  }
  // where the options say where the keys are, nothing is fetched from the issuer: it is only compared
  const problem = typeof issuer === 'string' ? (isAsked ? askedIssuerProblem(issuer, unsafeHttpHosts) : comparedIssuerProblem(issuer)) : 'is not a string';
  if (problem) reader.wrong('issuer', `${problem} (given${fromEnvironment ? ' by ISSUER_BASE_URL' : ''}: ${shown(issuer)})`);
  return issuer as string;
}

function askedIssuerProblem(issuer: string, unsafeHttpHosts: ReadonlySet<string>): string | undefined {
  const one = issuer.replace(TENANT, 'tenant');
  const problem = urlProblem(one, unsafeHttpHosts) ?? partProblem(issuer);
  if (problem === 'is not an absolute URL') return `${problem}: give one, or say where its keys are by jwksUri, jwks, jwksFile or sharedSecrets`;
  return problem ?? canonicalProblem(one)?.replace('tenant', TENANT);
}

function comparedIssuerProblem(issuer: string): string | undefined {
  return identifierProblem(issuer) ?? (issuer.includes(TENANT) ? partProblem(issuer) : metadataProblem(issuer));
}

function metadataProblem(issuer: string): string | undefined {
  return issuer.includes('/.well-known/') ? 'is the address of the metadata: give the issuer, which is what stands before /.well-known/' : undefined;
}

/** RFC 8414 s2: an issuer identifier has no query and no fragment. */
function partProblem(issuer: string): string | undefined {
  if (/[?#]/.test(issuer)) return 'has a query or a fragment, which an issuer never has';
  if (/[{}]/.test(issuer.replace(TENANT, ''))) return 'has braces: {tenant} may stand there once, for one segment of its path';
  if (issuer.includes(TENANT) && !new RegExp(`/\\${TENANT.slice(0, -1)}\\}(?:/|$)`).test(issuer.replace(/^https?:\/\/[^/]*/, ''))) {
    return 'has {tenant} where no segment of its path stands by itself';
  }
  return metadataProblem(issuer);
}

function readTenants(reader: OptionReader, issuer: string): ReadonlySet<string> | 'any' | undefined {
  const any = reader.flag('unsafeAcceptAnyTenant');
  const tenants = reader.texts('tenants');
  if (typeof issuer !== 'string' || !issuer.includes(TENANT)) {
    for (const name of ['tenants', 'unsafeAcceptAnyTenant']) {
      if (reader.get(name) !== undefined) reader.wrong(name, 'is for an issuer with {tenant} in it');
    }
    return undefined;
  }
  for (const tenant of tenants ?? []) {
    if (!isTenant(tenant)) reader.wrong('tenants', `holds ${shown(tenant)}: letters, digits and hyphens are needed, 64 at the most`);
  }
  if (any === (tenants !== undefined)) {
    reader.wrong(
      'tenants',
      any ? 'stands beside unsafeAcceptAnyTenant: give one of them' : 'is missing: list the tenants that {tenant} in the issuer may stand for',
    );
  }
  if (any && !knowsAllKeys(reader)) {
    reader.wrong('unsafeAcceptAnyTenant', "needs jwksUri (without {tenant}) or jwks: an address of a stranger's choice is not asked for keys");
  }
  return any ? 'any' : new Set(tenants);
}

/** `tid` must be the tenant of `iss`, and what `requiredValues` says of it holds besides. */
function checkTenantValues(reader: OptionReader, tenants: ReadonlySet<string> | 'any' | undefined, { requiredValues }: ClaimRules): void {
  const allowed = requiredValues.get('tid');
  if (tenants === undefined || tenants === 'any' || tenants.size === 0 || !allowed) return;
  if (![...tenants].some((tenant) => allowed.has(tenant))) {
    reader.wrong('requiredValues.tid', 'allows none of the tenants, so no token could pass. Change it or tenants.');
  }
}

function readAudiences(reader: OptionReader, environment: boolean): ReadonlySet<string> | undefined {
  const given = reader.get('audience');
  if (reader.flag('unsafeAcceptTokensForAnyAudience')) {
    if (given !== undefined) reader.wrong('unsafeAcceptTokensForAnyAudience', 'stands beside audience: give one of them');
    return undefined;
  }
  const audience = given === undefined && environment ? process.env['AUDIENCE'] : given;
  const audiences: unknown[] = Array.isArray(audience) ? audience : [audience];
  if (audience === undefined || audience === '' || audiences.length === 0) {
    reader.wrong(
      'audience',
      `is missing: give this API's identifier, as the authorization server writes it into aud${environment ? ', or set AUDIENCE in the environment' : ''}`,
    );
  } else if (audiences.includes(undefined) || !audiences.every((value) => typeof value === 'string' && value !== '' && value === value.trim())) {
    reader.wrong(
      'audience',
      `is ${shown(audience)}${given === undefined ? ' (given by AUDIENCE)' : ''}: a string or a list of strings is needed, none of them empty or with white space around it`,
    );
  }
  return new Set(audiences as string[]);
}

function readProfile(reader: OptionReader): 'rfc9068' | undefined {
  const profile = reader.get('profile');
  if (profile === undefined || profile === 'rfc9068') return profile;
  reader.wrong('profile', `is ${shown(profile)}: 'rfc9068' is the only one, and without it tokens of any profile pass`);
  return undefined;
}

export function readClockSkew(reader: OptionReader): number {
  return reader.number('clockSkewSeconds', 30, { least: 0, most: MAX_CLOCK_SKEW_SECONDS });
}

function readRequiredValues(reader: OptionReader): ClaimRules['requiredValues'] {
  const given = reader.get('requiredValues');
  if (given === undefined) return NO_VALUES;
  const entries = typeof given === 'object' && given !== null && !Array.isArray(given) ? Object.entries(given) : [];
  if (entries.length === 0) reader.wrong('requiredValues', `is ${shown(given)}: an object is needed, from names of claims to a value or a list of values`);
  return new Map(
    entries.map(([name, value]) => {
      const values: unknown[] = [value].flat();
      if (values.length === 0 || !values.every((one) => ['string', 'number', 'boolean'].includes(typeof one) && one !== '')) {
        reader.wrong(`requiredValues.${name}`, 'needs a value, or a list of values: strings, numbers or booleans');
      }
      return [name, new Set(values as RequiredValue[])];
    }),
  );
}

function readNamesSource(reader: OptionReader, name: 'rolesClaim' | 'scopesClaim'): NamesSource | undefined {
  const given = reader.get(name);
  if (given === undefined) return undefined;
  if (typeof given === 'function') return given as NamesReader;
  if (!Array.isArray(given)) {
    const claim = reader.text(name, '');
    if (LOOKS_LIKE_A_PATH.test(claim)) {
      const path = `[${claim
        .split('.')
        .map((part) => `'${part}'`)
        .join(', ')}]`;
      reader.wrong(name, `is ${shown(claim)}, which looks like a path. Write the path as ${path}, or ['${claim}'] for a claim with dots in its name.`);
    }
    return [[claim]];
  }
  if (!given.every(Array.isArray)) return [reader.texts(name) ?? []];
  const paths = given as unknown[][];
  if (paths.length > 0 && paths.every((path) => path.length > 0 && path.every((part) => typeof part === 'string' && part !== ''))) return paths as string[][];
  reader.wrong(name, 'holds a path that is empty, or that holds something else than names');
  return [];
}

/** `realm_access.roles`; a name with a slash or a colon (`https://example.com/roles`) is a name. */
const LOOKS_LIKE_A_PATH = /^[\w-]+(?:\.[\w-]+)+$/;

function readIssuedAtOption(reader: OptionReader): boolean {
  if (!reader.flag('unsafeAcceptTokensWithoutIssuedAt')) return false;
  for (const name of ['maxTokenAgeSeconds', 'maxTokenLifetimeSeconds', 'profile'] as const) {
    if (reader.get(name) === undefined) continue;
    reader.wrong(name, 'needs iat in every token: it cannot be combined with unsafeAcceptTokensWithoutIssuedAt. Leave one of them out.');
  }
  return true;
}

function readKeyFetching(reader: OptionReader): Pick<RemoteKeysConfig, keyof KeyFetchingOptions> {
  const inner = reader.inner('keyFetching', KEY_FETCHING_OPTIONS);
  return {
    timeoutSeconds: inner.number('timeoutSeconds', 5, { least: 0.01, most: 60 }),
    maxBytes: inner.number('maxBytes', 524_288, { least: 1024, most: 16_777_216, whole: true }),
    maxKeys: inner.number('maxKeys', 100, { least: 1, most: 1000, whole: true }),
    jwksHosts: inner.hosts('jwksHosts'),
    freshSeconds: inner.number('freshSeconds', 600, { least: 1, most: DAY_SECONDS }),
    staleSeconds: inner.number('staleSeconds', 3600, { least: 0, most: DAY_SECONDS }),
    unknownKeyCooldownSeconds: inner.number('unknownKeyCooldownSeconds', 30, { least: 1, most: DAY_SECONDS }),
  };
}

/** An address that is fetched from, with `{tenant}` in it or not. */
function readAddress(reader: OptionReader, name: 'jwksUri' | 'metadataUrl', unsafeHttpHosts: ReadonlySet<string>): string | undefined {
  const given = reader.get(name);
  if (given === undefined) return undefined;
  const problem = typeof given === 'string' ? urlProblem(given.replace(TENANT, 'tenant'), unsafeHttpHosts) : 'is not a string';
  if (problem) reader.wrong(name, `${problem} (given: ${shown(given)})`);
  return given as string;
}

function asSet(values: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return values && new Set(values);
}

const KEY_FETCHING_OPTIONS = ['timeoutSeconds', 'maxBytes', 'maxKeys', 'jwksHosts', 'freshSeconds', 'staleSeconds', 'unknownKeyCooldownSeconds'];

export const ISSUER_OPTION_NAMES = [
  'issuer',
  'tenants',
  'unsafeAcceptAnyTenant',
  'audience',
  'unsafeAcceptTokensForAnyAudience',
  ...KEY_OPTION_NAMES,
  'unsafeHttpHosts',
  'algorithms',
  'clockSkewSeconds',
  'profile',
  'requiredClaims',
  'requiredValues',
  'forbiddenClaims',
  'maxTokenAgeSeconds',
  'maxTokenLifetimeSeconds',
  'allowedClients',
  'clientIdClaim',
  'rolesClaim',
  'scopesClaim',
  'unsafeAcceptTokensWithoutIssuedAt',
  'keyFetching',
] as const satisfies readonly (keyof IssuerOptions)[];
