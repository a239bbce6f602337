import { SCOPE_TOKEN } from '../auth/names.js';
import type { OptionReader } from '../lib/option-reader.js';
import { readInnerTable, type OptionTable, type OptionValues } from '../lib/option-table.js';
import { shown } from '../lib/shown-option.js';
import { printable, urlProblem } from '../lib/url.js';
import type { ResponseHeaders } from './decision.js';

/** What this API's metadata says beyond what the guard knows (RFC 9728 s2). */
export interface ResourceMetadataOptions {
  /**
   * The URL of this API, without query and fragment. Default: the first `audience` that is such a URL, with https or on a host for which http is accepted, else
   * `publicOrigin`.
   */
  readonly resource?: string | undefined;
  /** The scopes to offer, instead of those that routes require. */
  readonly scopes?: readonly string[] | undefined;
  /** The issuers to offer, instead of the issuers in the options: for an `issuers` function, and for tenants. */
  readonly authorizationServers?: readonly string[] | undefined;
  /** The name of this API, for people. */
  readonly resourceName?: string | undefined;
  /** A page for developers. */
  readonly resourceDocumentation?: string | undefined;
  /** A page that says what clients may do with the data. */
  readonly resourcePolicyUri?: string | undefined;
  /** A page with the terms of service. */
  readonly resourceTosUri?: string | undefined;
}

/** The answer to a request for the metadata. */
export interface MetadataAnswer {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: string;
}

/** The metadata of an API (RFC 9728), independent of any framework. */
export interface MetadataEndpoint {
  /**
   * Returns the answer to a request for the metadata, whatever its credentials, and undefined for every other request.
   *
   * @param request its target must be the path as the client sent it
   */
  answer(request: {
    readonly method: string;
    readonly target: string;
    readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  }): MetadataAnswer | undefined;
  /** The paths that it answers. Empty if no option names the URL of this API. */
  readonly paths: readonly string[];
  /** The address that challenges name in `resource_metadata`. undefined if no option names the URL of this API. */
  readonly url: string | undefined;
  /** The authorization servers that it offers. Empty if no option names any. */
  readonly authorizationServers: readonly string[];
}

const MAX_ITEMS = 1000;
const MAX_TEXT = 1000;

/** Scopes by which a client requests something other than access to an API. */
const NOT_OF_APIS: ReadonlySet<string> = new Set(['openid', 'offline_access']);

/** Returns the scopes that metadata may offer: a client that asks for all of them must not get an ID token, or access while the user is away. */
export function offeredScopes(scopes: Iterable<string>): readonly string[] {
  return [...new Set(scopes)].filter((name) => !NOT_OF_APIS.has(name));
}

const METADATA = {
  resource: readResource,
  scopes: readScopes,
  authorizationServers: readServers,
  resourceName: readName,
  resourceDocumentation: readPage,
  resourcePolicyUri: readPage,
  resourceTosUri: readPage,
} satisfies OptionTable<ResourceMetadataOptions>;

export type ResourceMetadataConfig = OptionValues<typeof METADATA>;

export function readResourceMetadata(reader: OptionReader, name: string): ResourceMetadataConfig {
  return readInnerTable(reader, name, METADATA);
}

/** Reads the option `publicOrigin`. */
export function readPublicOrigin(reader: OptionReader, name: string): string | undefined {
  const given = reader.url(name, reader.httpHosts());
  if (given === undefined) return undefined;
  const { origin } = new URL(given);
  if (given === origin) return origin;
  reader.wrong(name, `must be an origin alone, without a path or a slash at its end. Write ${shown(origin, 'url')} (got ${shown(given, 'url')})`);
  return undefined;
}

function readResource(reader: OptionReader, name: string): string | undefined {
  const given = reader.url(name);
  if (given === undefined || !/[?#]/.test(given)) return given;
  reader.wrong(name, `must have neither a query nor a fragment (got ${shown(given, 'url')})`);
  return undefined;
}

function readScopes(reader: OptionReader, name: string): readonly string[] | undefined {
  const given = readList(reader, name);
  for (const [index, scope] of (given ?? []).entries()) {
    if (!SCOPE_TOKEN.test(scope)) reader.wrong(name, `lists something at index ${index} that is not a scope (RFC 6749 s3.3)`);
    else if (NOT_OF_APIS.has(scope)) reader.wrong(name, `must not offer "${scope}", which is not a scope of an API. Remove it`);
  }
  return given;
}

function readServers(reader: OptionReader, name: string): readonly string[] | undefined {
  const given = readList(reader, name);
  for (const server of given ?? []) {
    const problem = urlProblem(server) ?? (/[?#]/.test(server) ? 'has a query or a fragment, which no issuer has (RFC 8414 s2)' : undefined);
    if (problem !== undefined) reader.wrong(name, `lists a URL that ${problem} (got ${shown(server, 'url')})`);
  }
  return given;
}

function readList(reader: OptionReader, name: string): readonly string[] | undefined {
  const given = reader.texts(name);
  if (given === undefined || given.length <= MAX_ITEMS) return given;
  reader.wrong(name, `must list at most ${MAX_ITEMS} items (got ${given.length})`);
  return undefined;
}

function readName(reader: OptionReader, name: string): string | undefined {
  if (reader.get(name) === undefined) return undefined;
  const given = reader.text(name, '');
  if (given.length > MAX_TEXT) reader.wrong(name, `must have at most ${MAX_TEXT} characters (got ${given.length})`);
  return given;
}

function readPage(reader: OptionReader, name: string): string | undefined {
  return reader.url(name);
}

export const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** Whether a target may be a path of metadata. Guards and middleware ask it for every request, before anything that costs more. */
export function mayBeMetadata(target: string): boolean {
  return target.startsWith(WELL_KNOWN);
}

/** Where the metadata of a resource is served. */
export interface MetadataPlace {
  readonly paths: readonly string[];
  readonly url: string;
}

/**
 * Returns where clients find the metadata of a resource: the well-known path is put between its host and its path (RFC 9728 s3.1). The path without that of
 * the resource is served, too, since some clients try it, and `resource` in the answer says which API it is about.
 *
 * @param origin where clients reach this API, if that is not the origin of the resource
 */
export function metadataPlace(resource: string, origin: string = new URL(resource).origin): MetadataPlace {
  const { pathname } = new URL(resource);
  const own = pathname === '/' ? WELL_KNOWN : `${WELL_KNOWN}${pathname}`;
  // some clients drop a slash at the end
  return { paths: [...new Set([own, own.replace(/\/$/, ''), WELL_KNOWN])], url: `${origin}${own}` };
}

/**
 * Returns whether an identifier, such as an audience, is a URL that can be the resource of metadata (RFC 9728 s1.2).
 *
 * @param httpHosts hosts besides loopback for which plain http is accepted
 */
export function isResourceUrl(text: string, httpHosts: ReadonlySet<string>): boolean {
  return !/[?#]/.test(text) && urlProblem(text, httpHosts) === undefined && printable(text, text.length) === text;
}

/** Returns the issuers that metadata offers to clients: those in the options that are URLs, and not the pattern of several. */
export function offeredServers(issuers: readonly string[], httpHosts: ReadonlySet<string>): readonly string[] {
  return issuers.filter((name) => isResourceUrl(name, httpHosts) && !name.includes('{'));
}
