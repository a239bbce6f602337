import { SCOPE_TOKEN } from '../auth/names.js';
import { ConfigurationError } from '../lib/configuration-error.js';
import { OptionReader, plainOptions } from '../lib/option-reader.js';
import { readTable, type OptionTable, type OptionValues } from '../lib/option-table.js';
import { shownMember } from '../lib/shown-option.js';
import { PROBLEM } from './problem-schema.js';
import type { OpenApiFlow, OpenApiVersion } from './types.js';

/** How a document is written. */
export interface OpenApiOptions {
  /** The version of the document. Default: `3.1`. */
  readonly version?: OpenApiVersion | undefined;
  /** The name of the security scheme. If there are several issuers, their hosts are added to it. Default: see `securitySchemes`, else `oauth2`. */
  readonly scheme?: string | undefined;
  /**
   * The security schemes that your document defines itself. If there is one for tokens, operations refer to it, and the description defines none. Its name
   * does not matter, unless `scheme` names another.
   */
  readonly securitySchemes?: Readonly<Record<string, object>> | undefined;
  /**
   * The flows by which clients get tokens, by name: `authorizationCode`, `clientCredentials`, `deviceAuthorization`. The scheme is then `oauth2`, with the
   * scopes of the routes. Only for a single issuer. Default: the scheme is `openIdConnect`, and names the issuer's metadata.
   */
  readonly flows?: Readonly<Record<string, OpenApiFlow>> | undefined;
  /** What scopes mean, for the `oauth2` scheme: `{ 'orders:read': 'Read orders' }`. */
  readonly scopeDescriptions?: Readonly<Record<string, string>> | undefined;
  /** The name of the cookie of the guard's browser session. Requests may have it, and the header `x-tokenward-csrf`, instead of a token. */
  readonly sessionCookie?: string | undefined;
  /** The name of the schema of refusals among the schemas of your document. Default: `AccessProblem`. */
  readonly problemSchemaName?: string | undefined;
}

const VERSIONS: readonly string[] = ['2.0', '3.0', '3.1', '3.2'] satisfies readonly OpenApiVersion[];
/** Names of components: OpenAPI 3.1 s4.8.7. */
const COMPONENT_NAME = /^[A-Za-z0-9._-]+$/;
/** cookie-name: RFC 6265 s4.1.1 */
const COOKIE_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const OPTIONS = {
  version: readVersion,
  scheme: readComponentName,
  securitySchemes: readDefined,
  flows: readFlows,
  scopeDescriptions: readDescriptions,
  sessionCookie: readCookieName,
  problemSchemaName: (reader, name) => readComponentName(reader, name) ?? PROBLEM,
} satisfies OptionTable<OpenApiOptions>;

export type OpenApiSettings = OptionValues<typeof OPTIONS>;

/** @throws ConfigurationError that lists all invalid options */
export function readOpenApiOptions(options: OpenApiOptions): OpenApiSettings {
  const reader = new OptionReader(plainOptions(options), Object.keys(OPTIONS));
  const values = readTable(reader, OPTIONS);
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return values;
}

/** Returns the version that a document's `openapi` or `swagger` member names: its first two numbers. */
export function versionOf(text: unknown): OpenApiVersion {
  const known = VERSIONS.find((version) => String(text).startsWith(`${version}.`) || text === version);
  return (known ?? '3.1') as OpenApiVersion;
}

function readVersion(reader: OptionReader, name: string): OpenApiVersion {
  const version = reader.text(name, '3.1');
  if (VERSIONS.includes(version)) return version as OpenApiVersion;
  reader.wrong(name, `must be one of ${VERSIONS.join(', ')} (got "${shownMember(version)}")`);
  return '3.1';
}

function readComponentName(reader: OptionReader, name: string): string | undefined {
  if (reader.get(name) === undefined) return undefined;
  const given = reader.text(name, 'x');
  if (!COMPONENT_NAME.test(given)) reader.wrong(name, 'must consist of letters, digits, ".", "_" and "-", as every name of a component');
  return given;
}

function readDefined(reader: OptionReader, name: string): Readonly<Record<string, object>> {
  const given = reader.get(name);
  if (given === undefined) return {};
  if (typeof given === 'object' && given !== null && Object.values(given).every((one) => typeof one === 'object' && one !== null))
    return given as Readonly<Record<string, object>>;
  reader.wrong(name, 'must be an object of security schemes by name, as in components.securitySchemes');
  return {};
}

const FLOWS: Readonly<Record<string, readonly (keyof OpenApiFlow)[]>> = {
  authorizationCode: ['authorizationUrl', 'tokenUrl'],
  clientCredentials: ['tokenUrl'],
  deviceAuthorization: ['deviceAuthorizationUrl', 'tokenUrl'],
};

function readFlows(reader: OptionReader, name: string): Readonly<Record<string, OpenApiFlow>> | undefined {
  if (reader.get(name) === undefined) return undefined;
  const flows = reader.inner(name, Object.keys(FLOWS));
  const found: Record<string, OpenApiFlow> = {};
  for (const [flow, needed] of Object.entries(FLOWS)) {
    if (flows.get(flow) === undefined) continue;
    const urls = flows.inner(flow, [...needed, 'refreshUrl']);
    const read: Record<string, string> = {};
    for (const url of [...needed, 'refreshUrl'] as const) {
      const value = urls.url(url, urls.httpHosts());
      if (value !== undefined) read[url] = value;
      else if (url !== 'refreshUrl' && urls.get(url) === undefined) urls.wrong(url, 'is missing');
    }
    found[flow] = read;
  }
  if (Object.keys(found).length === 0) reader.wrong(name, `has no flow. Add one of ${Object.keys(FLOWS).join(', ')}`);
  return found;
}

function readDescriptions(reader: OptionReader, name: string): Readonly<Record<string, string>> {
  const given = reader.get(name);
  if (given === undefined) return {};
  const entries = typeof given === 'object' && given !== null && !Array.isArray(given) ? Object.entries(given) : undefined;
  if (!entries?.every(([scope, text]) => SCOPE_TOKEN.test(scope) && typeof text === 'string')) {
    reader.wrong(name, "must be an object of texts by scope: { 'orders:read': 'Read orders' }");
    return {};
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

function readCookieName(reader: OptionReader, name: string): string | undefined {
  if (reader.get(name) === undefined) return undefined;
  const cookie = reader.text(name, '');
  if (!COOKIE_NAME.test(cookie)) reader.wrong(name, 'is not the name of a cookie (RFC 6265 s4.1.1)');
  return cookie;
}
