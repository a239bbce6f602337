import { createKeyAccess, fetchJson, inspectKeys, metadataUrls, NotFoundError, type FetchedJson, type InspectedKey } from '@tokenward/core/diagnosis';
import { leadsToOtherHost, nodeRequest, printable, printableUrl, urlProblem } from '@tokenward/core/store';
import type { IssuerOptions } from '@tokenward/core';
import { readSmallFile } from '../lib/small-file.js';
import { fail, note, ok, skip, warn, type Check } from './check.js';

/** The defaults of `keyFetching`. */
const DEFAULTS = { timeoutSeconds: 5, maxBytes: 524_288 };
const MOST_BYTES = 16_777_216;

/** How long an issuer may take to answer. */
export function timeoutOf({ keyFetching }: IssuerOptions): number {
  const given = keyFetching?.timeoutSeconds;
  return typeof given === 'number' && given > 0 && given <= 60 ? given : DEFAULTS.timeoutSeconds;
}

/** Returns what a fetch sends and trusts: the authorities and the files of `keyFetching`. It throws if one of them cannot be read. */
export function accessOf({ issuer = '', metadataUrl, jwksUri, keyFetching }: IssuerOptions): ReturnType<typeof createKeyAccess> {
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const [ca, caFile, bearerTokenFile] = [keyFetching?.ca, keyFetching?.caFile, keyFetching?.bearerTokenFile].map(text);
  return createKeyAccess({ issuer, metadataUrl, jwksUri, ca, caFile, bearerTokenFile, unsafeHttpHosts: new Set() });
}

/** What the metadata of an issuer gave. */
export interface Metadata {
  readonly document: Readonly<Record<string, unknown>>;
  /** The time of the server when it answered, in milliseconds. */
  readonly serverMs: number | undefined;
  /** The time of this machine at that moment. */
  readonly localMs: number;
}

export interface MetadataResult {
  readonly checks: readonly Check[];
  readonly found: Metadata | undefined;
}

/** Fetches over the transport of guards: with time-outs, limits of size, and without redirects. */
async function get(url: string, options: IssuerOptions, publicOnly = false): Promise<FetchedJson> {
  const timeoutSeconds = timeoutOf(options);
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error(`no complete answer within ${timeoutSeconds} s`)), timeoutSeconds * 1000);
  try {
    const { maxBytes: given } = Object(options.keyFetching) as { readonly maxBytes?: unknown };
    const maxBytes = typeof given === 'number' && given > 0 && given <= MOST_BYTES ? given : DEFAULTS.maxBytes;
    return await fetchJson(url, { transport: nodeRequest, maxBytes, timeoutSeconds, access: accessOf(options) }, controller.signal, publicOnly);
  } finally {
    clearTimeout(timer);
  }
}

/** Fetches the metadata of an issuer from the addresses that a guard tries, in the same order. */
export async function checkMetadata(options: IssuerOptions, now: () => number): Promise<MetadataResult> {
  const { issuer, metadataUrl } = options;
  // an issuer with metadataUrl need not be a URL
  const urls = metadataUrl === undefined ? metadataUrls(issuer!) : [metadataUrl];
  const failures: string[] = [];
  for (const url of urls) {
    try {
      const { document, header } = await get(url, options);
      const localMs = now();
      const form = metadataUrl !== undefined ? 'metadataUrl' : url === urls[0] ? 'OpenID Connect Discovery' : 'RFC 8414';
      return readMetadata(issuer!, url, form, document, Date.parse(header('date') ?? ''), localMs);
    } catch (error) {
      // messages of core name the address and what happened there, and quote nothing of the answer
      failures.push((error as Error).message);
      if (!(error instanceof NotFoundError)) break;
    }
  }
  const remedy = `Check that issuer is the exact address, with its path (Keycloak: /realms/NAME, Okta: /oauth2/default). If the metadata is at another address, set metadataUrl; without metadata, set jwksUri.`;
  return { checks: [fail('metadata', failures.join('; '), remedy)], found: undefined };
}

function readMetadata(issuer: string, url: string, form: string, document: unknown, serverMs: number, localMs: number): MetadataResult {
  const members = typeof document === 'object' && document !== null ? (document as Record<string, unknown>) : {};
  const named = Object.hasOwn(members, 'issuer') ? members['issuer'] : undefined;
  const found: Metadata = { document: members, serverMs: Number.isNaN(serverMs) ? undefined : serverMs, localMs };
  const checks = [ok('metadata', `${printableUrl(url)} (${form})`)];
  if (named === issuer) checks.push(ok('issuer', `the metadata names exactly ${printable(issuer)}`));
  else checks.push(issuerProblem(issuer, named));
  return { checks, found };
}

function issuerProblem(issuer: string, named: unknown): Check {
  if (typeof named !== 'string') return fail('issuer', 'the metadata has no issuer', 'Check that the address is that of an authorization server.');
  const shown = printable(named);
  const bare = (text: string): string => text.replace(/\/$/, '');
  const detail = `the metadata names ${JSON.stringify(shown)}, and issuer is ${JSON.stringify(printable(issuer))}`;
  if (bare(named) === bare(issuer)) return fail('issuer', `${detail}: they differ in the slash at the end`, `Set issuer to exactly ${shown}.`);
  if (bare(named).replace(/^http:/, 'https:') === bare(issuer).replace(/^http:/, 'https:')) {
    return fail(
      'issuer',
      `${detail}: they differ in http and https`,
      'Configure the public https address at the authorization server (behind a proxy, its setting for forwarded headers), and set issuer to it.',
    );
  }
  if (named.toLowerCase() === issuer.toLowerCase()) return fail('issuer', `${detail}: they differ in upper and lower case`, `Set issuer to exactly ${shown}.`);
  return fail(
    'issuer',
    detail,
    `Tokens will name ${shown}. If that is the issuer you trust, set issuer to it, and metadataUrl to the address that this machine can reach.`,
  );
}

/** Compares the clocks. A guard allows a difference of `clockSkewSeconds`. */
export function checkClock({ serverMs, localMs }: Metadata, skewSeconds: number): Check {
  if (serverMs === undefined) return skip('clock', 'the answer of the issuer has no Date header');
  // the header has whole seconds, and the answer took a moment
  const difference = Math.round((localMs - serverMs) / 1000);
  const words = `this machine is ${Math.abs(difference)} s ${difference < 0 ? 'behind' : 'ahead of'} the issuer`;
  const remedy = 'Synchronise the clocks (NTP, chrony). Until then, clockSkewSeconds allows up to 300 s.';
  if (Math.abs(difference) > skewSeconds) return fail('clock', `${words}, more than clockSkewSeconds (${skewSeconds}) allows`, remedy);
  return Math.abs(difference) > 5 ? warn('clock', words, remedy) : ok('clock', 'this machine and the issuer agree');
}

/** Fetches and inspects the keys of an issuer. */
export async function checkKeys(options: IssuerOptions, metadata: Metadata | undefined): Promise<readonly Check[]> {
  const { issuer = '', jwksFile, jwksUri, metadataUrl } = options;
  if (jwksFile !== undefined) return keysIn('the file', readKeyFile(jwksFile), options);
  const url = jwksUri ?? metadata?.document['jwks_uri'];
  if (url === undefined || url === null) {
    return metadata
      ? [fail('keys', 'the metadata has no jwks_uri', 'Set jwksUri to the address of the keys.')]
      : [skip('keys', 'their address is unknown without the metadata')];
  }
  const problem = typeof url === 'string' ? urlProblem(url, new Set(options.unsafeHttpHosts)) : 'is not a string';
  if (problem) return [fail('keys', `the address of the keys ${problem}`, 'Correct jwks_uri at the authorization server, or set jwksUri.')];
  const address = url as string;
  const isNamedAlone =
    jwksUri === undefined && leadsToOtherHost(address, { issuer, metadataUrl }) && options.keyFetching?.jwksHosts?.includes(new URL(address).hostname) !== true;
  try {
    const { document } = await get(address, options, isNamedAlone);
    return keysIn(printableUrl(address), document, options);
  } catch (error) {
    return [
      fail(
        'keys',
        (error as Error).message,
        'Check that this machine can reach the address. A host with a private address, which only the metadata names, must be in keyFetching.jwksHosts.',
      ),
    ];
  }
}

function readKeyFile(path: string): unknown {
  try {
    return JSON.parse(readSmallFile(path, '--jwks-file')) as unknown;
  } catch {
    return undefined;
  }
}

const MAX_LINES = 20;

function keysIn(where: string, document: unknown, { algorithms, profile }: IssuerOptions): readonly Check[] {
  const keys = inspectKeys(document, algorithms, profile === 'jwt-svid' ? profile : 'sig');
  if (!keys) return [fail('keys', `${where} is not a JWKS`, 'It must be a JSON object with an array "keys".')];
  const usable = keys.filter((key) => key.skipped === undefined);
  const summary =
    usable.length > 0
      ? ok('keys', `${where}: ${usable.length} of ${keys.length} can verify tokens`)
      : fail(
          'keys',
          `${where}: none of ${keys.length} keys can verify tokens`,
          'Have the authorization server sign with a key pair (RS256 or ES256), and compare algorithms.',
        );
  const more = keys.length > MAX_LINES ? [note('key', `and ${keys.length - MAX_LINES} more`)] : [];
  return [summary, ...keys.slice(0, MAX_LINES).map((key) => keyCheck(key, keys.length)), ...more];
}

function keyCheck({ index, keyId, kind, algorithms, skipped, isMistake, sameKeyId }: InspectedKey, count: number): Check {
  const name = `${keyId === undefined ? `number ${index + 1}, without kid` : `"${keyId}"`}, ${kind}`;
  if (skipped !== undefined) {
    return isMistake
      ? warn('key', `${name}: ${skipped}`, 'The guard skips this key. Replace it at the authorization server.')
      : note('key', `${name}: not used, it ${skipped}`);
  }
  if (sameKeyId.length > 0)
    return warn('key', `${name}: another key has the same kid`, 'The guard tries up to four keys for a token. Give each key its own kid.');
  if (keyId === undefined && count > 1)
    return warn('key', `${name}, for ${algorithms.join(', ')}`, 'Tokens cannot name this key, so the guard tries several. Give each key a kid.');
  return ok('key', `${name}, for ${algorithms.join(', ')}`);
}
