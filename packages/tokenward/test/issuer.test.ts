import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createResourceGuard } from '@tokenward/core';
import { createLoginBrowser } from './login-browser.js';
import { runCommand } from './run-command.js';
import { runIssuer, type RunningIssuer } from './running-issuer.js';

const AUDIENCE = 'https://api.example.com';
const REDIRECT = 'http://localhost:53682/any/path?x=1';
const insecure = { [oauth.allowInsecureRequests]: true };

let issuer: RunningIssuer;
let server: oauth.AuthorizationServer;
beforeAll(async () => {
  issuer = await runIssuer(['--audience', AUDIENCE, '--audience', 'urn:other-api']);
  const found = await oauth.discoveryRequest(new URL(issuer.origin), insecure);
  server = await oauth.processDiscoveryResponse(new URL(issuer.origin), found);
});
afterAll(() => issuer.end());

const publicClient: oauth.Client = { client_id: 'dev-app' };

interface Login {
  readonly subject?: string;
  readonly scope?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly client?: oauth.Client;
  readonly authentication?: oauth.ClientAuth;
  readonly DPoP?: oauth.DPoPHandle;
}

/** Logs in through the login page, as a browser does. */
async function logIn({
  subject = 'ada',
  scope = 'openid orders:read',
  parameters = {},
  client = publicClient,
  authentication = oauth.None(),
  DPoP,
}: Login = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const url = new URL(server.authorization_endpoint!);
  const asked = { client_id: client.client_id, redirect_uri: REDIRECT, response_type: 'code', scope, state: 'state-1', ...parameters };
  const pkce = { code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' };
  url.search = new URLSearchParams({ ...asked, ...pkce }).toString();
  const back = await createLoginBrowser(issuer.origin).logIn(url, { subject });
  const answer = oauth.validateAuthResponse(server, client, back, 'state-1');
  const options = { ...insecure, ...(DPoP && { DPoP }) };
  const response = await oauth.authorizationCodeGrantRequest(server, client, authentication, answer, REDIRECT, verifier, options);
  return oauth.processAuthorizationCodeResponse(server, client, response);
}

async function authOf(token: string, audience = AUDIENCE) {
  const guard = createResourceGuard({ issuer: issuer.origin, audience });
  try {
    const decision = await guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } });
    return decision.outcome === 'allow' ? decision.auth : decision.reason;
  } finally {
    await guard.close();
  }
}

test('logs in by code and PKCE, and issues a token that a guard admits', async () => {
  const tokens = await logIn();
  const auth = await authOf(tokens.access_token);
  expect(auth).toMatchObject({ subject: 'ada', clientId: 'dev-app', scopes: expect.arrayContaining(['orders:read']), roles: ['admin'] });
  const idToken = oauth.getValidatedIdTokenClaims(tokens)!;
  expect(idToken).toMatchObject({ iss: issuer.origin, sub: 'ada', aud: 'dev-app', roles: ['admin'] });
});

test('has the metadata at the address of RFC 8414, too', async () => {
  const found = await oauth.discoveryRequest(new URL(issuer.origin), { algorithm: 'oauth2', ...insecure });
  expect(await oauth.processDiscoveryResponse(new URL(issuer.origin), found)).toEqual(server);
});

test('refreshes, rotates the refresh token, and keeps roles and scopes', async () => {
  const first = await logIn({ subject: 'grace' });
  const refresh = async (token: string) => {
    const response = await oauth.refreshTokenGrantRequest(server, publicClient, oauth.None(), token, insecure);
    return oauth.processRefreshTokenResponse(server, publicClient, response);
  };
  const second = await refresh(first.refresh_token!);
  expect(await authOf(second.access_token)).toMatchObject({ subject: 'grace', roles: ['editor'], scopes: expect.arrayContaining(['orders:read']) });
  expect(second.refresh_token).not.toBe(first.refresh_token);
  await expect(refresh(first.refresh_token!)).rejects.toMatchObject({ error: 'invalid_grant' });
});

test('issues tokens by client credentials, for any scope, and for the resource that is named (RFC 8707)', async () => {
  const client: oauth.Client = { client_id: 'dev-server' };
  const ask = async (parameters: Record<string, string>, secret = issuer.secret) => {
    const response = await oauth.clientCredentialsGrantRequest(server, client, oauth.ClientSecretBasic(secret), new URLSearchParams(parameters), insecure);
    return oauth.processClientCredentialsResponse(server, client, response);
  };
  const { access_token: token } = await ask({ scope: 'jobs:run', resource: 'urn:other-api' });
  expect(await authOf(token, 'urn:other-api')).toMatchObject({ subject: 'dev-server', scopes: ['jobs:run'] });
  expect(await authOf(token)).toBe('audience_mismatch');
  await expect(ask({ resource: 'https://unknown.example.com' })).rejects.toMatchObject({ error: 'invalid_target' });
  await expect(ask({}, 'wrong')).rejects.toThrow();
});

test('binds tokens to the key of a DPoP client', async () => {
  const keys = await oauth.generateKeyPair('ES256');
  const tokens = await logIn({ DPoP: oauth.DPoP(publicClient, keys) });
  expect(tokens.token_type).toBe('dpop');
  expect(await authOf(tokens.access_token)).toBe('bound_token_as_bearer');
});

test('ends a session at logout, and goes back to an address on loopback', async () => {
  const browser = createLoginBrowser(issuer.origin);
  const url = new URL(server.end_session_endpoint!);
  url.search = new URLSearchParams({ client_id: 'dev-app', post_logout_redirect_uri: 'http://127.0.0.1:53682/bye', state: 's' }).toString();
  expect((await browser.logOut(url)).href).toBe('http://127.0.0.1:53682/bye?state=s');
});

test.each([
  ['an address that is not loopback', 'https://app.example.com/callback'],
  ['a name that begins with localhost', 'http://localhost.example.com/callback'],
  ['a user name in front of another host', 'http://localhost@example.com/callback'],
  ['another scheme', 'javascript:alert(1)'],
  ['a host that would end a directive of a policy', 'http://x;sandbox;y.localhost:3000/callback'],
  ['a fragment', 'http://localhost:3000/callback#x'],
])('rule 268: sends no code to %s', async (_name, redirect) => {
  const url = new URL(server.authorization_endpoint!);
  const pkce = { code_challenge: await oauth.calculatePKCECodeChallenge('v'.repeat(43)), code_challenge_method: 'S256' };
  url.search = new URLSearchParams({ client_id: 'dev-app', redirect_uri: redirect, response_type: 'code', scope: 'openid', ...pkce }).toString();
  const answer = await fetch(url, { redirect: 'manual' });
  expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
});

test('requires PKCE', async () => {
  const url = new URL(server.authorization_endpoint!);
  url.search = new URLSearchParams({ client_id: 'dev-app', redirect_uri: REDIRECT, response_type: 'code', scope: 'openid' }).toString();
  const location = new URL((await fetch(url, { redirect: 'manual' })).headers.get('location')!);
  expect(location.searchParams.get('error')).toBe('invalid_request');
});

test('a login that the user cancels ends with access_denied', async () => {
  await expect(logIn({ subject: '' })).rejects.toMatchObject({ error: 'access_denied' });
});

interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** fetch sets Host itself. */
function ask(url: string, headers: Record<string, string> = {}, method = 'GET', body?: string): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => void (text += chunk.toString()));
      response.once('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

test.each(['attacker.example', 'attacker.example:9400', '127.0.0.1.attacker.example', '169.254.169.254', '0.0.0.0', 'localhost:1@attacker.example'])(
  'rule 268: answers nothing to a request for the host %j (DNS rebinding)',
  async (host) => {
    for (const path of ['/', '/jwks', '/auth', '/token', '/interaction/x', '/.well-known/openid-configuration']) {
      const answer = await ask(`${issuer.origin}${path}`, { host });
      expect([answer.status, answer.body]).toEqual([421, 'The local issuer answers on this machine only.\n']);
    }
  },
);

test('rule 268: sends browsers that use another name of the machine to the one address of its metadata', async () => {
  const { port } = new URL(issuer.origin);
  const answer = await ask(`${issuer.origin}//attacker.example/x`, { host: `localhost:${port}` });
  expect([answer.status, answer.headers['location']]).toEqual([307, `${issuer.origin}//attacker.example/x`]);
  const posted = await ask(`${issuer.origin}/token`, { host: `localhost:${port}` }, 'POST', 'grant_type=client_credentials');
  expect(posted.status).toBe(421);
});

test.each(['production', 'production ', 'Production'])('rule 268: does not start with NODE_ENV=%j', async (NODE_ENV) => {
  const { code, stdout, stderr } = await runCommand(['issuer', '--port', '0'], { env: { ...issuer.env, NODE_ENV }, signal: AbortSignal.abort() });
  expect([code, stdout]).toEqual([3, '']);
  expect(stderr).toContain('NODE_ENV is production');
});

test('rule 269: the login page loads nothing, runs nothing, and cannot be framed', async () => {
  const page = await createLoginBrowser(issuer.origin).open(await loginAddress());
  const policy = page.headers.get('content-security-policy')!;
  expect(policy).toMatch(
    /^default-src 'none'; img-src data:; script-src; style-src 'sha256-[\w+/=]+'; form-action 'self' http:\/\/localhost:53682; base-uri 'none'; frame-ancestors 'none'$/,
  );
  expect(page.headers.get('x-frame-options')).toBe('DENY');
  expect(page.headers.get('cache-control')).toBe('no-store');
  expect(page.body).not.toMatch(/<script|src=|https?:\/\//);
  expect(page.body).toContain('<html lang="en">');
  expect(page.body.match(/<h1>/g)).toHaveLength(1);
  expect(page.body).toContain('<button name="subject" value="ada"><strong>Ada Lovelace</strong> <span>ada · admin</span></button>');
});

async function loginAddress(): Promise<URL> {
  const url = new URL(server.authorization_endpoint!);
  const pkce = { code_challenge: await oauth.calculatePKCECodeChallenge('v'.repeat(43)), code_challenge_method: 'S256' };
  url.search = new URLSearchParams({ client_id: 'dev-app', redirect_uri: REDIRECT, response_type: 'code', scope: 'openid', ...pkce }).toString();
  return url;
}

test('rule 269: takes the form of the login page from its own page and its own browser only', async () => {
  const browser = createLoginBrowser(issuer.origin);
  const { url } = await browser.open(await loginAddress());
  const send = (headers: Record<string, string>) => ask(url.href, { 'content-type': 'application/x-www-form-urlencoded', ...headers }, 'POST', 'subject=ada');
  const cookie = browser.cookiesFor(url);
  // without the cookie of this login
  expect((await send({})).status).toBe(400);
  for (const headers of [
    { origin: 'https://attacker.example' },
    { origin: 'http://localhost:3000' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ]) {
    expect((await send({ cookie, ...headers })).status, JSON.stringify(headers)).toBe(403);
  }
  expect((await send({ cookie, origin: issuer.origin, 'sec-fetch-site': 'same-origin' })).status).toBe(303);
});

test('rule 270: only pages on loopback may read answers of the token endpoint', async () => {
  const originsThatMay = async (origin: string) => {
    const form = { 'content-type': 'application/x-www-form-urlencoded', origin };
    return (await ask(`${issuer.origin}/token`, form, 'POST', 'grant_type=authorization_code&client_id=dev-app&code=x')).headers['access-control-allow-origin'];
  };
  expect(await originsThatMay('http://localhost:5173')).toBe('http://localhost:5173');
  expect(await originsThatMay('https://attacker.example')).toBeUndefined();
  expect(await originsThatMay('null')).toBeUndefined();
});

test('ends at once, and removes its state file, when it is interrupted', async () => {
  const short = await runIssuer();
  const folder = join(short.env['XDG_RUNTIME_DIR']!, 'tokenward');
  expect(readdirSync(folder)).toHaveLength(1);
  // a connection that stays open
  const hanging = request(short.origin, { headers: { expect: 'x' } }).on('error', () => {});
  hanging.flushHeaders();
  const began = performance.now();
  expect(await short.end()).toBe(0);
  expect(performance.now() - began).toBeLessThan(2000);
});
