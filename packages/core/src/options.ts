import type { TokenCacheLimits } from './access-token/token-cache.js';
import { isClaimsSchema } from './access-token/claims-schema.js';
import type { ClaimsSchema } from './auth/claims-schema.js';
import { readScopeHierarchy, type ScopeHierarchy } from './auth/scope-hierarchy.js';
import { readShadow, type Shadow, type ShadowOptions } from './access-token/shadow.js';
import { readDpop, readSenderConstraint, type DpopConfig, type DpopOptions, type SenderConstraint } from './binding/dpop-options.js';
import { readPublicOrigin, readResourceMetadata, type ResourceMetadataConfig, type ResourceMetadataOptions } from './decision/resource-metadata.js';
import { readClientCertificate, type ClientCertificateConfig, type ClientCertificateOptions } from './binding/client-certificate-options.js';
import { createOutageWarnings } from './events/outage-warnings.js';
import { readMonitoring, type MonitoringConfig, type MonitoringOptions } from './events/monitoring.js';
import { withFapi2 } from './issuer/fapi2.js';
import type { Issuers } from './issuer/issuer.js';
import type { IssuerOptions } from './issuer/issuer-options.js';
import { ISSUER_OPTION_NAMES, ISSUER_OPTIONS } from './issuer/issuer-table.js';
import { withDemands } from './issuer/merged-options.js';
import { readIssuers, readIssuersOption } from './issuer/read-issuers.js';
import type { IssuerResolver } from './issuer/resolver.js';
import type { DecryptionKeyOption, EncryptedTokensOptions } from './keys/decryption-options.js';
import { createProbes } from './keys/probes.js';
import { readDecryption, readEncryptedTokens, type DecryptionConfig } from './keys/read-decryption.js';
import { readClock, type Clock } from './lib/clock.js';
import { ConfigurationError, type ConfigurationProblem } from './lib/configuration-error.js';
import { own } from './lib/json.js';
import { MOST_BYTES, MOST_ENTRIES } from './lib/limit.js';
import { OptionReader, plainOptions } from './lib/option-reader.js';
import { numberOption, readInnerTable, readTable, textOption, type OptionTable } from './lib/option-table.js';
import { shown } from './lib/shown-option.js';
import { fetchTransport, nodeRequest } from './net/transport.js';
import { readRevocations, type RevocationsConfig, type RevocationsOptions } from './revocation/revocations.js';
import { readCredentialsOption, type CredentialsOptions, type ReadElsewhere } from './request/credential-places.js';
import { readSession, type AskedSession } from './session/read-session.js';
import type { BrowserSessionCredentials } from './session/session-credentials.js';

/** The options of a guard. Only `issuer` and `audience` are required. Every default is the strict one. */
export interface GuardOptions extends IssuerOptions {
  /**
   * Several authorization servers instead of one, each with options of its own; or a function that returns the options of the issuer that a token
   * names. Options next to it apply to all issuers: demands on tokens add to those of an issuer, and other options are defaults.
   */
  readonly issuers?: readonly IssuerOptions[] | IssuerResolver | undefined;
  /**
   * A schema for the claims of every token (Standard Schema: zod, valibot and others). `auth.claims` is a frozen copy of its result, which must
   * consist of plain objects, lists and values: the guard refuses a token if it contains a Date, a Map or an instance of a class. The schema runs once for
   * each new token, and its result is cached with the token, so it must depend on the claims only. If a rule depends on the time, the request or
   * anything else that changes, use a `policy`, which is evaluated for each request.
   */
  readonly claims?: ClaimsSchema | undefined;
  /**
   * Accepts encrypted access tokens (nested JWTs: RFC 7519 s5.2), and decrypts them with these keys of the API. The content must be a signed JWT that is valid
   * like any other. Default: encrypted tokens are refused.
   *
   * @example decryptionKeys: [{ file: '/run/secrets/decryption.jwk' }, { key: previousKey, kid: '2025' }]
   */
  readonly decryptionKeys?: DecryptionKeyOption | readonly DecryptionKeyOption[] | undefined;
  readonly encryptedTokens?: EncryptedTokensOptions | undefined;
  /** The cache of verified tokens, or `false` for none. Default: up to 10,000 tokens and 32 MiB, whichever is reached first. */
  readonly tokenCache?: false | TokenCacheOptions | undefined;
  /**
   * The browser session of this API's own web app: `createBrowserSession(...)` of `@tokenward/browser-session`. A request with its cookie and without an
   * `Authorization` header is authenticated by the session's access token, which must be valid like any other. The decision's headers then contain the
   * session's `Set-Cookie` lines.
   */
  readonly session?: BrowserSessionCredentials | undefined;
  /**
   * Where the certificates of clients come from, for tokens that are bound to one (RFC 8705). Default: the TLS connection of this process. If it is set, the
   * metadata of this API says that it takes certificate-bound tokens.
   */
  readonly clientCertificate?: ClientCertificateOptions | undefined;
  /** Where the access token may be, besides the `Authorization` header. Default: nowhere else. */
  readonly credentials?: CredentialsOptions | undefined;
  /**
   * How the proofs of tokens that are bound to a key are checked (DPoP, RFC 9449). With `false`, every such token is refused. Tokens that are not bound
   * are still accepted as bearer tokens, unless `senderConstraint` says otherwise.
   */
  readonly dpop?: false | DpopOptions | undefined;
  /**
   * Demands that every token is bound to its sender: to a key (`dpop`), to a client certificate (`mtls`), or to one of them (`any`). Default: tokens that are
   * not bound are accepted.
   */
  readonly senderConstraint?: SenderConstraint | undefined;
  /** Where revocations are kept, and for how long. */
  readonly revocations?: RevocationsOptions | undefined;
  /**
   * Scopes that imply others: a token with `orders:admin` then satisfies `scope('orders:read')`. Implications add up along a chain. `auth.scopes` stays what
   * the token says, and challenges name the scopes that the policies name.
   *
   * @example scopes: { 'orders:admin': ['orders:read', 'orders:write'] }
   */
  readonly scopes?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Thresholds for anomaly events. They never refuse a request. */
  readonly monitoring?: MonitoringOptions | undefined;
  /** Stricter options to try out. They refuse nothing: the event `tokenward:shadow-refused` reports what they would refuse. */
  readonly shadow?: ShadowOptions | undefined;
  /** The guard's name in events. Default: `default`. */
  readonly name?: string | undefined;
  /** The challenge's `realm` (RFC 9110 s11.5). Default: `api`. */
  readonly realm?: string | undefined;
  /** The origin that clients use: `https://api.example.com`. Set it where proxies hide it. */
  readonly publicOrigin?: string | undefined;
  /** What `guard.metadata()` says beyond what the guard knows (RFC 9728). */
  readonly metadata?: ResourceMetadataOptions | undefined;
  /** The URL of this API's resource metadata, for the challenge (RFC 9728 s5.1), if something else than `guard.metadata()` serves it. */
  readonly resourceMetadataUrl?: string | undefined;
  /** Longer tokens are refused unread. Default: 16384. */
  readonly maxTokenBytes?: number | undefined;
  /** The source of the time, for tests. Default: the system's. */
  readonly clock?: Clock | undefined;
  /**
   * Fetches metadata and keys instead of Node's own HTTP client. The limits of {@link KeyFetchingOptions} apply to it. It is
   * responsible for the addresses to which host names resolve.
   */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

export interface TokenCacheOptions {
  /** Default: 10000. */
  readonly maxEntries?: number | undefined;
  /** Estimated from the lengths of the tokens. Default: 33554432. */
  readonly maxBytes?: number | undefined;
}

/** The options of a guard, validated and complete. */
export interface GuardConfig {
  readonly issuers: Issuers;
  /** The hosts in `unsafeHttpHosts`, also of single issuers. */
  readonly httpHosts: ReadonlySet<string>;
  readonly claims: ClaimsSchema | undefined;
  readonly decryption: DecryptionConfig | undefined;
  readonly tokenCache: TokenCacheLimits | undefined;
  readonly session: AskedSession | undefined;
  readonly credentials: ReadElsewhere | undefined;
  readonly clientCertificate: ClientCertificateConfig;
  /** undefined if it is off. */
  readonly dpop: DpopConfig | undefined;
  readonly senderConstraint: SenderConstraint | undefined;
  readonly revocations: RevocationsConfig;
  readonly scopeHierarchy: ScopeHierarchy | undefined;
  readonly monitoring: MonitoringConfig;
  readonly shadow: Shadow | undefined;
  readonly name: string;
  readonly realm: string;
  readonly resourceMetadata: string | undefined;
  readonly publicOrigin: string | undefined;
  readonly metadata: ResourceMetadataConfig;
  /** The option `audience` of the guard itself. */
  readonly audiences: readonly string[];
  readonly maxTokenBytes: number;
  /** For policies that compare times. Each issuer has a clock skew of its own for its tokens. */
  readonly clockSkewSeconds: number;
  readonly clock: Clock;
}

/**
 * Validates and completes options.
 *
 * @throws ConfigurationError that lists all invalid options
 */
export function parseOptions(options: GuardOptions): GuardConfig {
  return checkOptions(options)();
}

/**
 * Validates options without side effects: no file is watched until the result is called.
 *
 * @throws ConfigurationError that lists all invalid options
 */
export function checkOptions(options: GuardOptions): () => GuardConfig {
  const problems: ConfigurationProblem[] = [];
  const wrong = (path: string, message: string): void => void problems.push({ path, message });
  const given = withFapi2(withDemands(plainOptions(options), wrong), wrong);
  const reader = new OptionReader(given, OPTION_NAMES, '', problems);
  const { issuers, fetch, revocations, resourceMetadataUrl, scopes, clientCertificate, decryptionKeys, encryptedTokens, dpop, ...values } = readTable(
    reader,
    GUARD_OPTIONS,
  );
  const { clock } = values;
  const createIssuers = readIssuers(reader, issuers, {
    clock,
    transport: fetch ? fetchTransport(fetch) : nodeRequest,
    hasOwnFetch: fetch !== undefined,
    outages: createOutageWarnings('tokenward:keys-failed'),
    metadataOutages: createOutageWarnings(),
    probes: createProbes(clock),
    environment: true,
  });
  const createDecryption = readDecryption(reader, decryptionKeys, encryptedTokens, createOutageWarnings());
  checkTogether(reader, values.senderConstraint);
  if (problems.length > 0) throw new ConfigurationError(inOptionOrder(problems));
  const config = {
    ...values,
    resourceMetadata: resourceMetadataUrl,
    scopeHierarchy: scopes,
    audiences: [given.audience ?? []].flat(),
    httpHosts: httpHostsOf([given, ...(Array.isArray(issuers) ? (issuers as readonly IssuerOptions[]) : [])]),
    clockSkewSeconds: ISSUER_OPTIONS.clockSkewSeconds(reader, 'clockSkewSeconds'),
  };
  return () =>
    Object.freeze({
      ...config,
      issuers: createIssuers(),
      revocations: revocations(),
      clientCertificate: clientCertificate(values.name, values.senderConstraint === 'mtls'),
      decryption: createDecryption?.(),
      dpop: dpop?.(clock),
    });
}

/** The readers of a guard's options, except those of its issuers. */
const GUARD_OPTIONS = {
  issuers: readIssuersOption,
  claims: readClaimsSchema,
  tokenCache: readTokenCache,
  // they are read together: see checkOptions
  decryptionKeys: (reader: OptionReader, name: string) => reader.get(name),
  encryptedTokens: readEncryptedTokens,
  session: readSession,
  credentials: readCredentialsOption,
  clientCertificate: readClientCertificate,
  dpop: readDpop,
  senderConstraint: readSenderConstraint,
  revocations: readRevocations,
  scopes: readScopeHierarchy,
  monitoring: readMonitoring,
  shadow: readShadow,
  name: textOption('default'),
  realm: textOption('api'),
  publicOrigin: readPublicOrigin,
  metadata: readResourceMetadata,
  resourceMetadataUrl: (reader: OptionReader, name: string) => reader.url(name),
  maxTokenBytes: numberOption(16_384, { least: 256, most: 1_048_576, whole: true }),
  clock: readClock,
  fetch: (reader: OptionReader, name: string) => reader.fn<typeof globalThis.fetch>(name),
} satisfies OptionTable<Omit<GuardOptions, keyof IssuerOptions>>;

export const OPTION_NAMES: readonly string[] = [...ISSUER_OPTION_NAMES, ...Object.keys(GUARD_OPTIONS)];

/** Reports options that exclude each other. */
function checkTogether(reader: OptionReader, senderConstraint: SenderConstraint | undefined): void {
  if (senderConstraint === 'dpop' && reader.get('dpop') === false)
    reader.wrong('senderConstraint', 'must not be "dpop" while dpop is false: every token would be refused. Remove one of the two');
  if (senderConstraint !== undefined && reader.get('session') !== undefined)
    reader.wrong(
      'senderConstraint',
      'cannot be combined with session: the tokens of browser sessions are bearer tokens. Give the routes of the app a guard of their own',
    );
}

function httpHostsOf(listed: readonly IssuerOptions[]): ReadonlySet<string> {
  return new Set(listed.flatMap((options) => (own(options, 'unsafeHttpHosts') ?? []) as readonly string[]));
}

function readClaimsSchema(reader: OptionReader, name: string): ClaimsSchema | undefined {
  const claims = reader.get(name);
  if (claims === undefined || isClaimsSchema(claims)) return claims;
  reader.wrong(name, `must be a Standard Schema, version 1 (got ${shown(claims)})`);
  return undefined;
}

function readTokenCache(reader: OptionReader, name: string): TokenCacheLimits | undefined {
  return reader.get(name) === false ? undefined : readInnerTable(reader, name, TOKEN_CACHE);
}

const TOKEN_CACHE = {
  maxEntries: numberOption(10_000, { least: 2, most: MOST_ENTRIES, whole: true }),
  maxBytes: numberOption(33_554_432, { least: 65_536, most: MOST_BYTES, whole: true }),
} satisfies OptionTable<TokenCacheOptions>;

/** Sorts problems by option, so that `issuer` and `audience` come first. Unknown names come before them, because they are often mistyped options. */
function inOptionOrder(problems: readonly ConfigurationProblem[]): readonly ConfigurationProblem[] {
  const place = ({ path }: ConfigurationProblem): number => OPTION_NAMES.indexOf(path.split(/[.[]/, 1)[0]!);
  return problems.toSorted((one, other) => place(one) - place(other));
}
