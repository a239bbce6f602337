import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createResourceGuard } from '@tokenward/core';
import { runCommand } from './run-command.js';
import { runIssuer, type RunningIssuer } from './running-issuer.js';

const AUDIENCE = 'https://api.example.com';

let issuer: RunningIssuer;
beforeAll(async () => {
  issuer = await runIssuer();
});
afterAll(() => issuer.end());

const mint = (args: readonly string[] = [], env = issuer.env) => runCommand(['token', ...args], { env });
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
const stateFile = () => join(issuer.env['XDG_RUNTIME_DIR']!, 'tokenward', `issuer-${new URL(issuer.origin).port}.json`);
const stateOf = () => JSON.parse(readFileSync(stateFile(), 'utf8')) as { controlPort: number; secret: string };

test('prints a token that a guard admits, and nothing else', async () => {
  const { code, stdout, stderr } = await mint([
    '--scope',
    'orders:read',
    '--scope',
    'orders:write',
    '--role',
    'auditor',
    '--subject',
    'grace',
    '--client',
    'my-app',
  ]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const guard = createResourceGuard({ issuer: issuer.origin, audience: AUDIENCE });
  const decision = await guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${stdout.trim()}` } });
  await guard.close();
  expect(decision).toMatchObject({
    outcome: 'allow',
    auth: { subject: 'grace', clientId: 'my-app', scopes: ['orders:read', 'orders:write'], roles: ['auditor'] },
  });
});

test('takes the first user with his roles by default, other claims, and any lifetime', async () => {
  const { stdout } = await mint(['--claim', 'tenant="acme"', '--claim', 'level=3', '--lifetime=-60']);
  const claims = claimsOf(stdout);
  expect(claims).toMatchObject({ iss: issuer.origin, aud: AUDIENCE, sub: 'ada', client_id: 'dev-app', roles: ['admin'], tenant: 'acme', level: 3 });
  expect(claims['exp']).toBeLessThan(Date.now() / 1000 - 50);
  expect(claims['iat']).toBeLessThan(claims['exp'] as number);
});

test.each([
  [['--lifetime', 'soon'], 2, '--lifetime must be a number of seconds'],
  [['--lifetime', '999999'], 3, 'the lifetime is a number of seconds up to 86400'],
  [['--claim', 'tenant'], 2, '--claim needs a name and a value in JSON'],
  [['--claim', 'tenant=acme'], 2, 'the value of --claim is not JSON'],
  [['--claim', 'iss="x"'], 3, 'the issuer sets the claim iss'],
  [['--claim', '__proto__={}'], 3, 'the issuer sets the claim __proto__'],
  [['--audience', 'https://api.exampl.com'], 3, 'the issuer has no such audience: did you mean https://api.example.com?'],
  [['--scope', 'a"b'], 3, 'a scope has no white space, quotes or backslashes'],
  [['--issuer', 'http://127.0.0.1:1'], 3, 'no local issuer of yours has this address. Running: http://127.0.0.1:'],
  [['--scop', 'x'], 2, 'token has no option --scop: did you mean --scope?'],
  [['a-token'], 2, 'token takes only options'],
])('ends with an error for %j', async (args, expected, message) => {
  const { code, stdout, stderr } = await mint(args);
  expect([code, stdout]).toEqual([expected, '']);
  expect(stderr).toContain(`error: ${message}`);
});

test('says how to start an issuer if none runs, also if one was killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-'));
  const none = await mint([], { XDG_RUNTIME_DIR: folder });
  expect([none.code, none.stderr]).toEqual([3, 'error: no local issuer runs. Start one in another terminal: npx tokenward issuer\n']);
  // no process has this id
  writeFileSync(join(folder, 'tokenward', 'issuer-9400.json'), readFileSync(stateFile(), 'utf8').replace(/"pid":\d+/, '"pid":99999999'), { mode: 0o600 });
  expect((await mint([], { XDG_RUNTIME_DIR: folder })).stderr).toBe(none.stderr);
  rmSync(folder, { recursive: true });
});

test('asks which issuer is meant if several run', async () => {
  const second = await runIssuer([], issuer.env['XDG_RUNTIME_DIR']);
  try {
    const { code, stderr } = await mint();
    expect(code).toBe(3);
    expect(stderr).toContain('several local issuers run. Choose one with --issuer: ');
    expect(claimsOf((await mint(['--issuer', `${second.origin}/`])).stdout)['iss']).toBe(second.origin);
  } finally {
    await second.stop();
  }
});

test('rule 271: only this user can read the state file and its folder', () => {
  expect(statSync(stateFile()).mode & 0o777).toBe(0o600);
  expect(statSync(join(stateFile(), '..')).mode & 0o777).toBe(0o700);
  expect(stateOf().secret).toMatch(/^[\w-]{43}$/);
  expect(issuer.stdout).not.toContain(stateOf().secret);
});

test('rule 271: trusts no state file and no folder that others could have written', async () => {
  const spoil = async (change: (folder: string, file: string) => void) => {
    const parent = mkdtempSync(join(tmpdir(), 'tokenward-'));
    await mint([], { XDG_RUNTIME_DIR: parent });
    const folder = join(parent, 'tokenward');
    const file = join(folder, 'issuer-9400.json');
    writeFileSync(file, readFileSync(stateFile()), { mode: 0o600 });
    change(folder, file);
    const { code, stdout, stderr } = await mint([], { XDG_RUNTIME_DIR: parent });
    rmSync(parent, { recursive: true });
    expect([code, stdout]).toEqual([3, '']);
    return stderr;
  };
  expect(await spoil((folder) => chmodSync(folder, 0o755))).toContain('must be a folder of yours that nobody else can read');
  expect(await spoil((_folder, file) => chmodSync(file, 0o644))).toContain('others can read');
  expect(
    await spoil((_folder, file) => {
      rmSync(file);
      symlinkSync(stateFile(), file);
    }),
  ).toContain('is a symbolic link');
  expect(await spoil((folder) => chmodSync(join(folder, '..'), 0o777))).toContain('others may replace folders in');
  expect(
    await spoil((folder, file) => {
      rmSync(file);
      rmSync(folder, { recursive: true });
      symlinkSync(join(stateFile(), '..'), folder);
    }),
  ).toContain('must be a folder of yours');
});

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
}

/** Asks the control server as the command does, but for what is replaced. */
function askControl({
  path = '/token',
  method = 'POST',
  headers = {},
  body = '{}',
}: Asked): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  const { controlPort, secret } = stateOf();
  const all: Record<string, string | undefined> = { authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...headers };
  const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: controlPort, path, method, headers: sent as Record<string, string>, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => void (text += chunk.toString()));
      response.once('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
    })
      .once('error', reject)
      .end(method === 'POST' ? body : undefined);
  });
}

test('rule 271: mints for who has the secret, and for no web page even with it', async () => {
  expect((await askControl({})).status).toBe(200);
  const refused: readonly Asked[] = [
    { headers: { authorization: undefined } },
    { headers: { authorization: `Bearer ${'A'.repeat(43)}` } },
    { headers: { authorization: 'Bearer ' } },
    { headers: { authorization: `Bearer ${issuer.secret}` } },
    { headers: { origin: issuer.origin } },
    { headers: { origin: 'https://attacker.example' } },
    { headers: { 'sec-fetch-site': 'same-origin' } },
    { headers: { 'sec-fetch-mode': 'no-cors' } },
    { headers: { host: 'attacker.example' } },
    { headers: { host: `localhost:${stateOf().controlPort}` } },
    // a preflight
    { method: 'OPTIONS', headers: { authorization: undefined, origin: 'https://attacker.example', 'access-control-request-method': 'POST' } },
  ];
  for (const one of refused) {
    const answer = await askControl(one);
    expect([answer.status, answer.body], JSON.stringify(one)).toEqual([403, '{"error":"refused"}']);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

test('rule 271: the control server fails at nothing that it is sent', async () => {
  const statuses = [];
  for (const one of [
    { path: '/' },
    { path: '/constructor' },
    { path: '/__proto__' },
    { method: 'GET' },
    { headers: { 'content-type': 'text/plain' } },
  ] as const)
    statuses.push((await askControl(one)).status);
  expect(statuses).toEqual([404, 404, 404, 404, 404]);
  for (const body of ['', '[', 'null', '7', '{"scopes":7}', '{"subject":{}}']) expect((await askControl({ body })).status, body).not.toBe(200);
  expect((await askControl({ body: `{"subject":"${'x'.repeat(70_000)}"}` })).status).toBe(413);
  expect((await askControl({})).status).toBe(200);
});

test('rule 271: the public address of the issuer mints nothing', async () => {
  const { secret } = stateOf();
  const answer = await fetch(`${issuer.origin}/token`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: '{}',
  });
  expect(answer.status).toBe(400);
  expect(readdirSync(join(stateFile(), '..'))).toHaveLength(1);
});
