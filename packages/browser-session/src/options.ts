import { ConfigurationError, memoryRevocations } from '@tokenward/core';
import {
  canonicalProblem,
  checkClientAuthentication,
  numberOption,
  OptionReader,
  plainOptions,
  readClientAuthentication,
  readClock,
  readPrivateKey,
  readTable,
  readTls,
  shown,
  urlProblem,
  type OptionTable,
  type SessionStore,
} from '@tokenward/core/store';
import type { BrowserSessionOptions } from './browser-session-options.js';
import type { SessionConfig } from './config.js';
import { readAuthorizationParameters } from './options/authorization-parameters.js';
import { readLoginParameters } from './options/login-parameters.js';
import { readAppPath, readCookieName, readOrigin, readPath, readResource, readScope, readSecrets } from './options/app-options.js';
import { withTimeLimit } from './state/time-limit.js';

const DAY_SECONDS = 86_400;
const YEAR_SECONDS = 366 * DAY_SECONDS;

const OPTIONS = {
  issuer(reader: OptionReader, name: string) {
    if (reader.get(name) === undefined) reader.wrong(name, "is missing: set it to the authorization server's issuer URL");
    return reader.text(name, '');
  },
  clientId(reader: OptionReader, name: string) {
    const clientId = reader.text(name, '');
    if (reader.get(name) === undefined) reader.wrong(name, 'is missing: set it to the client id of this app at the authorization server');
    if (clientId !== clientId.trim()) reader.wrong(name, 'begins or ends with white space. Remove it, for example with trim()');
    return clientId;
  },
  // must be there or not, depending on the authentication
  clientSecret: (reader: OptionReader, name: string) => reader.get(name),
  clientAuthentication: readClientAuthentication,
  privateKey: readPrivateKey,
  tls: readTls,
  origin: readOrigin,
  path: readPath,
  scope: readScope,
  resource: readResource,
  audience: optionalText,
  authorizationParameters: readAuthorizationParameters,
  loginParameters: readLoginParameters,
  secrets: readSecrets,
  store: readSessionStore,
  refreshStore: readSessionStore,
  revocations: (reader: OptionReader, name: string) => readMethods<NonNullable<BrowserSessionOptions['revocations']>>(reader, name, REVOCATION_METHODS),
  mode: (reader: OptionReader, name: string) => readWord(reader, name, ['bff', 'token-mediating']),
  idleSeconds: numberOption(3600, { least: 60, most: YEAR_SECONDS, whole: true }),
  maxSeconds: numberOption(12 * 3600, { least: 60, most: YEAR_SECONDS, whole: true }),
  refreshAheadSeconds: numberOption(30, { least: 0, most: 3600 }),
  accessTokenSeconds: (reader: OptionReader, name: string) => reader.optionalNumber(name, { least: 1, most: 30 * DAY_SECONDS, whole: true }),
  loginSeconds: numberOption(600, { least: 30, most: 3600, whole: true }),
  cookieName: readCookieName,
  sameSite: (reader: OptionReader, name: string) => readWord(reader, name, ['strict', 'lax']),
  afterLogout: (reader: OptionReader, name: string) => readAppPath(reader, name, '/'),
  metadataUrl: (reader: OptionReader, name: string) => reader.url(name, reader.httpHosts()),
  unsafeHttpHosts: (reader: OptionReader, name: string) => reader.hosts(name),
  clockSkewSeconds: numberOption(30, { least: 0, most: 300 }),
  timeoutSeconds: numberOption(5, { least: 0.1, most: 60 }),
  fetch: (reader: OptionReader, name: string) => reader.fn<typeof globalThis.fetch>(name),
  clock: readClock,
} satisfies OptionTable<BrowserSessionOptions>;

const STORE_METHODS = ['create', 'read', 'replace', 'remove', 'removeLabelled', 'lease', 'warm', 'health', 'close'];
const REVOCATION_METHODS = ['add', 'find', 'isCurrent', 'onAdded', 'onOverflow', 'warm', 'health', 'close'];

/**
 * Returns the options of a browser session, validated and complete.
 *
 * @throws ConfigurationError that lists all invalid options
 */
export function readOptions(options: BrowserSessionOptions): SessionConfig {
  const reader = new OptionReader(plainOptions(options, 'createBrowserSession()'), Object.keys(OPTIONS), 'createBrowserSession().');
  const { clientSecret, clientAuthentication: chosen, unsafeHttpHosts = new Set<string>(), revocations, sameSite, ...values } = readTable(reader, OPTIONS);
  checkIssuer(reader, values.issuer, unsafeHttpHosts);
  const clientAuthentication = checkClientAuthentication(reader, chosen, clientSecret);
  checkTimes(reader, values);
  if (values.store && values.refreshStore) reader.wrong('refreshStore', 'cannot be combined with store, which shares refreshes too. Leave it out');
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return Object.freeze({
    ...values,
    unsafeHttpHosts,
    clientSecret: clientSecret as string | undefined,
    clientAuthentication,
    sameSite: sameSite === 'lax' ? 'Lax' : 'Strict',
    revocations: revocations ?? memoryRevocations(),
    sharesRevocations: revocations !== undefined,
  });
}

/** Its metadata is always fetched, so it must be the canonical URL. */
function checkIssuer(reader: OptionReader, issuer: string, unsafeHttpHosts: ReadonlySet<string>): void {
  if (issuer === '') return;
  const problem = urlProblem(issuer, unsafeHttpHosts) ?? canonicalProblem(issuer) ?? (/[?#]/.test(issuer) ? 'has a query or a fragment. Remove it' : undefined);
  if (problem !== undefined) reader.wrong('issuer', `${problem} (got ${shown(issuer, 'url')})`);
}

function checkTimes(reader: OptionReader, { idleSeconds, maxSeconds }: { readonly idleSeconds: number; readonly maxSeconds: number }): void {
  if (maxSeconds >= idleSeconds) return;
  const path = reader.get('maxSeconds') === undefined ? 'idleSeconds' : 'maxSeconds';
  reader.wrong(path, `is wrong: maxSeconds (${maxSeconds}) must not be less than idleSeconds (${idleSeconds}). Change one of them`);
}

function optionalText(reader: OptionReader, name: string): string | undefined {
  return reader.get(name) === undefined ? undefined : reader.text(name, '');
}

/** Reads one of some words. The first is the default. */
function readWord<const W extends string>(reader: OptionReader, name: string, words: readonly [W, ...W[]]): W {
  const value = reader.get(name) ?? words[0];
  const word = words.find((one) => one === value);
  if (word === undefined) reader.wrong(name, `must be one of ${words.map((one) => `'${one}'`).join(', ')} (got ${shown(value, words)})`);
  return word ?? words[0];
}

function readSessionStore(reader: OptionReader, name: string): SessionStore | undefined {
  const store = readMethods<SessionStore>(reader, name, STORE_METHODS);
  return store && withTimeLimit(store);
}

/** Reads an object with methods, such as a store. */
function readMethods<T>(reader: OptionReader, name: string, methods: readonly string[]): T | undefined {
  const value = reader.get(name) as Readonly<Record<string, unknown>> | null | undefined;
  if (value === undefined) return undefined;
  const missing = typeof value === 'object' && value !== null ? methods.filter((method) => typeof value[method] !== 'function') : methods;
  if (missing.length === 0) return value as T;
  reader.wrong(name, `has no function ${missing.join(', ')}. Give it a store, such as that of @tokenward/redis`);
  return undefined;
}
