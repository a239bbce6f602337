import fc from 'fast-check';
import { expect, test } from 'vitest';
import { apiHeaders, browserHeaders } from './header-rules.js';

const OWN = { accessToken: 'own-token', origin: 'https://app.example', mountPath: '/api', clientAddress: '192.0.2.1' };
const NONE: ReadonlySet<string> = new Set();
const SENSITIVE = ['cookie', 'authorization', 'x-tokenward-csrf', 'host', 'connection', 'transfer-encoding', 'upgrade', 'te', 'keep-alive', 'trailer'];
const REPLACING = [
  'x-http-method-override',
  'x-original-url',
  'x-rewrite-url',
  'x-forwarded-for',
  'x-forwarded-host',
  'forwarded',
  'via',
  'client-cert',
  'x-ssl-client-cert',
];

/** A name in any case, with dashes or underscores. */
function spelled(names: readonly string[]): fc.Arbitrary<string> {
  const how = fc.constantFrom<(name: string) => string>(
    (name) => name,
    (name) => name.toUpperCase(),
    (name) => name.replaceAll('-', '_'),
  );
  return fc.tuple(fc.constantFrom(...names), how).map(([name, spell]) => spell(name));
}

const VALUE = fc.oneof(fc.constantFrom('1', 'x-mine', 'cookie, authorization', '__proto__', 'set-cookie,cache-control'), fc.stringMatching(/^[!-~]{0,12}$/));
const CLIENT_FIELDS = fc.array(fc.tuple(fc.oneof(spelled([...SENSITIVE, ...REPLACING]), fc.constantFrom('x-mine', '__proto__', 'accept')), VALUE), {
  maxLength: 8,
});

test('whatever a client sends, the API gets no cookie, no other token, nothing of the connection and nothing that replaces what was checked', () => {
  fc.assert(
    fc.property(CLIENT_FIELDS, fc.boolean(), (fields, forwardedHeaders) => {
      const headers = new Headers();
      for (const [name, value] of fields) headers.append(name, value);
      const { authorization, ...sent } = apiHeaders(headers, OWN, { forwardedHeaders, unsafeHeaders: NONE });
      expect(authorization).toBe('Bearer own-token');
      const named = new Set((headers.get('connection') ?? '').split(',').map((name) => name.trim().toLowerCase()));
      const forwarded = { 'x-forwarded-host': 'app.example', 'x-forwarded-proto': 'https', 'x-forwarded-prefix': '/api', 'x-forwarded-for': '192.0.2.1' };
      const others = Object.keys(sent).filter((name) => !forwardedHeaders || !Object.hasOwn(forwarded, name));
      if (forwardedHeaders) expect(sent).toMatchObject(forwarded);
      expect(others.filter((name) => [...SENSITIVE, ...REPLACING].includes(name.replaceAll('_', '-')) || named.has(name))).toEqual([]);
      expect(others.filter((name) => headers.get(name) !== sent[name])).toEqual([]);
    }),
  );
});

const CLIENT_ADDRESSES = [
  'ali-cdn-real-ip',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'cf-pseudo-ipv4',
  'client-ip',
  'cloudfront-viewer-address',
  'do-connecting-ip',
  'fastly-client-ip',
  'fly-client-ip',
  'forwarded',
  'forwarded-for',
  'incap-client-ip',
  'proxy-client-ip',
  'remote-addr',
  'true-client-ip',
  'wl-proxy-client-ip',
  'client-address',
  'x-appengine-remote-addr',
  'x-appengine-user-ip',
  'x-azure-clientip',
  'x-azure-socketip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-envoy-external-address',
  'x-forwarded',
  'x-forwarded-for',
  'x-nf-client-connection-ip',
  'x-original-forwarded-for',
  'x-originating-ip',
  'x-real-ip',
  'x-remote-addr',
  'x-remote-ip',
  'x-sucuri-clientip',
  'x-vercel-forwarded-for',
  'x-source-ip',
  'x-vercel-proxied-for',
  'x-visitor-ip',
];

test.each(CLIENT_ADDRESSES)('a page cannot tell the API another address of the client: %s', (name) => {
  const fields = [name, name.replaceAll('-', '_'), 'x-mine', 'x-shop', 'ship-to', 'x-mail-forwarded', 'x-miniclient-ip'].map(
    (field) => [field, '192.0.2.9'] as const,
  );
  expect(Object.keys(apiHeaders(fields, OWN, { forwardedHeaders: false, unsafeHeaders: NONE }))).toEqual([
    'x-mine',
    'x-shop',
    'ship-to',
    'x-mail-forwarded',
    'x-miniclient-ip',
    'authorization',
  ]);
});

const IDENTITIES = [
  'cf-access-authenticated-user-email',
  'cf-access-jwt-assertion',
  'cf-cert-presented',
  'cf-client-cert-der-base64',
  'client-cert-chain',
  'iv-user',
  'oidc-claim-sub',
  'remote-groups',
  'remote-user',
  'sm-userdn',
  'ssl-client-subject-dn',
  'ssl-client-verify',
  'tailscale-user-login',
  'teleport-jwt-assertion',
  'x-access-token',
  'x-amzn-ava-user-context',
  'x-amzn-mtls-clientcert-subject',
  'x-amzn-oidc-data',
  'x-amzn-oidc-identity',
  'x-amzn-request-context',
  'x-apigateway-api-userinfo',
  'x-appengine-user-email',
  'x-arr-clientcert',
  'x-auth-request-user',
  'x-authenticated-userid',
  'x-authentik-username',
  'x-cert',
  'x-cert-subject',
  'x-certificate',
  'x-consumer-username',
  'x-email',
  'x-endpoint-api-userinfo',
  'x-forwarded-email',
  'x-forwarded-user',
  'x-goog-authenticated-user-email',
  'x-goog-iap-jwt-assertion',
  'x-jwt-assertion',
  'x-ms-client-principal',
  'x-ms-client-principal-name',
  'x-ms-token-aad-access-token',
  'x-pomerium-claim-email',
  'x-proxy-roles',
  'x-proxy-user',
  'x-remote-extra-scopes',
  'x-remote-user',
  'x-serverless-authorization',
  'x-ssl-cert',
  'x-ssl-client-verify',
  'x-ssl-issuer',
  'x-token-subject',
  'x-token-user-email',
  'x-user',
  'x-user-email',
  'x-user-groups',
  'x-user-id',
  'x-user-info',
  'x-user-name',
  'x-user-role',
  'x-userid',
  'x-userinfo',
  'x-username',
  'x-vouch-user',
  'x-webauth-user',
];

test.each(IDENTITIES)('a page cannot tell the API another user: %s', (name) => {
  const others = [
    'x-mine',
    'x-user-agent-hint',
    'x-amzn-trace-id',
    'x-ms-version',
    'x-goog-meta-a',
    'x-authorised',
    'remote-control',
    'x-client-version',
    'x-certain',
    'x-user-ids',
    'x-proxy-cache',
    'x-token-type',
  ];
  const fields = [name, name.replaceAll('-', '_'), ...others].map((field) => [field, 'admin'] as const);
  expect(Object.keys(apiHeaders(fields, OWN, { forwardedHeaders: true, unsafeHeaders: NONE }))).toEqual([
    ...others,
    'authorization',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-forwarded-prefix',
    'x-forwarded-for',
  ]);
});

test('a header that unsafeHeaders names passes, and no other spelling of it', () => {
  const fields = ['x-user', 'x_user', 'x-user-id', 'x-source-ip', 'x_source_ip'].map((field) => [field, 'mine'] as const);
  const unsafeHeaders = new Set(['x-user', 'x-source-ip']);
  expect(apiHeaders(fields, OWN, { forwardedHeaders: false, unsafeHeaders })).toEqual({
    'x-user': 'mine',
    'x-source-ip': 'mine',
    authorization: 'Bearer own-token',
  });
  // RFC 9110 s7.6.1
  expect(Object.keys(apiHeaders([...fields, ['connection', 'x-user']], OWN, { forwardedHeaders: false, unsafeHeaders }))).toEqual([
    'x-source-ip',
    'authorization',
  ]);
});

const API_NAMES = [
  'connection',
  'cache-control',
  'vary',
  'set-cookie',
  'clear-site-data',
  'access-control-allow-origin',
  'strict-transport-security',
  'x-mine',
];
const LINE = fc.oneof(
  VALUE,
  fc.constantFrom('__Host-session=evil', ' \t__HOST-session.1=evil', '=__Host-session=evil', 'a=b; Path=/', 'public', 'max-age=9', 'x="'),
);

test('rules 194 and 195: whatever an API answers, it rules no session, no other page and no shared cache', () => {
  const fields = fc.array(fc.tuple(spelled(API_NAMES), LINE), { maxLength: 8 });
  fc.assert(
    fc.property(fields, fc.boolean(), fc.boolean(), (given, passSetCookie, isRefreshed) => {
      const own = isRefreshed ? ['__Host-session=own; Path=/'] : [];
      const headers = browserHeaders(given.flat(), own, { passSetCookie });
      const lines = headers.getSetCookie();
      expect(lines.filter((line) => /__host-/i.test(line))).toEqual(own);
      if (!passSetCookie) expect(lines).toEqual(own);
      expect([...headers.keys()].filter((name) => /^access-control-|^clear-site-data$|^strict-|^connection$/.test(name))).toEqual([]);
      const words = headers.get('cache-control')!.toLowerCase().split(',').map((word) => word.trim()); // prettier-ignore
      if (isRefreshed) expect(words).toEqual(['no-store']);
      else expect(words.some((word) => ['private', 'public', 'no-store'].includes(word))).toBe(true);
    }),
  );
});
