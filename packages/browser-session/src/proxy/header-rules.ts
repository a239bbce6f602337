import { keepNowhere, keepPrivate } from './cache-rules.js';
import type { ProxyConfig } from './proxy-options.js';

/** Fields of one connection (RFC 9110 s7.6.1), and of proxies. */
const HOP_BY_HOP = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
] as const;

/** What the API must not get from a client. */
const NOT_SENT = new Set<string>([
  ...HOP_BY_HOP,
  'host',
  // the API has no use for the session, and its logs none either (GHSA-vvg7-p7jw-8qr3)
  'cookie',
  'cookie2',
  'authorization',
  'x-tokenward-csrf',
  // Node has answered it
  'expect',
  // they would replace the method or the path that were checked
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-method',
  'x-original-uri',
  'x-original-url',
  'x-rewrite-url',
  // only a proxy knows them, and this one is the last
  'via',
  'x-original-host',
]);

/**
 * The beginnings of the headers in which gateways and identity-aware proxies tell an API who the user is, or which certificate the client has shown. An API that
 * trusts such a gateway would believe a page that sends them. The session says who the user is, by its access token.
 */
const IDENTITY = new RegExp(
  `^(?:${[
    // client certificates (RFC 9440), of nginx, HAProxy, AWS and Azure
    'client-cert',
    'ssl-client-',
    'x-amzn-mtls-',
    'x-arr-clientcert',
    'x-client-(?:cert|dn|verify)',
    'x-ssl-client-',
    // AWS: load balancers, Verified Access, and API Gateway in front of Lambda
    'x-amzn-(?:ava|oidc)-',
    'x-amzn-(?:lambda|request)-context$',
    // Azure: App Service and its like
    'x-ms-(?:client-principal|token-)',
    // Cloudflare Access
    'cf-access-',
    // Google: Identity-Aware Proxy, API Gateway and Endpoints, App Engine. Cloud Run takes a token there, too
    'x-goog-(?:authenticated-user|iap)-',
    'x-(?:apigateway|endpoint)-api-userinfo$',
    'x-appengine-',
    'x-serverless-authorization$',
    // the older names of web servers, as Authelia, Grafana and Kubernetes take them
    '(?:x-)?remote-(?:email|extra|group|groups|name|user)(?:$|-)',
    'x-webauth-',
    // ingress-nginx, oauth2-proxy and Vouch
    'x-auth-request-',
    'x-(?:access-token|email|id-token|preferred-username|refresh-token|user|userinfo)$',
    'x-vouch-',
    // Kong, APISIX and WSO2
    'x-(?:anonymous-consumer|authenticated|consumer|credential)(?:$|-)',
    'x-jwt-(?:assertion|payload)$',
    // others by their own names: authentik, Pomerium, Tailscale, Teleport, Apache's mod_auth_openidc, Shibboleth, SiteMinder, IBM and Oracle
    '(?:x-authentik|x-pomerium|tailscale|teleport|oidc|shib|oam)-',
    'sm-(?:serversession|user)',
    'iv-(?:creds|groups|user)',
  ].join('|')})`,
);

/**
 * The client's address, which only a proxy knows: `X-Forwarded-For`, `X-Original-Forwarded-For` (ingress-nginx), `X-Real-IP`, `CF-Connecting-IPv6`,
 * `Fastly-Client-IP`, `X-Azure-ClientIP`, `X-AppEngine-User-IP`, `X-NF-Client-Connection-IP` (Netlify), `CloudFront-Viewer-Address`. Each provider invents its own
 * name, so no list is complete.
 */
const CLIENT_ADDRESS =
  /(?:^|-)(?:(?:client|connecting|connection|originating|peer|proxyuser|pseudo|real|remote|socket|source|src|true|user|visitor)-?ip(?:v[46])?|(?:client|remote|viewer)-addr(?:ess)?|(?:forwarded|proxied)-for)$|^(?:x-)?forwarded$/;

/** What the API may not say for this app's origin. */
const NOT_ANSWERED = new Set<string>([
  ...HOP_BY_HOP,
  'accept-ch',
  'alt-svc',
  'clear-site-data',
  'nel',
  'origin-agent-cluster',
  'refresh',
  'report-to',
  'reporting-endpoints',
  // sessions that browsers bind to a device
  'sec-session-registration',
  'secure-session-registration',
  'service-worker-allowed',
  'set-login',
  'strict-transport-security',
  'use-as-dictionary',
  // a web server in front of this app would send a file instead of the answer
  'x-accel-redirect',
  'x-sendfile',
]);

/** What the proxy itself says to the API. */
export interface OwnHeaders {
  readonly accessToken: string;
  /** The app's own origin. */
  readonly origin: string;
  readonly mountPath: string;
  readonly clientAddress: string | undefined;
}

/**
 * Returns the headers for the API.
 *
 * @param fields those of `Headers`: each name once, in lower case
 */
export function apiHeaders(
  fields: Iterable<readonly [string, string]>,
  own: OwnHeaders,
  { forwardedHeaders }: Pick<ProxyConfig, 'forwardedHeaders'>,
): Record<string, string> {
  // a Map first, since a client chooses the names: `__proto__` is a name like any other
  const sent = new Map(fields);
  const named = connectionNames(sent.get('connection'));
  for (const name of sent.keys()) if (!isSent(name) || named.has(name)) sent.delete(name);
  sent.set('authorization', `Bearer ${own.accessToken}`);
  if (forwardedHeaders) {
    const { host, protocol } = new URL(own.origin);
    sent.set('x-forwarded-host', host).set('x-forwarded-proto', protocol.slice(0, -1));
    if (own.mountPath !== '') sent.set('x-forwarded-prefix', own.mountPath);
    if (own.clientAddress !== undefined) sent.set('x-forwarded-for', own.clientAddress);
  }
  return Object.fromEntries(sent);
}

/** Servers with CGI in their past read `x_original_url` as `x-original-url`. */
function isSent(name: string): boolean {
  const usual = name.replaceAll('_', '-');
  const isOtherLength = usual === 'content-length' && name !== usual;
  // an API in a mesh obeys Envoy's as well, such as `x-envoy-external-address`
  const isOfProxies = usual.startsWith('x-forwarded-') || usual.startsWith('x-envoy-') || CLIENT_ADDRESS.test(usual) || IDENTITY.test(usual);
  return !NOT_SENT.has(usual) && !isOfProxies && !isOtherLength;
}

/**
 * Returns the headers for the browser.
 *
 * @param raw names and values by turns, as the API sent them
 * @param setCookies of the session
 */
export function browserHeaders(raw: readonly string[], setCookies: readonly string[], { passSetCookie }: Pick<ProxyConfig, 'passSetCookie'>): Headers {
  const lines = Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at]!.toLowerCase(), raw[2 * at + 1]!] as const);
  const named = connectionNames(lines.flatMap(([name, value]) => (name === 'connection' ? [value] : [])).join());
  const headers = new Headers();
  for (const [name, value] of lines) {
    if (NOT_ANSWERED.has(name) || named.has(name) || name.startsWith('access-control-')) continue;
    if ((name === 'set-cookie' && !(passSetCookie && mayPass(value))) || name === 'set-cookie2') continue;
    headers.append(name, value);
  }
  for (const line of setCookies) headers.append('set-cookie', line);
  // no cache may hand out a session's cookie
  if (setCookies.length > 0) keepNowhere(headers);
  else keepPrivate(headers);
  return headers;
}

/** Cookies with this prefix are the app's own: its session is among them. A browser sends `=__Host-a=b`, which has no name, as if that were its name. */
function mayPass(setCookie: string): boolean {
  return !/^[\s=]*__host-/i.test(setCookie);
}

/** Returns the fields that a `Connection` header names. They concern this connection only. */
function connectionNames(connection: string | undefined): ReadonlySet<string> {
  return new Set((connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
}
