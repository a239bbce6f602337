/** Fields of one connection (RFC 9110 s7.6.1), and of proxies. */
export const HOP_BY_HOP = [
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

/** What the API must not get from a client, whatever the options say. */
const NEVER_SENT = new Set<string>([
  ...HOP_BY_HOP,
  'host',
  // the API has no use for the session, and its logs none either (GHSA-vvg7-p7jw-8qr3)
  'cookie',
  'cookie2',
  'authorization',
  // Cloud Run takes a token from it
  'x-serverless-authorization',
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
 * The beginnings of the headers in which gateways and identity-aware proxies tell an API who the user is, or which certificate the client presented. An API
 * that trusts such a gateway would trust a page that sends them. Only the access token of the session may say who the user is.
 */
const IDENTITY = new RegExp(
  `^(?:${[
    // client certificates (RFC 9440), of nginx, HAProxy, AWS, Azure and Cloudflare
    'client-cert',
    'cf-(?:client-)?cert-',
    'ssl-client-',
    'x-amzn-mtls-',
    'x-arr-clientcert',
    'x-cert(?:ificate)?(?:$|-)',
    'x-client-(?:cert|dn|verify)',
    'x-ssl-(?:cert|client-|issuer)',
    // AWS: load balancers, Verified Access, and API Gateway in front of Lambda
    'x-amzn-(?:ava|oidc)-',
    'x-amzn-(?:lambda|request)-context$',
    // Azure: App Service and similar services
    'x-ms-(?:client-principal|token-)',
    // Cloudflare Access
    'cf-access-',
    // Google: Identity-Aware Proxy, API Gateway and Endpoints, App Engine
    'x-goog-(?:authenticated-user|iap)-',
    'x-(?:apigateway|endpoint)-api-userinfo$',
    'x-appengine-',
    // the older names of web servers, as Authelia, Grafana and Kubernetes take them
    '(?:x-)?remote-(?:email|extra|group|groups|name|user)(?:$|-)',
    'x-webauth-',
    // ingress-nginx, oauth2-proxy and Vouch
    'x-auth-request-',
    'x-(?:access-token|email|id-token|preferred-username|refresh-token)$',
    'x-user(?:-?(?:email|groups?|id|info|name|roles?))?$',
    'x-vouch-',
    // Kong, APISIX and WSO2
    'x-(?:anonymous-consumer|authenticated|consumer|credential)(?:$|-)',
    'x-jwt-(?:assertion|payload)$',
    // OpenSearch, and gateways that write the claims of a token
    'x-proxy-(?:roles|user)',
    'x-token-(?:subject|user)',
    // others by their own names: authentik, Pomerium, Tailscale, Teleport, Apache's mod_auth_openidc, Shibboleth, SiteMinder, IBM and Oracle
    '(?:x-authentik|x-pomerium|tailscale|teleport|oidc|shib|oam)-',
    'sm-(?:serversession|user)',
    'iv-(?:creds|groups|user)',
  ].join('|')})`,
);

/**
 * The client's address, which only a proxy knows: `X-Original-Forwarded-For` (ingress-nginx), `X-Real-IP`, `CF-Connecting-IPv6`,
 * `Fastly-Client-IP`, `X-Azure-ClientIP`, `X-AppEngine-User-IP`, `X-NF-Client-Connection-IP` (Netlify), `CloudFront-Viewer-Address`. Each provider invents its own
 * name, so no list is complete.
 */
const CLIENT_ADDRESS =
  /(?:^|-)(?:(?:client|connecting|connection|originating|peer|proxyuser|pseudo|real|remote|socket|source|src|true|user|visitor)-?ip(?:v[46])?|(?:client|remote|viewer)-addr(?:ess)?|(?:forwarded|proxied)-for)$/;

/**
 * Whether a header never passes: it is about the connection, holds the credentials that the proxy sets or drops, would replace what was checked, or is what a proxy says of the request.
 *
 * @param name in lower case
 */
export function isNeverSent(name: string): boolean {
  const usual = usualName(name);
  const isOtherLength = usual === 'content-length' && name !== usual;
  // an API in a mesh obeys Envoy's, such as `x-envoy-external-address`
  return NEVER_SENT.has(usual) || isOtherLength || /^forwarded$|^x-forwarded(?:$|-)|^x-envoy-/.test(usual);
}

/** Whether an API may trust a header because gateways use it to say who the user is, or where the client is. Such a header passes only if an option lists it. */
export function isTrustedElsewhere(name: string): boolean {
  const usual = usualName(name);
  return CLIENT_ADDRESS.test(usual) || IDENTITY.test(usual);
}

/** Some servers read `x_original_url` as `x-original-url`, as CGI did. */
function usualName(name: string): string {
  return name.replaceAll('_', '-');
}
