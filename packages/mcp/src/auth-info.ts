import { rawToken, type Auth } from '@tokenward/core';
import { misuse } from '@tokenward/core/adapter';

/** What the MCP SDK tells a tool about the caller: the type `AuthInfo` of both major versions of the SDK. */
export interface McpAuthInfo {
  /**
   * The access token. It is neither enumerable nor part of a copy, so it does not get into JSON, logs, or the answer of a tool. MCP forbids passing it on to
   * another API.
   */
  readonly token: string;
  /** The client that the token was issued to. Empty if the token names none. */
  clientId: string;
  scopes: string[];
  /** When the token expires, in seconds since the epoch. */
  expiresAt: number;
  /** The URL of this MCP server, if the token says it: its audience (RFC 8707). */
  resource?: URL;
  /** Where the metadata of this MCP server is (RFC 9728). */
  resourceMetadataUrl?: string;
  /** `issuer` and `subject` of the token. A user is identified by both together. */
  extra: Record<string, unknown>;
}

/** What is known about this MCP server, for {@link toAuthInfo}. */
export interface AuthInfoOptions {
  /** The URL of this MCP server. Needed only for tokens with several URLs in their audience. It is ignored if the audience does not contain it. */
  readonly resource?: string | undefined;
  /** Where the metadata is, for challenges of the SDK itself. Default: the SDK derives it from the resource. */
  readonly resourceMetadataUrl?: string | undefined;
}

/** A symbol, which no message of a client can contain. It is part of copies, since the SDK copies the value in places. */
const AUTH: unique symbol = Symbol.for('tokenward.mcpAuth') as never;

/**
 * Returns a verified token's content in the form that the MCP SDK passes to tools.
 *
 * @throws ConfigurationError if no guard created the `Auth`
 *
 * @example handler.fetch(request, { authInfo: toAuthInfo(auth) });
 */
export function toAuthInfo(auth: Auth<object>, { resource, resourceMetadataUrl }: AuthInfoOptions = {}): McpAuthInfo {
  const token = rawToken(auth);
  const url = resourceOf(auth, resource);
  const info = {
    clientId: auth.clientId ?? '',
    scopes: [...auth.scopes],
    expiresAt: auth.expiresAt,
    ...(url && { resource: url }),
    ...(resourceMetadataUrl !== undefined && { resourceMetadataUrl }),
    extra: { issuer: auth.issuer, subject: auth.subject },
    [AUTH]: auth,
  };
  return Object.defineProperty(info, 'token', { value: token }) as typeof info & { readonly token: string };
}

/** If the audience has one URL, it is this server. If it has several, nobody can tell which one is. */
function resourceOf({ audience }: Auth<object>, resource: string | undefined): URL | undefined {
  if (resource !== undefined) return audience.includes(resource) ? (URL.parse(resource) ?? undefined) : undefined;
  const urls = audience.filter((one) => /^https?:/.test(one));
  return urls.length === 1 ? (URL.parse(urls[0]!) ?? undefined) : undefined;
}

/**
 * Sets `auth` of Node's request, where the MCP SDK looks for it, and returns the request. A guard's own property, whatever its name, stays: `getAuth(req)`
 * does not read `auth`.
 *
 * @throws ConfigurationError if no guard created the `Auth`
 *
 * @example app.all('/mcp', guard(), (req, res) => handler(withAuthInfo(req, getAuth(req)), res, req.body));
 */
export function withAuthInfo<R extends object>(request: R, auth: Auth<object>, options?: AuthInfoOptions): R & WithAuthInfo {
  const value = toAuthInfo(auth, options);
  return Object.defineProperty(request, 'auth', { value, enumerable: true, configurable: true, writable: true }) as R & WithAuthInfo;
}

/** Node's types allow that a request has neither method nor URL. Every request of a server has both, and the SDK demands them. */
export interface WithAuthInfo {
  auth: McpAuthInfo;
  method: string;
  url: string;
}

/** What a tool gets from the MCP SDK: its context (version 2), its `extra` (version 1), or the `authInfo` in them. */
export interface McpCall {
  /** Version 2. */
  readonly http?: { readonly authInfo?: object | undefined } | undefined;
  /** Version 1. */
  readonly authInfo?: object | undefined;
}

/**
 * Returns the `Auth` of the caller, in a tool.
 *
 * @throws ConfigurationError if no guard has admitted the call: put `toAuthInfo`, `withAuthInfo` or `mcpVerifier` between the guard and the SDK
 *
 * @example server.registerTool('list_orders', {}, (ctx) => orders.of(getMcpAuth(ctx).subject));
 */
export function getMcpAuth(call: McpCall | McpAuthInfo): Auth {
  const { http, authInfo } = Object(call) as McpCall;
  const info = http?.authInfo ?? authInfo ?? call;
  const auth = (Object(info) as { [AUTH]?: Auth })[AUTH];
  if (auth === undefined)
    throw misuse('getMcpAuth()', 'no guard has admitted this call. Give the SDK toAuthInfo(auth) as authInfo, or use withAuthInfo or mcpVerifier');
  return auth;
}
