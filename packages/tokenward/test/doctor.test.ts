import { spawn } from 'node:child_process';
import dns from 'node:dns';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTestIssuer, type TestIssuer } from '@tokenward/testing';
import { Provider } from 'oidc-provider';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { runCommand, type Surroundings } from './run-command.js';
import { createAuthority, startTlsIssuer, type Authority } from './tls-issuer.js';

const BIN = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tokenward-doctor-'));
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
let issuer: TestIssuer;
let authority: Authority;

beforeAll(async () => {
  issuer = await createTestIssuer();
  authority = createAuthority();
});
afterAll(async () => {
  await issuer.close();
  authority.remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Check {
  readonly check: string;
  readonly verdict: string;
  readonly detail: string;
  readonly remedy?: string;
}

interface Result {
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly code: number;
}

async function doctor(args: readonly string[], surroundings?: Surroundings): Promise<Result> {
  const { code, stdout, stderr } = await runCommand(['doctor', ...args, '--json'], surroundings);
  if (stdout === '') throw new Error(stderr);
  return { ...(JSON.parse(stdout) as { ok: boolean; checks: Check[] }), code };
}

const named = ({ checks }: Result, name: string): Check[] => checks.filter(({ check }) => check === name);
const failures = ({ checks }: Result): string[] => checks.filter(({ verdict }) => verdict === 'fail').map(({ check }) => check);

/** Serves documents at paths of loopback. `$` in them is the origin. */
async function serve(documents: Record<string, unknown>): Promise<{ readonly origin: string; readonly seen: string[]; readonly server: Server }> {
  const seen: string[] = [];
  const server = createServer(({ method, url }, response) => {
    seen.push(`${method} ${url}`);
    const document = documents[url!];
    response.writeHead(document ? 200 : 404).end(JSON.stringify(document ?? {}).replaceAll('$', origin));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, seen, server };
}

test('an issuer that is set up well passes each check, one line each, with exit code 0', async () => {
  const { code, stdout, stderr } = await runCommand(['doctor', '--issuer', issuer.issuer, '--audience', issuer.audience]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/ok {4}node {11}Node \d+/);
  expect(stdout).toMatch(/ok {4}metadata .*openid-configuration/);
  expect(stdout).toContain('ok    clock          this machine and the issuer agree');
  expect(stdout).toMatch(/ok {4}key .*for RS256/);
  expect(stdout).toContain('ok    guard          a guard with these options starts and has its keys');
  expect(stdout).toMatch(/\n0 failed, 0 warnings, \d+ ok\n$/);
});

test('a real authorization server passes, and its endpoints are described without a request to them', async () => {
  const server = createServer((request, response) => void provider.callback()(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(origin, { features: { introspection: { enabled: true }, revocation: { enabled: true } } });
  provider.on('server_error', () => {});
  const seen: string[] = [];
  server.on('request', ({ method, url }) => seen.push(`${method} ${url}`));
  const result = await doctor(['--issuer', origin, '--audience', 'orders']);
  server.close();
  expect([result.ok, failures(result)]).toEqual([true, []]);
  expect(named(result, 'introspection')[0]!.detail).toMatch(/^http:\/\/127.*introspection, which takes client_secret_basic/);
  expect(named(result, 'revocation')[0]!.remedy).toContain('createIssuerClient()');
  expect(new Set(seen)).toEqual(new Set(['GET /.well-known/openid-configuration', 'GET /jwks']));
});

test.each([
  ['error', 'metadata', 'answered with status 500'],
  ['redirect', 'metadata', 'redirects are not followed'],
  ['html', 'metadata', 'the answer is not JSON'],
  ['huge', 'metadata', 'larger than'],
  ['bomb', 'metadata', 'larger than'],
  ['reset', 'metadata', 'ECONNRESET|socket hang up'],
] as const)('names what an issuer does wrong that answers with %s', async (how, check, detail) => {
  const broken = await createTestIssuer();
  broken.misbehave(how, 'metadata');
  const result = await doctor(['--issuer', broken.issuer, '--audience', 'x']);
  await broken.close();
  expect(result.code).toBe(1);
  expect(failures(result)).toEqual([check, 'guard']);
  expect(named(result, check)[0]!.detail).toMatch(new RegExp(detail));
});

test.each([
  ['no-keys', 'none of 0 keys can verify tokens'],
  ['html', 'the answer is not JSON'],
] as const)('names what is wrong with keys that are %s', async (how, detail) => {
  const broken = await createTestIssuer();
  broken.misbehave(how, 'jwks');
  const result = await doctor(['--issuer', broken.issuer, '--audience', 'x']);
  await broken.close();
  expect(failures(result)).toEqual(['keys', 'guard']);
  expect(named(result, 'keys')[0]!.detail).toContain(detail);
});

test('a server that does not answer is given up after keyFetching.timeoutSeconds', async () => {
  const broken = await createTestIssuer();
  broken.misbehave('hang', 'metadata');
  const began = performance.now();
  const result = await doctor(['--issuer', broken.issuer, '--audience', 'x', '--option', 'keyFetching={"timeoutSeconds":0.2}']);
  await broken.close();
  expect(named(result, 'metadata')[0]!.detail).toContain('no complete answer within 0.2 s');
  expect(performance.now() - began).toBeLessThan(4000);
});

test.each([
  ['$/', 'they differ in the slash at the end', /Set issuer to exactly http.*\/\./],
  ['https$', 'they differ in http and https', /forwarded headers/],
  ['https://login.example.com', 'names "https://login.example.com"', /set issuer to it, and metadataUrl/],
  [7, 'the metadata has no issuer', /authorization server/],
])('compares the issuer to the letter: metadata that names %j', async (named_, detail, remedy) => {
  const documents: Record<string, unknown> = {};
  const running = await serve(documents);
  const issuerOf = typeof named_ === 'string' ? named_.replace('https$', running.origin.replace('http:', 'https:')) : named_;
  documents['/.well-known/openid-configuration'] = { issuer: issuerOf, jwks_uri: '$/jwks' };
  documents['/jwks'] = { keys: [{ ...ec, kid: 'a' }] };
  const result = await doctor(['--issuer', running.origin, '--audience', 'x']);
  running.server.close();
  expect(failures(result)).toEqual(['issuer', 'guard']);
  const [check] = named(result, 'issuer');
  expect(check!.detail).toContain(detail);
  expect(check!.remedy).toMatch(remedy);
});

test('finds metadata at the address of RFC 8414, for an issuer with a path', async () => {
  const running = await serve({
    '/.well-known/oauth-authorization-server/tenant': { issuer: '$/tenant', jwks_uri: '$/jwks' },
    '/jwks': { keys: [{ ...ec, kid: 'a' }] },
  });
  const result = await doctor(['--issuer', `${running.origin}/tenant`, '--audience', 'x']);
  running.server.close();
  expect(failures(result)).toEqual([]);
  expect(named(result, 'metadata')[0]!.detail).toContain('(RFC 8414)');
});

test('says of each key whether it is usable, and why not', async () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
  const running = await serve({
    '/.well-known/openid-configuration': { issuer: '$', jwks_uri: '$/jwks' },
    '/jwks': {
      keys: [
        { ...ec, kid: 'one' },
        { ...ec, kid: 'one', alg: 'ES256' },
        ec,
        { ...weak, kid: 'weak' },
        { ...ec, kid: 'enc', use: 'enc' },
        { kty: 'oct', k: 'c2VjcmV0' },
      ],
    },
  });
  const result = await doctor(['--issuer', running.origin, '--audience', 'x']);
  running.server.close();
  expect(named(result, 'keys')[0]!.detail).toContain('3 of 6 can verify tokens');
  expect(named(result, 'key').map(({ verdict, detail }) => `${verdict} ${detail}`)).toEqual([
    'warn "one", EC P-256: another key has the same kid',
    'warn "one", EC P-256: another key has the same kid',
    'warn number 3, without kid, EC P-256, for ES256',
    expect.stringMatching(/^warn "weak", RSA: .*1024 bits, fewer than 2048/) as string,
    'note "enc", EC P-256: not used, it is not for signatures ("use")',
    'warn number 6, without kid, oct: is a symmetric key, which must not be published',
  ]);
  expect(JSON.stringify(result)).not.toContain('c2VjcmV0');
});

test('compares algorithms with the keys', async () => {
  const result = await doctor(['--issuer', issuer.issuer, '--audience', 'x', '--algorithms', 'EdDSA']);
  expect(failures(result)).toEqual(['keys', 'guard']);
  expect(named(result, 'key')[0]!.detail).toContain('fits none of the allowed algorithms');
});

test('a clock that is wrong fails with the difference, and a guard may allow more', async () => {
  const now = (): number => Date.now() - 90_000;
  const args = ['--issuer', issuer.issuer, '--audience', 'x'];
  const result = await doctor(args, { now });
  expect(failures(result)).toEqual(['clock']);
  expect(named(result, 'clock')[0]!.detail).toMatch(/this machine is (89|90|91) s behind the issuer, more than clockSkewSeconds \(30\) allows/);
  const allowed = await doctor([...args, '--option', 'clockSkewSeconds=120'], { now });
  expect(named(allowed, 'clock')[0]!.verdict).toBe('warn');
});

test('rule 266: a private authority is named, with NODE_EXTRA_CA_CERTS, and then trusted only by it', async () => {
  const running = await startTlsIssuer(authority.issue('server', { days: 90, names: 'IP:127.0.0.1' }), issuer.jwks);
  const args = ['doctor', '--issuer', running.issuer, '--audience', 'x', '--json'];
  const without = await doctor(args.slice(1, -1));
  expect(failures(without)).toEqual(['tls', 'metadata', 'guard']);
  const [tls] = named(without, 'tls');
  expect(tls!.detail).toContain('the certificate of "Example Works"');
  expect(tls!.remedy).toContain('NODE_EXTRA_CA_CERTS=/path/to/authority.pem');
  const { code, stdout } = await spawned(args, { NODE_EXTRA_CA_CERTS: authority.file });
  expect([code, failures(JSON.parse(stdout) as Result)]).toEqual([0, []]);
  const withFile = (file: string): Promise<Result> => doctor([...args.slice(1, -1), '--option', `keyFetching=${JSON.stringify({ caFile: file })}`]);
  const inOptions = await withFile(authority.file);
  expect([inOptions.code, failures(inOptions)]).toEqual([0, []]);
  const other = createAuthority();
  onTestFinished(() => other.remove());
  const [ofOther] = named(await withFile(other.file), 'tls');
  expect(ofOther!.detail).toContain('its authority is not in keyFetching.caFile or ca');
  const absent = await withFile(join(folder, 'none.pem'));
  expect(failures(absent)).toEqual(['files', 'guard']);
  // it opens other connections of a process, and neither the guard nor the doctor
  const opened = await spawned(args, { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
  await running.close();
  expect(failures(JSON.parse(opened.stdout) as Result)).toEqual(['tls', 'metadata', 'guard']);
  expect(opened.stdout).toContain('NODE_TLS_REJECT_UNAUTHORIZED is 0');
});

test.each([
  ['has expired', { days: -1, names: 'IP:127.0.0.1' }, 'tls', 'has expired'],
  ['is for another name', { days: 90, names: 'DNS:login.example.com' }, 'tls', 'is for other names than 127.0.0.1: DNS:login.example.com'],
  ['ends soon', { days: 5, names: 'IP:127.0.0.1' }, undefined, 'days left'],
] as const)('a certificate that %s', async (name, certificate, failure, detail) => {
  const running = await startTlsIssuer(authority.issue(name.replaceAll(' ', '-'), certificate), issuer.jwks);
  const { stdout } = await spawned(['doctor', '--issuer', running.issuer, '--audience', 'x', '--json'], { NODE_EXTRA_CA_CERTS: authority.file });
  await running.close();
  const result = JSON.parse(stdout) as Result;
  expect(failures(result)[0]).toBe(failure);
  expect(named(result, 'tls')[0]!.detail).toContain(detail);
});

test('names a proxy variable that Node does not use, a proxy that it uses, and a certificate file that does not exist, and shows no value', async () => {
  const args = ['doctor', '--issuer', 'https://login.example.invalid', '--audience', 'x', '--json'];
  const proxy = 'http://user:pass-word@127.0.0.1:9';
  const [unused, used] = await Promise.all([
    spawned(args, { HTTPS_PROXY: proxy, NODE_EXTRA_CA_CERTS: join(folder, 'none.pem') }),
    spawned(args, { HTTPS_PROXY: proxy, NODE_USE_ENV_PROXY: '1' }),
  ]);
  const first = JSON.parse(unused.stdout) as Result;
  expect(named(first, 'proxy')[0]!.remedy).toContain('set NODE_USE_ENV_PROXY=1');
  expect(named(first, 'variables')[0]).toMatchObject({ verdict: 'fail', detail: 'NODE_EXTRA_CA_CERTS names a file that does not exist' });
  expect(named(first, 'dns')[0]).toMatchObject({ verdict: 'fail', detail: expect.stringContaining('login.example.invalid cannot be looked up') as string });
  expect(named(JSON.parse(used.stdout) as Result, 'dns')[0]!.verdict).toBe('skip');
  expect(unused.stdout + used.stdout + unused.stderr + used.stderr).not.toMatch(/pass-word/);
});

test.each(['*.example.invalid', '.example.invalid', 'other.invalid, LOGIN.example.invalid:443', '*'])('follows NO_PROXY=%s as Node does', async (NO_PROXY) => {
  const env = { HTTPS_PROXY: 'http://127.0.0.1:9', NODE_USE_ENV_PROXY: '1', NO_PROXY, no_proxy: '' };
  const { stdout } = await spawned(['doctor', '--issuer', 'https://login.example.invalid', '--audience', 'x', '--json'], env);
  const result = JSON.parse(stdout) as Result;
  expect(named(result, 'proxy')).toEqual([]);
  expect(named(result, 'dns')[0]!.verdict).toBe('fail');
});

test('reads issuer and audience from a file of variables, and shows none of the others', async () => {
  const file = join(folder, '.env');
  writeFileSync(file, `OAUTH_ISSUER="${issuer.issuer}"\nAUDIENCE=orders\nCLIENT_SECRET=very-secret\nNODE_EXTRA_CA_CERTS=/etc/ca.pem\n`);
  const result = await doctor(['--env-file', '.env'], { cwd: folder });
  expect(failures(result)).toEqual([]);
  expect(named(result, 'env file').map(({ verdict, detail }) => `${verdict} ${detail}`)).toEqual([
    'note the issuer is in OAUTH_ISSUER. A guard without options reads ISSUER_BASE_URL',
    'warn NODE_EXTRA_CA_CERTS is in the file, and Node reads it only when it starts',
  ]);
  expect(named(result, 'audience')[0]!.detail).toBe('tokens must have "orders" in aud');
  expect(JSON.stringify(result)).not.toContain('very-secret');
  const missing = await runCommand(['doctor', '--env-file', 'none.env'], { cwd: folder });
  expect([missing.code, missing.stderr]).toEqual([3, 'error: --env-file names no file\n']);
  writeFileSync(file, 'AUDIENCE=orders');
  const without = await runCommand(['doctor', '--env-file', '.env'], { cwd: folder });
  expect([without.code, without.stderr]).toEqual([
    2,
    expect.stringMatching(/^error: --env-file has no issuer in ISSUER_BASE_URL, .*\. Add it there, or give --issuer\n$/),
  ]);
});

test.runIf(process.platform === 'linux')('reads no more than a small file of keys', async () => {
  const { code, stdout } = await runCommand(['doctor', '--issuer', 'https://login.example.com', '--audience', 'orders', '--jwks-file', '/dev/zero']);
  expect([code, stdout]).toEqual([1, expect.stringContaining('the file is not a JWKS')]);
});

test('the installed program reads the file, too, though Node takes the option for its own', async () => {
  writeFileSync(join(folder, 'own.env'), `ISSUER_BASE_URL=${issuer.issuer}\nAUDIENCE=orders\n`);
  const { code, stdout } = await spawned(['doctor', '--env-file', join(folder, 'own.env'), '--json'], {});
  expect([code, failures(JSON.parse(stdout) as Result)]).toEqual([0, []]);
});

test('says which preset fits, and how to write it', async () => {
  const realm = 'https://sso.example.invalid/realms/shop';
  const [preset] = named(await doctor(['--issuer', realm, '--audience', 'account']), 'preset');
  expect(preset).toMatchObject({
    detail: 'keycloak fits the issuer',
    remedy: expect.stringContaining("keycloak({ url: 'https://sso.example.invalid', realm: 'shop', audience })") as string,
  });
});

test.each([
  [['--audience', 'account'], 'is in almost every token of Keycloak'],
  [['--audience', 'a,b'], 'has a comma'],
  [['--audience', 'https://example.eu.auth0.com/userinfo'], "the issuer's endpoint for clients"],
  [[], 'no --audience was given'],
])('warns of an audience that is probably wrong: %j', async (args, detail) => {
  const result = await doctor(['--issuer', issuer.issuer, ...args]);
  expect(named(result, 'audience')[0]).toMatchObject({ verdict: 'warn', detail: expect.stringContaining(detail) as string });
  expect(failures(result)).toEqual([]);
});

test('options that a guard refuses are findings, each with its name', async () => {
  const numbers = ['maxTokenAgeSeconds=600', 'maxTokenLifetimeSeconds=600', 'maxTokenBytes=8192'].flatMap((one) => ['--option', one]);
  expect((await doctor(['--issuer', issuer.issuer, '--audience', 'x', ...numbers])).code).toBe(0);
  // an identifier, and no number
  const digits = await doctor(['--issuer', issuer.issuer, '--audience', 'x', '--option', 'realm=269152346434019332']);
  expect(digits.code).toBe(0);
  const result = await doctor(['--issuer', issuer.issuer, '--audience', 'x', '--option', 'clockSkewSeconds=900', '--option', 'requiredClaim=["a"]']);
  expect(result.code).toBe(1);
  expect(named(result, 'options').map(({ detail }) => detail.split(' ')[0])).toEqual(['requiredClaim', 'clockSkewSeconds']);
});

const TEMPLATED = ['/.well-known/openid-configuration', '/jwks'] as const;

/** Serves an issuer for each of two tenants. */
async function serveTenants(): ReturnType<typeof serve> {
  const documents = ['acme', 'globex'].flatMap((tenant) => [
    [`/${tenant}/v2.0${TEMPLATED[0]}`, { issuer: `$/${tenant}/v2.0`, jwks_uri: `$/${tenant}/v2.0${TEMPLATED[1]}` }],
    [`/${tenant}/v2.0${TEMPLATED[1]}`, { keys: [{ ...ec, kid: tenant }] }],
  ]);
  return serve(Object.fromEntries(documents) as Record<string, unknown>);
}

test('an issuer with {tenant} needs a tenant: without one the host is checked, and no address with the words {tenant} is asked', async () => {
  const running = await serveTenants();
  onTestFinished(() => void running.server.close());
  const result = await doctor(['--issuer', `${running.origin}/{tenant}/v2.0`, '--audience', 'x']);
  expect([result.code, running.seen]).toEqual([1, []]);
  expect(named(result, 'options')[0]!.detail).toContain('tenants is missing');
  expect(named(result, 'network')).toHaveLength(1);
  expect(named(result, 'tenant')).toEqual([
    expect.objectContaining({
      verdict: 'warn',
      detail: expect.stringContaining('They were not checked') as string,
      remedy: expect.stringContaining(`'tenants=["NAME"]'`) as string,
    }),
  ]);
  expect(named(result, 'metadata')).toEqual([]);
});

test('the first of tenants is checked in place of {tenant}', async () => {
  const running = await serveTenants();
  onTestFinished(() => void running.server.close());
  const result = await doctor(['--issuer', `${running.origin}/{tenant}/v2.0`, '--audience', 'x', '--option', 'tenants=["globex","acme","initech"]']);
  expect([result.code, failures(result)]).toEqual([0, []]);
  expect(named(result, 'tenant')[0]).toMatchObject({
    verdict: 'note',
    detail: '"globex", the first of tenants, is checked in place of {tenant}. 2 more are not checked',
  });
  expect(named(result, 'issuer')[0]!.detail).toContain('/globex/v2.0');
  expect(named(result, 'key')[0]!.detail).toContain('"globex"');
  expect(named(result, 'guard')[0]!.detail).toBe('a guard with these options starts. It fetches the keys of a tenant with the first token');
  expect(new Set(running.seen)).toEqual(new Set(TEMPLATED.map((path) => `GET /globex/v2.0${path}`)));
});

test('keys that all tenants share are checked without a tenant', async () => {
  const running = await serveTenants();
  onTestFinished(() => void running.server.close());
  const shared = ['--option', `jwksUri=${running.origin}/acme/v2.0/jwks`, '--option', 'unsafeAcceptAnyTenant=true'];
  const result = await doctor(['--issuer', `${running.origin}/{tenant}/v2.0`, '--audience', 'x', ...shared]);
  expect([result.code, failures(result), named(result, 'tenant')]).toEqual([0, [], []]);
  expect(named(result, 'key')[0]!.detail).toContain('"acme"');
  expect(named(result, 'guard')[0]!.detail).toBe('a guard with these options starts and has its keys');
});

test('the tenants of a preset are checked by their first, too', async () => {
  const tenants = ['72f988bf-86f1-41af-91ab-2d7cd011db47', '72f988bf-86f1-41af-91ab-2d7cd011db48'];
  const env = { HTTPS_PROXY: 'http://127.0.0.1:1', NODE_USE_ENV_PROXY: '1' };
  const { stdout } = await spawned(
    ['doctor', '--preset', 'entraId', '--option', `tenantIds=${JSON.stringify(tenants)}`, '--option', 'tokenVersion=2', '--audience', 'x', '--json'],
    env,
  );
  expect(named(JSON.parse(stdout) as Result, 'tenant')[0]!.detail).toBe(
    `"${tenants[0]!}", the first of tenants, is checked in place of {tenant}. 1 more is not checked`,
  );
  expect(stdout).toContain(`https://login.microsoftonline.com/${tenants[0]!}/discovery/v2.0/keys`);
  expect(stdout).not.toMatch(/%7B|\{tenant\}\/disc/);
});

test('a plain http address is refused before anything is asked', async () => {
  const result = await doctor(['--issuer', 'http://login.example.com', '--audience', 'x']);
  expect(named(result, 'address')[0]!.detail).toContain('must use https');
});

test('takes the issuers from --option, and reads no variables beside them, as a guard does', async () => {
  const other = await createTestIssuer();
  const listed = JSON.stringify([issuer, other].map((one) => ({ issuer: one.issuer, audience: one.audience })));
  for (const env of [{}, { ISSUER_BASE_URL: 'https://elsewhere.example', AUDIENCE: 'another-api' }]) {
    const result = await doctor(['--option', `issuers=${listed}`], { env });
    expect([failures(result), result.code]).toEqual([[], 0]);
    expect(named(result, 'environment')).toEqual([]);
    expect(named(result, 'metadata')).toHaveLength(2);
  }
  await other.close();
  const one = await doctor(['--option', `issuer=${issuer.issuer}`, '--option', `audience=${issuer.audience}`], {
    env: { ISSUER_BASE_URL: 'https://elsewhere.example' },
  });
  expect([failures(one), named(one, 'environment'), one.code]).toEqual([[], [], 0]);
});

test('an issuer from --option is in the JSON, and is compared with the presets', async () => {
  const args = ['--option', 'jwksFile=jwks.json', '--audience', 'x', '--json'];
  const realm = 'https://sso.example.com/realms/shop';
  const ended = await runCommand(['doctor', '--option', `issuer=${realm}`, ...args], { cwd: folder });
  const result = JSON.parse(ended.stdout) as Result & { issuer?: string };
  expect(result.issuer).toBe(realm);
  expect(named(result, 'preset')[0]!.detail).toBe('keycloak fits the issuer');
  const { stdout } = await runCommand(['doctor', '--option', `issuers=[{"issuer":"${realm}"}]`, ...args], { cwd: folder });
  expect(JSON.parse(stdout)).not.toHaveProperty('issuer');
});

test('decrypts with keys from a file: takes encryptedTokens and decryptionKeys with a file', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(join(folder, 'decryption.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const keys = JSON.stringify({ file: join(folder, 'decryption.pem'), algorithms: ['RSA-OAEP-256'] });
  const flags = ['--issuer', issuer.issuer, '--audience', issuer.audience, '--option', 'encryptedTokens={"required":true}'];
  const result = await doctor([...flags, '--option', `decryptionKeys=${keys}`]);
  expect([failures(result), result.code]).toEqual([[], 0]);
  expect(named(await doctor(flags), 'options')[0]!.detail).toContain('encryptedTokens needs decryptionKeys');
});

test('needs an issuer, and ends with 2 without one', async () => {
  const { code, stderr } = await runCommand(['doctor'], {});
  expect([code, stderr]).toEqual([2, 'error: --issuer is missing: give the issuer of the API, or --env-file with ISSUER_BASE_URL\n']);
});

test('says that metadata names no issuer', async () => {
  const running = await serve({ '/.well-known/openid-configuration': { jwks_uri: '$/jwks' }, '/jwks': { keys: [{ ...ec, kid: 'a' }] } });
  const result = await doctor(['--issuer', running.origin, '--audience', 'x']);
  running.server.close();
  expect(failures(result)).toEqual(['issuer', 'guard']);
  expect(named(result, 'issuer')[0]!.detail).toBe('the metadata has no issuer');
  expect(named(result, 'guard')[0]!.detail).toContain(`the metadata names no issuer, but the option issuer is "${running.origin}"`);
});

test('takes an issuer that is not a URL, with metadataUrl', async () => {
  const running = await serve({ '/metadata': { issuer: 'orders-issuer', jwks_uri: '$/jwks' }, '/jwks': { keys: [{ ...ec, kid: 'a' }] } });
  const metadataUrl = `${running.origin}/metadata`;
  const result = await doctor(['--issuer', 'orders-issuer', '--audience', 'x', '--option', `metadataUrl=${metadataUrl}`]);
  expect([failures(result), result.code]).toEqual([[], 0]);
  expect(named(result, 'metadata')[0]!.detail).toBe(`${metadataUrl} (metadataUrl)`);
  const without = await doctor(['--option', `issuers=[{"metadataUrl":"${metadataUrl}","audience":"x"}]`]);
  running.server.close();
  expect([failures(without), without.code]).toEqual([['options'], 1]);
});

test('rule 266: sends GET requests for metadata and keys, and nothing to other addresses in the metadata', async () => {
  const inside = await serve({ '/jwks': { keys: [{ ...ec, kid: 'a' }] } });
  const running = await serve({
    '/.well-known/openid-configuration': { issuer: '$', jwks_uri: 'http://keys.example.com/jwks', introspection_endpoint: `${inside.origin}/introspect` },
  });
  const result = await doctor(['--issuer', running.origin, '--audience', 'x']);
  running.server.close();
  inside.server.close();
  expect(inside.seen).toEqual([]);
  expect(running.seen.every((line) => line === 'GET /.well-known/openid-configuration')).toBe(true);
  expect(failures(result)).toContain('keys');
});

/** Resolves all names under `example.test` to loopback until the test ends. */
function nameHosts(): void {
  const { lookup, promises } = dns;
  const { lookup: lookupLater } = promises;
  const addressOf = (name: string): string => (name.endsWith('.example.test') ? '127.0.0.1' : name);
  const set = (changed: typeof lookup, changedLater: typeof lookupLater): void => {
    dns.lookup = changed;
    promises.lookup = changedLater;
    syncBuiltinESMExports();
  };
  const found = (name: string, ...rest: unknown[]): unknown => Reflect.apply(lookup, dns, [addressOf(name), ...rest]);
  const foundLater = (name: string, ...rest: unknown[]): unknown => Reflect.apply(lookupLater, promises, [addressOf(name), ...rest]);
  set(found as typeof lookup, foundLater as typeof lookupLater);
  onTestFinished(() => set(lookup, lookupLater));
}

test.each(['127.0.0.1', 'localhost', 'keys.example.test'])(
  'rule 55: fetches no keys from %s, which is inside, for the metadata of an issuer outside',
  async (host) => {
    nameHosts();
    const inside = await serve({ '/jwks': { keys: [{ ...ec, kid: 'a' }] } });
    const documents: Record<string, unknown> = {};
    const outside = await serve(documents);
    const name = `http://login.example.test:${new URL(outside.origin).port}`;
    documents['/.well-known/openid-configuration'] = { issuer: name, jwks_uri: `http://${host}:${new URL(inside.origin).port}/jwks` };
    const args = ['--issuer', name, '--audience', 'x', '--option', 'unsafeHttpHosts=["login.example.test","keys.example.test"]'];
    const refused = await doctor(args);
    expect([inside.seen, failures(refused)]).toEqual([[], ['keys', 'guard']]);
    expect(named(refused, 'keys')[0]!.detail).toContain(
      `the host ${host} has a private, loopback or link-local address, and only the issuer's metadata names it`,
    );
    const allowed = await doctor([...args, '--option', `keyFetching={"jwksHosts":["${host}"]}`]);
    inside.server.close();
    outside.server.close();
    expect([new Set(inside.seen), failures(allowed)]).toEqual([new Set(['GET /jwks']), []]);
  },
);

interface Spawned {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function spawned(args: readonly string[], env: Record<string, string>): Promise<Spawned> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [BIN, ...args], { env: { PATH: process.env['PATH'] ?? '', ...env } });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
    child.on('close', (code) => resolve({ code, ...output }));
  });
}

test.each([
  'https://ada:s3cr3t@login.example.com/realms/a',
  'ada:s3cr3t@login.example.com',
  'http://ada:s3cr3t@login.example.com',
  'https://login.example.com/?key=s3cr3t',
  // a URL parser skips all of these slashes
  'https:///ada:s3cr3t@login.example.com',
  'https://\\ada:s3cr3t@login.example.com',
  'https://\t/ada:s3cr3t@login.example.com',
  'https:/ada:s3cr3t@login.example.com',
])('rule 297: shows no password and no query of a configured issuer (%s)', async (address) => {
  for (const format of [[], ['--json']]) {
    const { code, stdout, stderr } = await runCommand(['doctor', ...format], { env: { ISSUER_BASE_URL: address } });
    expect(code).not.toBe(0);
    expect(stdout).toContain('address');
    expect(stdout + stderr).not.toContain('s3cr3t');
  }
});
