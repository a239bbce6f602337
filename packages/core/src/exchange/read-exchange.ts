import { readClock, type Clock } from '../lib/clock.js';
import { ConfigurationError } from '../lib/configuration-error.js';
import { OptionReader, plainOptions, plainProblem } from '../lib/option-reader.js';
import { numberOption, readTable, type OptionTable } from '../lib/option-table.js';
import { shown, shownMember } from '../lib/shown-option.js';
import { canonicalProblem, identifierProblem, isUnderLocalhost, urlProblem } from '../lib/url.js';
import { clientAuthenticator, type AuthenticateClient } from '../net/client-authentication.js';
import {
  checkClientAuthentication,
  hasSpaceAround,
  readClientAuthentication,
  readPrivateKey,
  readTls,
  SPACE_AROUND,
  type ClientAuthentication,
} from '../net/client-options.js';
import type { Endpoint } from '../net/endpoint-call.js';
import type { TlsParts } from '../net/transport.js';
import type { ExchangeTarget, TokenExchangeOptions } from './exchange-options.js';

/** The options of a token exchange, validated and complete. */
export interface ExchangeConfig {
  readonly targets: ReadonlyMap<string, Target>;
  /** undefined if every target relays the received token. */
  readonly server: ExchangeServer | undefined;
  readonly timeoutSeconds: number;
  readonly callTimeoutSeconds: number;
  readonly cacheSeconds: number;
  readonly maxEntries: number;
  readonly maxConcurrent: number;
  readonly maxQueued: number;
  readonly apiFetch: typeof globalThis.fetch | undefined;
  readonly clock: Clock;
}

/** One API that may be called. */
export interface Target {
  readonly audience: string;
  readonly origins: ReadonlySet<string>;
  readonly scope: string | undefined;
  readonly resource: string | undefined;
  readonly relays: boolean;
}

/** The authorization server, and how this API authenticates there. */
export interface ExchangeServer {
  readonly issuer: string;
  readonly endpoint: Endpoint;
  readonly authenticate: AuthenticateClient;
  /** A function, so that no inspection shows the key. */
  readonly tls: () => TlsParts | undefined;
}

const MAX_AUDIENCES = 100;
/** RFC 6749 s3.3, with single spaces. */
const SCOPE = /^[!#-[\]-~]+(?: [!#-[\]-~]+)*$/;
const SERVER_OPTIONS = ['issuer', 'clientId', 'clientSecret', 'authentication', 'privateKey', 'tls', 'tokenEndpoint', 'metadataUrl'] as const;

const OPTIONS = {
  // they may use plain http only for hosts that unsafeHttpHosts lists: see readTargets
  audiences: readAsGiven,
  issuer: (reader: OptionReader, name: string) => reader.text(name, ''),
  clientId(reader: OptionReader, name: string) {
    const clientId = reader.text(name, '');
    if (hasSpaceAround(clientId)) reader.wrong(name, SPACE_AROUND);
    return clientId;
  },
  // must be absent, or a string, depending on the authentication
  clientSecret: readAsGiven,
  authentication: readClientAuthentication,
  privateKey: readPrivateKey,
  tls: readTls,
  tokenEndpoint: readAddress,
  metadataUrl: readAddress,
  unsafeHttpHosts: (reader: OptionReader, name: string) => reader.hosts(name),
  timeoutSeconds: numberOption(5, { least: 0.05, most: 60 }),
  callTimeoutSeconds: numberOption(30, { least: 0.05, most: 3600 }),
  cacheSeconds: numberOption(300, { least: 0, most: 86_400 }),
  maxEntries: numberOption(5000, { least: 1, most: 1_000_000, whole: true }),
  maxConcurrent: numberOption(20, { least: 1, most: 1000, whole: true }),
  maxQueued: numberOption(200, { least: 0, most: 100_000, whole: true }),
  apiFetch: (reader: OptionReader, name: string) => reader.fn<typeof globalThis.fetch>(name),
  clock: readClock,
} satisfies OptionTable<TokenExchangeOptions>;

const TARGET = {
  origins: readAsGiven,
  scope: readScope,
  resource(reader: OptionReader, name: string) {
    const resource = reader.text(name, '') || undefined;
    if (resource !== undefined && !(URL.canParse(resource) && !resource.includes('#')))
      reader.wrong(name, `must be an absolute URI without a fragment (got ${shown(resource, 'url')})`);
    return resource;
  },
  unsafeRelayReceivedToken: (reader: OptionReader, name: string) => reader.flag(name),
} satisfies OptionTable<ExchangeTarget>;

/** @throws ConfigurationError that lists all invalid options */
export function readExchange(options: TokenExchangeOptions): ExchangeConfig {
  const reader = new OptionReader(plainOptions(options, 'createTokenExchange()'), Object.keys(OPTIONS), 'createTokenExchange().');
  const values = readTable(reader, OPTIONS);
  const { unsafeHttpHosts = NO_HOSTS, issuer, clientId, tls, privateKey, clock } = values;
  const targets = readTargets(reader, unsafeHttpHosts);
  const exchanges = targets.length === 0 || targets.some(({ relays }) => !relays);
  let method: ClientAuthentication = 'none';
  if (exchanges) {
    for (const name of ['issuer', 'clientId'] as const)
      if (reader.get(name) === undefined)
        reader.wrong(name, `is missing: set it to the ${name === 'issuer' ? "authorization server's issuer URL" : 'client id of this API there'}`);
    checkIssuer(reader, issuer, unsafeHttpHosts);
    method = checkClientAuthentication(reader, values.authentication, values.clientSecret, 'authentication');
  } else {
    for (const name of SERVER_OPTIONS)
      if (reader.get(name) !== undefined) reader.wrong(name, 'has no effect, since all audiences relay the received token. Leave it out');
  }
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  const { timeoutSeconds, callTimeoutSeconds, cacheSeconds, maxEntries, maxConcurrent, maxQueued, apiFetch } = values;
  const credentials = { clientId, clientSecret: values.clientSecret as string | undefined, privateKey };
  const server: ExchangeServer = {
    issuer,
    endpoint: {
      source: { issuer, metadataUrl: values.metadataUrl, unsafeHttpHosts },
      address: values.tokenEndpoint,
      metadataName: 'token_endpoint',
      option: 'tokenEndpoint',
      showsCertificate: tls !== undefined,
    },
    authenticate: clientAuthenticator(method, credentials, issuer, () => clock.now()),
    tls: () => tls,
  };
  return {
    targets: new Map(targets.map((target) => [target.audience, target])),
    server: exchanges ? server : undefined,
    timeoutSeconds,
    callTimeoutSeconds,
    cacheSeconds,
    maxEntries,
    maxConcurrent,
    maxQueued,
    apiFetch,
    clock,
  };
}

function readTargets(reader: OptionReader, httpHosts: ReadonlySet<string>): readonly Target[] {
  const given = reader.get('audiences');
  const problem = plainProblem(given);
  const entries = problem === undefined ? Object.entries(given as object) : [];
  if (entries.length === 0 || entries.length > MAX_AUDIENCES) {
    reader.wrong('audiences', `must be an object with 1 to ${MAX_AUDIENCES} audiences, such as { billing: { origins: ['https://billing.internal'] } }`);
    return [];
  }
  return entries.flatMap(([audience, target]) => {
    const path = `audiences.${shownMember(audience)}`;
    const wrong = audience === '' || hasSpaceAround(audience) ? 'is not the name of an audience' : plainProblem(target);
    if (wrong !== undefined) {
      reader.wrong(path, wrong);
      return [];
    }
    const inner = new OptionReader(target as object, Object.keys(TARGET), `createTokenExchange().${path}.`, reader.problems);
    const { scope, resource, unsafeRelayReceivedToken } = readTable(inner, TARGET);
    const origins = readOrigins(inner, 'origins', httpHosts);
    if (unsafeRelayReceivedToken)
      for (const name of ['scope', 'resource'] as const)
        if (inner.get(name) !== undefined) inner.wrong(name, 'has no effect with unsafeRelayReceivedToken, which asks for no token');
    return [{ audience, origins, scope, resource, relays: unsafeRelayReceivedToken }];
  });
}

/** Origins are compared as texts, so each must be written as a URL's `origin` is. */
function readOrigins(reader: OptionReader, name: string, httpHosts: ReadonlySet<string>): ReadonlySet<string> {
  if (reader.get(name) === undefined) reader.wrong(name, "is missing: set it to where the API is, such as ['https://billing.internal']");
  const origins = reader.texts(name) ?? [];
  for (const origin of origins) {
    const problem = urlProblem(origin, httpHosts) ?? originProblem(origin, httpHosts);
    if (problem !== undefined) reader.wrong(name, `${problem} (got ${shown(origin, 'url')})`);
  }
  return new Set(origins);
}

function originProblem(origin: string, httpHosts: ReadonlySet<string>): string | undefined {
  const { origin: written, protocol, hostname } = new URL(origin);
  if (written !== origin || origin.includes('*')) return 'must be an origin: scheme, host and port, without a path, a slash at the end or a pattern';
  // fetch may ask a name server for such a name, unlike this package's own client
  const isUnsure = protocol === 'http:' && isUnderLocalhost(hostname) && !httpHosts.has(hostname);
  return isUnsure ? 'may lead to another machine by plain http. Use https, localhost or 127.0.0.1, or list the host in unsafeHttpHosts' : undefined;
}

function readScope(reader: OptionReader, name: string): string | undefined {
  const scope = reader.get(name);
  if (scope === undefined || isScope(scope)) return scope;
  reader.wrong(name, `must be one or more scopes separated by single spaces (got ${shown(scope)})`);
  return undefined;
}

export function isScope(scope: unknown): scope is string {
  return typeof scope === 'string' && SCOPE.test(scope);
}

/** An issuer that metadata is fetched from must be a canonical URL. Others are only compared. */
function checkIssuer(reader: OptionReader, issuer: string, httpHosts: ReadonlySet<string>): void {
  if (issuer === '') return;
  const isFetchedFrom = reader.get('metadataUrl') === undefined && reader.get('tokenEndpoint') === undefined;
  const problem = isFetchedFrom ? (urlProblem(issuer, httpHosts) ?? canonicalProblem(issuer)) : identifierProblem(issuer);
  if (problem !== undefined) reader.wrong('issuer', `${problem} (got ${shown(issuer, 'url')})`);
}

function readAddress(reader: OptionReader, name: string): string | undefined {
  return reader.url(name, reader.httpHosts());
}

function readAsGiven(reader: OptionReader, name: string): unknown {
  return reader.get(name);
}

const NO_HOSTS: ReadonlySet<string> = new Set();
