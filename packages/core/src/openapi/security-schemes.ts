import { misuse } from '../lib/configuration-error.js';
import { code } from '../policy/documented.js';
import type { OpenApiSettings } from './options.js';
import type { SecuredApi } from './secured-api.js';
import type { OpenApiRequirement, OpenApiSecurityScheme, OpenApiVersion } from './types.js';

/** A security scheme by which a client sends a token. */
export interface TokenScheme {
  readonly name: string;
  /** The issuer whose tokens it stands for. undefined: any that has no scheme of its own. */
  readonly issuer: string | undefined;
  /** Whether its requirements may list scopes. */
  readonly hasScopes: boolean;
  /**
   * undefined: the document defines it itself, and completely.
   *
   * @param scopes the scopes of all routes
   */
  readonly definition: ((scopes: readonly string[]) => OpenApiSecurityScheme) | undefined;
}

/** The security schemes of one guard. */
export interface SecuritySchemes {
  /** There is at least one. */
  readonly tokens: readonly TokenScheme[];
  /** What a request needs if it has a browser session instead of a token. undefined: tokens only. */
  readonly session: OpenApiRequirement | undefined;
  /** What a request needs besides its token: one of these. `{}` stands for a proof that this version of OpenAPI cannot express. */
  readonly proofs: readonly OpenApiRequirement[];
  /** @param scopes the scopes of all routes */
  definitions(scopes: readonly string[]): Readonly<Record<string, OpenApiSecurityScheme>>;
}

/** @throws ConfigurationError if the settings contradict the guard */
export function createSecuritySchemes(api: SecuredApi, settings: OpenApiSettings): SecuritySchemes {
  const { version, flows, sessionCookie } = settings;
  const scheme = settings.scheme ?? uniqueName(DEFAULT_NAME, namesOfOthers(settings.securitySchemes));
  if (flows && (api.issuers.length > 1 || api.hasOtherIssuers) && api.issuers.length > 0)
    throw misuse('flows', 'cannot be set, since the guard accepts tokens of several issuers. Without it, the document names the metadata of each');
  if (sessionCookie !== undefined && !api.hasSession) throw misuse('sessionCookie', 'is set, but the guard has no option session');
  const defined = definedScheme(settings);
  const tokens = defined ? [defined] : flows || version === '2.0' ? [onlyScheme(api, scheme, settings)] : schemesOfIssuers(api, scheme, version);
  // Swagger 2.0 has no cookies
  const hasCookie = sessionCookie !== undefined && version !== '2.0';
  const proofs = api.proofs.map((proof): OpenApiRequirement => (proof === 'mtls' && isOld(version) ? {} : { [`${scheme}.${proof}`]: [] }));
  const [cookie, header] = [`${scheme}.session`, `${scheme}.csrf`];

  function definitions(scopes: readonly string[]): Record<string, OpenApiSecurityScheme> {
    const made: Record<string, OpenApiSecurityScheme> = {};
    for (const { name, definition } of tokens) if (definition) made[name] = definition(scopes);
    if (hasCookie) Object.assign(made, { [cookie]: sessionScheme(sessionCookie), [header]: CSRF_HEADER });
    for (const name of proofs.flatMap(Object.keys)) made[name] = name.endsWith('.mtls') ? CLIENT_CERTIFICATE : DPOP_PROOF;
    // what the document defines under one of these names stays
    return Object.fromEntries(Object.entries(made).filter(([name]) => name === defined?.name || !Object.hasOwn(settings.securitySchemes, name)));
  }

  return { tokens, proofs: proofs.length > 0 ? proofs : [{}], session: hasCookie ? { [cookie]: [], [header]: [] } : undefined, definitions };
}

const DEFAULT_NAME = 'oauth2';

/** Returns the names of a document's security schemes by which clients can send an access token. */
export function tokenSchemes(defined: Readonly<Record<string, object>>): readonly string[] {
  return Object.entries(defined).flatMap(([name, one]) => (isForTokens(one) ? [name] : []));
}

/** A scheme for something else, such as the key of an API, may have the usual name. */
function namesOfOthers(defined: Readonly<Record<string, object>>): Set<string> {
  const fitting = tokenSchemes(defined);
  return new Set(Object.keys(defined).filter((name) => !fitting.includes(name)));
}

function isForTokens(given: object): boolean {
  const { type, scheme, in: place, name } = given as Readonly<Record<string, unknown>>;
  if (type === 'oauth2' || type === 'openIdConnect') return true;
  if (type === 'http') return ['bearer', 'dpop'].includes(String(scheme).toLowerCase());
  return type === 'apiKey' && place === 'header' && String(name).toLowerCase() === 'authorization';
}

/** Most tutorials write `addBearerAuth()`, whose scheme is named `bearer`, so the name of a document's only scheme for tokens does not matter. */
function definedScheme({ scheme, securitySchemes }: OpenApiSettings): TokenScheme | undefined {
  const fitting = tokenSchemes(securitySchemes);
  const isDefined = scheme === undefined ? fitting.includes(DEFAULT_NAME) : Object.hasOwn(securitySchemes, scheme);
  const name = isDefined ? (scheme ?? DEFAULT_NAME) : scheme === undefined && fitting.length === 1 ? fitting[0]! : undefined;
  if (name === undefined) return undefined;
  const defined = securitySchemes[name] as OpenApiSecurityScheme;
  const { type, flows } = defined;
  const definition = flows && ((scopes: readonly string[]): OpenApiSecurityScheme => ({ ...defined, flows: withScopes(flows, scopes) }));
  // in OpenAPI 3.0, only these have scopes
  return { name, issuer: undefined, hasScopes: type === 'oauth2' || type === 'openIdConnect', definition };
}

/** Adds scopes that the flows do not have. Pages that log people in offer the scopes of the flows. */
function withScopes(flows: NonNullable<OpenApiSecurityScheme['flows']>, scopes: readonly string[]): NonNullable<OpenApiSecurityScheme['flows']> {
  const added = Object.fromEntries(scopes.map((name) => [name, '']));
  return Object.fromEntries(Object.entries(flows).map(([name, flow]) => [name, { ...flow, scopes: { ...added, ...flow.scopes } }]));
}

function onlyScheme(api: SecuredApi, name: string, { version, flows, scopeDescriptions }: OpenApiSettings): TokenScheme {
  const [issuer] = api.issuers;
  const description = textOf(api, issuer);
  if (!flows) return { name, issuer: undefined, hasScopes: false, definition: () => tokenInHeader(version, description) };
  const isSwagger = version === '2.0';
  return {
    name,
    issuer: undefined,
    hasScopes: true,
    definition(scopes) {
      const meant = Object.fromEntries(scopes.map((one) => [one, Object.hasOwn(scopeDescriptions, one) ? scopeDescriptions[one]! : '']));
      const entries = Object.entries(flows).map(([flow, urls]) => [flow, { ...urls, scopes: meant }] as const);
      if (!isSwagger) return { type: 'oauth2', description, flows: Object.fromEntries(entries) };
      // Swagger 2.0: one flow for each scheme, under names of its own
      const [flow, { authorizationUrl, tokenUrl }] = entries.find(([one]) => one in SWAGGER_FLOWS) ?? entries[0]!;
      return { type: 'oauth2', description, flow: SWAGGER_FLOWS[flow], authorizationUrl, tokenUrl, scopes: meant } as never;
    },
  };
}

const SWAGGER_FLOWS: Readonly<Record<string, string>> = { authorizationCode: 'accessCode', clientCredentials: 'application' };

function schemesOfIssuers(api: SecuredApi, scheme: string, version: OpenApiVersion): readonly TokenScheme[] {
  const names = new Set<string>();
  const several = api.issuers.length + Number(api.hasOtherIssuers) > 1;
  const listed = api.issuers.map((issuer): TokenScheme => {
    const name = several ? uniqueName(`${scheme}.${new URL(issuer).hostname.replace(/[^A-Za-z0-9._-]/g, '_')}`, names) : scheme;
    const definition: OpenApiSecurityScheme = {
      type: 'openIdConnect',
      description: textOf(api, issuer),
      // OpenID Connect Discovery s4
      openIdConnectUrl: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    };
    return { name, issuer, hasScopes: true, definition: () => definition };
  });
  if (!api.hasOtherIssuers) return listed;
  const definition = tokenInHeader(version, textOf(api, undefined));
  return [...listed, { name: uniqueName(scheme, names), issuer: undefined, hasScopes: false, definition: () => definition }];
}

function uniqueName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let at = 2; taken.has(name); at++) name = `${wanted}.${at}`;
  taken.add(name);
  return name;
}

/** Swagger 2.0 has no scheme for bearer tokens, so there the header counts as an API key. */
function tokenInHeader(version: OpenApiVersion, description: string): OpenApiSecurityScheme {
  if (version === '2.0') return { type: 'apiKey', in: 'header', name: 'Authorization', description };
  return { type: 'http', scheme: 'bearer', description };
}

/** Versions before 3.1 have no scheme for client certificates. */
function isOld(version: OpenApiVersion): boolean {
  return version === '2.0' || version === '3.0';
}

const DPOP_PROOF: OpenApiSecurityScheme = {
  type: 'apiKey',
  in: 'header',
  name: 'DPoP',
  description: 'A proof of possession for this request (RFC 9449). The token, which is bound to its key, is sent with the scheme `DPoP`.',
};
const CLIENT_CERTIFICATE: OpenApiSecurityScheme = { type: 'mutualTLS', description: 'The client certificate to which the token is bound (RFC 8705).' };

function textOf({ impliedScopes, proofs }: SecuredApi, issuer: string | undefined): string {
  const from = issuer === undefined ? '' : ` of ${code(issuer)}`;
  const implied = Object.entries(impliedScopes).map(([scope, others]) => ` The scope ${code(scope)} includes ${others.map(code).join(', ')}.`);
  return `An access token${from} in the header ${code('Authorization')} (RFC 6750).${bindingText(proofs)}${implied.join('')}`;
}

/** How tokens must be bound to their senders. */
export function bindingText(proofs: SecuredApi['proofs'], token = 'It'): string {
  if (proofs.length === 0) return '';
  const to = proofs.map((proof) => (proof === 'dpop' ? 'a key (DPoP, RFC 9449)' : 'a client certificate (RFC 8705)'));
  return ` ${token} must be bound to ${to.join(' or to ')}.`;
}

function sessionScheme(cookie: string): OpenApiSecurityScheme {
  return { type: 'apiKey', in: 'cookie', name: cookie, description: 'The browser session of the app.' };
}

const CSRF_HEADER: OpenApiSecurityScheme = {
  type: 'apiKey',
  in: 'header',
  name: 'x-tokenward-csrf',
  description: 'Always `1`. Shows that a request with a session comes from the app itself.',
};
