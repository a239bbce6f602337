import { createPrivateKey } from 'node:crypto';
import { types } from 'node:util';
import { watchFile, type WatchedFile } from '../keys/watched-file.js';
import type { Clock } from '../lib/clock.js';
import type { OptionReader } from '../lib/option-reader.js';
import { numberOption, readTable, type OptionTable, type OptionValues } from '../lib/option-table.js';
import { shown } from '../lib/shown-option.js';
import { clientAuthenticator } from '../net/client-authentication.js';
import {
  checkClientAuthentication,
  hasSpaceAround,
  readMethod,
  readPrivateKey,
  readTls,
  SPACE_AROUND,
  type ClientAuthentication,
} from '../net/client-options.js';
import type { FetchLimits } from '../net/fetch-json.js';
import type { MetadataSource } from '../net/metadata.js';
import type { Transport } from '../net/transport.js';
import { isToken68 } from '../request/credentials.js';
import type { IntrospectionCache } from './introspection-cache.js';
import type { IntrospectionConfig } from './introspection-config.js';
import type { IntrospectionOptions } from './introspection-options.js';
import { watchIssuerFile, type FileOwner } from './issuer-file.js';

const METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls_client_auth'] as const satisfies readonly ClientAuthentication[];
const LEAST_SECRET_LENGTH = 32;

const INTROSPECTION = {
  // it may use plain http only for hosts that the issuer's options list: see readIntrospection
  endpoint: readAsGiven,
  clientId: readClientId,
  // must be absent, or a string, depending on the authentication
  clientSecret: readAsGiven,
  authentication: (reader: OptionReader, name: string) => readMethod(reader, name, METHODS),
  privateKey: readPrivateKey,
  tls: readTls,
  bearerTokenFile: (reader: OptionReader, name: string) => reader.text(name, '') || undefined,
  accepts: readAccepts,
  signed: readFlag,
  cacheSeconds: numberOption(30, { least: 0, most: 3600 }),
  inactiveCacheSeconds: numberOption(5, { least: 0, most: 300 }),
  maxEntries: numberOption(10_000, { least: 1, most: 1_000_000, whole: true }),
  timeoutSeconds: numberOption(5, { least: 0.05, most: 60 }),
  maxConcurrent: numberOption(20, { least: 1, most: 1000, whole: true }),
  maxQueued: numberOption(200, { least: 0, most: 100_000, whole: true }),
  cache: readCache,
  cacheSecret: readCacheSecret,
  unsafeAcceptAnswersWithoutIssuer: readFlag,
  unsafeAcceptAnswersWithoutAudience: readFlag,
  unsafeAcceptAnswersWithoutExpiry: readFlag,
} satisfies OptionTable<IntrospectionOptions>;

type IntrospectionValues = OptionValues<typeof INTROSPECTION>;

/** What the introspection of an issuer needs of its other options, and of its guard. */
export interface IntrospectionContext {
  readonly source: MetadataSource;
  readonly transport: Transport;
  readonly access: FetchLimits['access'];
  /** Whether the transport is the user's own fetch. */
  readonly hasOwnFetch: boolean;
  readonly clock: Pick<Clock, 'now'>;
  /** For `bearerTokenFile`. */
  readonly fileOwner: FileOwner;
}

/** Reads `introspect`: which tokens are introspected. */
export function readIntrospect(reader: OptionReader, name: string): 'opaque' | 'always' {
  const given = reader.get(name);
  if (given === undefined) return 'opaque';
  if (given !== 'always' && given !== 'opaque') reader.wrong(name, `must be 'opaque' or 'always' (got ${shown(given, ['opaque', 'always'])})`);
  if (reader.get('introspection') === undefined) reader.wrong(name, 'needs introspection: set it to the credentials of this API at the endpoint');
  return given === 'always' ? 'always' : 'opaque';
}

/**
 * Reads the option `introspection`, and reports problems to the reader. Call the result only if there were none.
 *
 * @returns creates the configuration, and begins to watch files; undefined without introspection
 */
export function readIntrospection(
  reader: OptionReader,
  introspect: 'opaque' | 'always',
  { source, transport, access, hasOwnFetch, clock, fileOwner }: IntrospectionContext,
): (() => IntrospectionConfig) | undefined {
  if (reader.get('introspection') === undefined) return undefined;
  const inner = reader.inner('introspection', Object.keys(INTROSPECTION));
  const values = readTable(inner, INTROSPECTION);
  const { clientId, bearerTokenFile, cacheSecret, signed, tls, privateKey } = values;
  const clientSecret = values.clientSecret as string | undefined;
  const address = inner.url('endpoint', source.unsafeHttpHosts);
  const method = bearerTokenFile === undefined ? checkClient(inner, values) : checkBearer(inner, values);
  if (tls && hasOwnFetch) inner.wrong('tls', 'cannot be combined with fetch, which opens its own connections. Leave one of them out');
  if (values.cache && cacheSecret === undefined && bearerTokenFile !== undefined)
    inner.wrong('cacheSecret', 'is missing: cache needs it, since a bearer token may differ between processes. Set it to the same secret in all of them');
  if (signed && clientId === undefined) inner.wrong('clientId', 'is missing: signed answers name the client that asked');
  if (values.unsafeAcceptAnswersWithoutExpiry && values.cacheSeconds < 1)
    inner.wrong('unsafeAcceptAnswersWithoutExpiry', 'needs cacheSeconds of at least 1: they are then the lifetime of such a token');

  return () => {
    const file = bearerTokenFile === undefined ? undefined : watchToken(bearerTokenFile, fileOwner);
    const credentials = { clientId: clientId ?? '', clientSecret, privateKey };
    return {
      endpoint: { source, address, metadataName: 'introspection_endpoint', option: 'introspection.endpoint', showsCertificate: tls !== undefined },
      transport,
      access,
      authenticate: file ? () => ({ authorization: `Bearer ${file.current()}` }) : clientAuthenticator(method!, credentials, source.issuer, () => clock.now()),
      tls: () => tls,
      clientId,
      identity: JSON.stringify([source.issuer, address ?? source.metadataUrl ?? null, method ?? 'bearer', clientId ?? bearerTokenFile, signed]),
      always: introspect === 'always',
      accepts: values.accepts,
      signed,
      cacheSeconds: values.cacheSeconds,
      inactiveCacheSeconds: values.inactiveCacheSeconds,
      maxEntries: values.maxEntries,
      timeoutSeconds: values.timeoutSeconds,
      maxConcurrent: values.maxConcurrent,
      maxQueued: values.maxQueued,
      cache: values.cache,
      cacheSecret: () => cacheSecret ?? clientSecret ?? keyText(privateKey?.key ?? tls?.key),
      acceptsWithoutIssuer: values.unsafeAcceptAnswersWithoutIssuer,
      acceptsWithoutAudience: values.unsafeAcceptAnswersWithoutAudience,
      acceptsWithoutExpiry: values.unsafeAcceptAnswersWithoutExpiry,
      fileError: () => file?.lastError(),
      close: () => file?.close(),
    };
  };
}

function checkClient(inner: OptionReader, { clientId, authentication, clientSecret }: IntrospectionValues): ClientAuthentication {
  if (clientId === undefined && inner.get('clientId') === undefined)
    inner.wrong('clientId', 'is missing: set it to the client id of this API at the authorization server, or set bearerTokenFile');
  return checkClientAuthentication(inner, authentication, clientSecret, 'authentication');
}

/** A bearer token replaces the client's own credentials, so they would have no effect. */
function checkBearer(inner: OptionReader, { bearerTokenFile }: IntrospectionValues): undefined {
  for (const name of ['authentication', 'clientSecret', 'privateKey'] as const)
    if (inner.get(name) !== undefined) inner.wrong(name, 'cannot be combined with bearerTokenFile. Leave one of them out');
  try {
    watchFile(bearerTokenFile!, parseToken, () => {}).close();
  } catch (error) {
    inner.wrong('bearerTokenFile', (error as Error).message);
  }
}

function watchToken(path: string, owner: FileOwner): WatchedFile<string> {
  const kept = 'the last bearer token stays in use';
  return watchIssuerFile({ option: 'introspection.bearerTokenFile', path, parse: parseToken, kept, reason: 'introspection_unavailable' }, owner);
}

/** @throws Error if a file holds no bearer token (RFC 6750 s2.1). The message does not quote the file */
function parseToken(text: string): string {
  const token = text.trim();
  if (!isToken68(token)) throw new Error('it does not contain a bearer token');
  return token;
}

/** Returns a private key as a text that is the same in every process that has the key. */
function keyText(key: string | object | undefined): string | undefined {
  if (key === undefined) return undefined;
  const parsed = typeof key === 'string' ? createPrivateKey(key) : createPrivateKey({ key: { ...key } as never, format: 'jwk' });
  return parsed.export({ type: 'pkcs8', format: 'der' }).toString('base64');
}

function readAsGiven(reader: OptionReader, name: string): unknown {
  return reader.get(name);
}

function readFlag(reader: OptionReader, name: string): boolean {
  return reader.flag(name);
}

function readClientId(reader: OptionReader, name: string): string | undefined {
  const clientId = reader.text(name, '');
  if (hasSpaceAround(clientId)) reader.wrong(name, SPACE_AROUND);
  return clientId || undefined;
}

function readAccepts(reader: OptionReader, name: string): IntrospectionConfig['accepts'] {
  const given = reader.get(name);
  if (given === undefined) return undefined;
  if (typeof given === 'string' && isToken68(given)) return (token) => token.startsWith(given);
  if (types.isAsyncFunction(given)) reader.wrong(name, 'must not be an async function: the guard does not wait for it. Return true or false');
  else if (typeof given === 'function') return given as IntrospectionConfig['accepts'];
  else reader.wrong(name, `must be a function, or a prefix of tokens (got ${shown(given)})`);
  return undefined;
}

function readCache(reader: OptionReader, name: string): IntrospectionCache | undefined {
  const given = reader.get(name) as Partial<IntrospectionCache> | undefined;
  if (given === undefined) return undefined;
  if (typeof given === 'object' && typeof given?.get === 'function' && typeof given.set === 'function') return given as IntrospectionCache;
  reader.wrong(name, `must be a cache with the functions get and set, such as redisIntrospections() (got ${shown(given)})`);
  return undefined;
}

function readCacheSecret(reader: OptionReader, name: string): string | undefined {
  const given = reader.get(name);
  if (given === undefined) return undefined;
  if (typeof given === 'string' && given.length >= LEAST_SECRET_LENGTH) return given;
  // never repeats the secret
  reader.wrong(name, `must be a string of at least ${LEAST_SECRET_LENGTH} characters`);
  return undefined;
}
