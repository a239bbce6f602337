import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as oauth from 'oauth4webapi';
import { afterAll, expect, test } from 'vitest';
import { createResourceGuard } from '@tokenward/core';
import { createLoginBrowser } from './login-browser.js';
import { runCommand } from './run-command.js';
import { runIssuer, type RunningIssuer } from './running-issuer.js';

const folder = mkdtempSync(join(tmpdir(), 'tokenward-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function write(content: unknown): string {
  const path = join(folder, `file-${files++}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
  return path;
}

const refused = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCommand(['issuer', '--port', '0', ...args], { env: { XDG_RUNTIME_DIR: folder, ...env }, cwd: folder });

test.each([
  '0.0.0.0',
  '::',
  '192.0.2.1',
  '10.0.0.1',
  '169.254.169.254',
  'fe80::1',
  '::ffff:192.0.2.1',
  'example.com',
  'localhost.example.com',
  'host.docker.internal',
])('rule 268: does not listen on %s', async (host) => {
  const { code, stdout, stderr } = await refused(['--host', host]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('--host must be on this machine: 127.0.0.1, ::1 or localhost');
});

test('rule 268: does not start in production', async () => {
  const { code, stdout, stderr } = await refused([], { NODE_ENV: 'production' });
  expect([code, stdout]).toEqual([3, '']);
  expect(stderr).toContain('NODE_ENV is production');
});

test.each([
  [['--port', '70000'], 2, '--port must be a number from 0 to 65535'],
  [['--lifetime', '0'], 2, '--lifetime must be a number from 1 to 86400'],
  [['--audience', 'orders'], 2, '--audience must be an absolute URI without a fragment'],
  [['--audience', 'https://api.example.com/#x'], 2, '--audience must be an absolute URI without a fragment'],
  [['--users', 'missing.json'], 3, '--users names no file'],
  [['--users', '.'], 3, '--users cannot be read (it is a folder)'],
  [['--keys', 'missing/key.json'], 3, 'the file of --keys cannot be written (ENOENT). Name a file in a folder that exists'],
  [['--audiense', 'x'], 2, 'issuer has no option --audiense: did you mean --audience?'],
])('ends with an error for %j', async (args, expected, message) => {
  const { code, stdout, stderr } = await runCommand(['issuer', ...args], { env: { XDG_RUNTIME_DIR: folder }, cwd: folder });
  expect([code, stdout]).toEqual([expected, '']);
  expect(stderr).toContain(`error: ${message}`);
});

test.each([
  ['no JSON', '{', 'is not JSON'],
  ['no list', {}, 'users must be a list of 1 to 200 users'],
  ['an empty list', { users: [] }, 'users must be a list of 1 to 200 users'],
  ['a user without a subject', { users: [{ name: 'Ada' }] }, 'users[0].subject is missing'],
  ['an unknown member', { users: [{ subject: 'ada', rolse: [] }] }, 'users[0] has an unknown member: did you mean roles?'],
  ['roles that are no list', { users: [{ subject: 'ada', roles: 'admin' }] }, 'users[0].roles must be a list of texts'],
  ['a scope with a space', { users: [{ subject: 'ada', scopes: ['a b'] }] }, 'users[0].scopes must be a list of scopes'],
  ['a claim that the issuer sets', { users: [{ subject: 'ada', claims: { iss: 'x' } }] }, 'users[0].claims cannot contain iss'],
  ['two users with one subject', { users: [{ subject: 'ada' }, { subject: 'ada' }] }, 'the subject "ada" is duplicated'],
])('says what is wrong with a file of users with %s', async (_name, content, message) => {
  const { code, stderr } = await refused(['--users', write(content)]);
  expect(code).toBe(3);
  expect(stderr).toContain(message);
});

test('says that another program uses the port', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { code, stderr } = await runCommand(['issuer', '--port', String((server.address() as AddressInfo).port)], { env: { XDG_RUNTIME_DIR: folder } });
  server.close();
  expect(code).toBe(3);
  expect(stderr).toContain('Another program uses the port. Choose one with --port');
});

/** Logs in a user, and returns the token response, or where the browser was sent instead. */
async function logIn({ origin }: RunningIssuer, user: { readonly subject: string; readonly password?: string }, scope: string) {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const server = await oauth.processDiscoveryResponse(new URL(origin), await oauth.discoveryRequest(new URL(origin), insecure));
  const client: oauth.Client = { client_id: 'dev-app' };
  const verifier = oauth.generateRandomCodeVerifier();
  const url = new URL(server.authorization_endpoint!);
  const redirect = 'http://127.0.0.1:53682/callback';
  const pkce = { code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' };
  url.search = new URLSearchParams({ client_id: 'dev-app', redirect_uri: redirect, response_type: 'code', scope, state: 's', ...pkce }).toString();
  const back = await createLoginBrowser(origin).logIn(url, user);
  if (back.origin === origin) return back;
  const answer = oauth.validateAuthResponse(server, client, back, 's');
  const response = await oauth.authorizationCodeGrantRequest(server, client, oauth.None(), answer, redirect, verifier, insecure);
  return oauth.processAuthorizationCodeResponse(server, client, response);
}

test('logs in users of a file: with their claims and scopes, and a password where one is set', async () => {
  const users = [
    { subject: 'eve', roles: ['clerk'], scopes: ['orders:read'], claims: { tenant: 'acme' }, password: 'p4ss' },
    { subject: '<b>&"', name: '<script>alert(1)</script>' },
  ];
  const issuer = await runIssuer(['--users', write({ users })]);
  try {
    const tokens = await logIn(issuer, { subject: 'eve', password: 'p4ss' }, 'openid orders:read orders:write');
    if (tokens instanceof URL) throw new Error('not logged in');
    const guard = createResourceGuard({ issuer: issuer.origin, audience: 'https://api.example.com' });
    const decision = await guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${tokens.access_token}` } });
    await guard.close();
    expect(decision).toMatchObject({ outcome: 'allow', auth: { subject: 'eve', roles: ['clerk'], claims: { tenant: 'acme' } } });
    expect(decision.outcome === 'allow' && decision.auth?.scopes).toEqual(['orders:read']);
    expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({ roles: ['clerk'], tenant: 'acme' });
    for (const password of ['wrong', '', undefined]) {
      expect(await logIn(issuer, { subject: 'eve', ...(password !== undefined && { password }) }, 'openid')).toBeInstanceOf(URL);
    }
    expect(await logIn(issuer, { subject: 'nobody' }, 'openid')).toBeInstanceOf(URL);
    const odd = await logIn(issuer, { subject: '<b>&"' }, 'openid');
    expect(odd instanceof URL ? undefined : oauth.getValidatedIdTokenClaims(odd)?.sub).toBe('<b>&"');
  } finally {
    await issuer.end();
  }
});

test('rule 271: keeps the key in a file for this user alone, so that tokens stay valid', async () => {
  const path = join(folder, 'key.json');
  const kidOf = async () => {
    const issuer = await runIssuer(['--keys', path]);
    const { keys } = (await (await fetch(`${issuer.origin}/jwks`)).json()) as { keys: { kid: string }[] };
    await issuer.end();
    expect(keys).toHaveLength(1);
    expect(Object.keys(keys[0]!).toSorted()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
    return keys[0]!.kid;
  };
  const first = await kidOf();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await kidOf()).toBe(first);

  chmodSync(path, 0o644);
  expect((await refused(['--keys', path])).stderr).toContain('others can read');
  const link = join(folder, 'link.json');
  symlinkSync(path, link);
  expect((await refused(['--keys', link])).stderr).toContain('is a symbolic link');
  const dangling = join(folder, 'dangling.json');
  symlinkSync(join(folder, 'elsewhere.json'), dangling);
  expect((await refused(['--keys', dangling])).code).toBe(3);
  for (const content of ['{}', '{"keys":[]}', '{"keys":[{"kty":"RSA","kid":"a","n":"secret"}]}', '[']) {
    const { code, stderr } = await refused(['--keys', write(content)]);
    expect([code, stderr.includes('must be a JWK set with one private RSA key')]).toEqual([3, true]);
    expect(stderr).not.toContain('secret');
  }
});

test('issues opaque tokens that an API introspects, and that can be revoked', async () => {
  const issuer = await runIssuer(['--opaque']);
  const guard = createResourceGuard({
    issuer: issuer.origin,
    audience: 'https://api.example.com',
    introspection: { clientId: 'dev-server', clientSecret: issuer.secret },
  });
  try {
    const { stdout } = await runCommand(['token', '--scope', 'orders:read', '--claim', 'tenant="acme"', '--client', 'dev-server'], { env: issuer.env });
    expect(stdout).not.toContain('.');
    const check = () => guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${stdout.trim()}` } });
    expect(await check()).toMatchObject({ outcome: 'allow', auth: { subject: 'ada', scopes: ['orders:read'], roles: ['admin'] } });
    const basic = `Basic ${Buffer.from(`dev-server:${issuer.secret}`).toString('base64')}`;
    const revoke = (authorization: string) =>
      fetch(`${issuer.origin}/token/revocation`, { method: 'POST', headers: { authorization }, body: new URLSearchParams({ token: stdout.trim() }) });
    expect((await revoke('Basic ZGV2LXNlcnZlcjp3cm9uZw==')).status).toBe(401);
    expect((await revoke(basic)).status).toBe(200);
    const asked = await fetch(`${issuer.origin}/token/introspection`, {
      method: 'POST',
      headers: { authorization: basic },
      body: new URLSearchParams({ token: stdout.trim() }),
    });
    expect(await asked.json()).toEqual({ active: false });
    expect((await runCommand(['token', '--client', 'unknown'], { env: issuer.env })).stderr).toContain('opaque tokens need a client of the issuer');
  } finally {
    await guard.close();
    await issuer.end();
  }
});

test('listens on each address of localhost, or on IPv6 alone', async () => {
  const named = await runIssuer(['--host', 'localhost']);
  expect(named.origin).toMatch(/^http:\/\/localhost:\d+$/);
  const answer = await fetch(`${named.origin}/.well-known/openid-configuration`);
  expect(((await answer.json()) as { issuer: string }).issuer).toBe(named.origin);
  await named.end();
  const six = await runIssuer(['--host', '::1']).catch(() => undefined);
  // a machine without IPv6
  if (!six) return;
  expect(((await (await fetch(`${six.origin}/.well-known/openid-configuration`)).json()) as { issuer: string }).issuer).toBe(six.origin);
  await six.end();
});

const UNKNOWN_NODE = `
  delete process.release.lts;
  const { Server } = process.getBuiltinModule('node:http');
  const { listen } = Server.prototype;
  Server.prototype.listen = function (...given) {
    console.warn('a warning of somebody else');
    Server.prototype.listen = listen;
    return Reflect.apply(listen, this, given);
  };
`;

test.each(['SIGINT', 'SIGTERM'] as const)('the installed program ends at once with 0 at %s, and leaves nothing behind', async (signal) => {
  const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
  const runtime = mkdtempSync(join(tmpdir(), 'tokenward-'));
  const child = spawn(process.execPath, [bin, 'issuer', '--port', '0'], {
    // oidc-provider warns of a Node version that is no long-term release. Here is one, and a warning that is not its own
    env: { PATH: process.env['PATH'], XDG_RUNTIME_DIR: runtime, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(UNKNOWN_NODE)}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { out: '', error: '' };
  child.stderr.on('data', (chunk: Buffer) => void (output.error += chunk.toString()));
  await new Promise<void>((resolve) =>
    child.stdout.on('data', (chunk: Buffer) => {
      output.out += chunk.toString();
      if (output.out.includes('npx tokenward attack')) resolve();
    }),
  );
  // a connection that stays open
  await fetch(/at (http:\S+)/.exec(output.out)![1]!);
  const began = performance.now();
  child.kill(signal);
  const [code] = (await once(child, 'exit')) as [number];
  expect([code, output.error]).toEqual([0, 'a warning of somebody else\n']);
  expect(performance.now() - began).toBeLessThan(3000);
  expect(readdirSync(join(runtime, 'tokenward'))).toEqual([]);
  rmSync(runtime, { recursive: true });
});

test.runIf(process.platform !== 'win32')('ends with an error for a file of users that is too large, or does not end', async () => {
  const { code, stderr } = await refused(['--users', '/dev/zero']);
  expect([code, stderr]).toEqual([2, 'error: the file of --users has more than 1 MiB\n']);
});
