import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, request, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createResourceGuard } from '@tokenward/core';
import { freePort } from '../../testing/test/free-port.js';
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
const stateFile = () => {
  const folder = join(issuer.env['XDG_RUNTIME_DIR']!, 'tokenward');
  return join(
    folder,
    readdirSync(folder).find((name) => name.startsWith(`issuer-127.0.0.1-${new URL(issuer.origin).port}-`))!,
  );
};
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
  [['--lifetime', '999999'], 2, '--lifetime must be a number of seconds up to 86400, or negative for an expired token: --lifetime=-60'],
  [['--lifetime', '0'], 2, '--lifetime must be a number of seconds up to 86400'],
  [['--lifetime', '-60'], 2, '--lifetime needs a value: --lifetime SECONDS. If the value begins with a dash, write --lifetime=-...'],
  [['--subject', 'a\nb'], 3, '--subject must be a text of 1 to 255 characters'],
  [['--client', 'x'.repeat(256)], 3, '--client must be a text of 1 to 255 characters'],
  [['--role', 'x'.repeat(256)], 3, '--role must be a list of texts'],
  [['--claim', 'tenant'], 2, '--claim needs a name and a value in JSON'],
  [['--claim', 'tenant=acme'], 2, 'the value of --claim is not JSON'],
  [['--claim', 'tenant="acme"', '--claim', 'tenant="other"'], 2, 'two --claim options have the same name. Give each claim once'],
  [['--claim', 'iss="x"'], 3, '--claim cannot contain iss, which the issuer sets'],
  [['--claim', '__proto__={}'], 3, '--claim cannot contain __proto__, which the issuer sets'],
  [['--audience', 'https://api.exampl.com'], 3, 'the issuer has no such audience: did you mean https://api.example.com?'],
  [['--scope', 'a"b'], 3, '--scope must be a list of scopes: printable ASCII without white space, quotes or backslashes'],
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
  // it also left its process id, which this process got since
  const killed = { ...(JSON.parse(readFileSync(stateFile(), 'utf8')) as object), controlPort: await freePort(), processId: process.pid };
  writeFileSync(join(folder, 'tokenward', 'issuer-9400.json'), JSON.stringify(killed), { mode: 0o600 });
  expect((await mint([], { XDG_RUNTIME_DIR: folder })).stderr).toBe(none.stderr);
  // and it does not stand beside the one that runs
  const running = await runIssuer([], folder);
  expect((await mint([], { XDG_RUNTIME_DIR: folder })).code).toBe(0);
  await running.stop();
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

test('rule 271: a state file that cannot be trusted concerns only its own issuer, and commands that do not say which issuer they mean', async () => {
  const path = join(stateFile(), '..', 'issuer-127.0.0.1-9-0.json');
  const state = JSON.parse(readFileSync(stateFile(), 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...state, issuer: 'http://127.0.0.1:9' }), { mode: 0o644 });
  try {
    const remedy = `error: others can read ${path}. Run: chmod 600 ${path}\n`;
    const { code, stdout } = await mint(['--issuer', issuer.origin]);
    expect([code, claimsOf(stdout)['iss']]).toEqual([0, issuer.origin]);
    for (const args of [[], ['--issuer', 'http://127.0.0.1:9/']]) expect(await mint(args)).toEqual({ code: 3, stdout: '', stderr: remedy });
    expect((await mint(['--issuer', 'http://127.0.0.1:99'])).stderr).toContain('no local issuer of yours has this address');
    // a token of another issuer needs no local one
    const attack = (iss: string) => {
      const token = `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${Buffer.from(JSON.stringify({ iss })).toString('base64url')}.c2ln`;
      return runCommand(['attack', `${issuer.origin}/`], { env: issuer.env, stdin: token });
    };
    expect((await attack('https://login.example.com')).stderr).toContain('so an admitted token would prove nothing');
    expect((await attack('http://127.0.0.1:9')).stderr).toBe(remedy);
  } finally {
    rmSync(path);
  }
});

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
}

const NONCE = 'n'.repeat(22);

function proofFor(secret: string, path: string, body: string): string {
  return `Proof ${NONCE} ${createHmac('sha256', secret)
    .update(JSON.stringify(['request', NONCE, path, body]))
    .digest('base64url')}`;
}

/** Asks the control server as the command does, but for what is replaced. */
function askControl({
  path = '/token',
  method = 'POST',
  headers = {},
  body = '{}',
}: Asked): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  const { controlPort, secret } = stateOf();
  const all: Record<string, string | undefined> = {
    authorization: proofFor(secret, path, method === 'POST' ? body : ''),
    'content-type': 'application/json',
    ...headers,
  };
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
    { headers: { authorization: `Bearer ${stateOf().secret}` } },
    { headers: { authorization: proofFor('A'.repeat(43), '/token', '{}') } },
    { headers: { authorization: proofFor(issuer.secret, '/token', '{}') } },
    { headers: { authorization: proofFor(stateOf().secret, '/token', '{"subject":"grace"}') } },
    { headers: { authorization: proofFor(stateOf().secret, '/withdraw', '{}') } },
    { headers: { authorization: proofFor(stateOf().secret, '/token', '{}').replace(NONCE, 'm'.repeat(22)) } },
    { headers: { authorization: `Proof ${NONCE} ` } },
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
  for (const body of ['', '[', 'null', '7', '[]', '"x"']) expect((await askControl({ body })).status, body).toBe(400);
  expect((await askControl({})).status).toBe(200);
});

const VALUES = [null, true, 0, 7, 1.5, '', 'abc', 'a b', '\u0000', '__proto__', [], ['a', 7], [null], [['a']], {}, { length: 1 }, { a: 'b' }, { iss: 'x' }];
const MEMBERS = { token: ['subject', 'scopes', 'roles', 'audience', 'clientId', 'lifetimeSeconds', 'claims'], hostile: ['audience', 'claims'], withdraw: [] };

test.each(Object.entries(MEMBERS))('rule 302: %s fails at no member of another type: it says what is wrong with 422', async (action, members) => {
  for (const member of [...members, 'unknown', '__proto__', 'constructor']) {
    const accepted: unknown[] = [];
    for (const value of VALUES) {
      const body = `{${JSON.stringify(member)}:${JSON.stringify(value)}}`;
      const answer = await askControl({ path: `/${action}`, body });
      if (answer.status === 200) accepted.push(value);
      else expect([answer.status, answer.body], body).toEqual([422, expect.stringMatching(/^\{"error":"[^"]*(?:must|cannot|has)/)]);
    }
    const name = action === 'hostile' && member === 'claims' ? 'any claims' : member;
    expect([member, accepted]).toEqual([member, ACCEPTED.get(name) ?? []]);
  }
});

const ACCEPTED = new Map<string, readonly unknown[]>([
  ['subject', ['abc', 'a b', '__proto__']],
  ['clientId', ['abc', 'a b', '__proto__']],
  ['scopes', [[]]],
  ['roles', [[]]],
  ['lifetimeSeconds', [7]],
  ['claims', [{}, { length: 1 }, { a: 'b' }]],
  ['any claims', [{}, { length: 1 }, { a: 'b' }, { iss: 'x' }]],
]);

test('rule 302: the claims of a minted token may be any JSON', async () => {
  for (const value of VALUES) {
    const { status, body } = await askControl({ body: JSON.stringify({ claims: { tenant: value, cnf: value, act: value } }) });
    expect(status, JSON.stringify(value)).toBe(200);
    expect(claimsOf((JSON.parse(body) as { token: string }).token)['tenant']).toEqual(value);
  }
});

test('rule 303: a program that has the port of an issuer that was killed learns no secret, and its answers do not count', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'tokenward-'));
  await mint([], { XDG_RUNTIME_DIR: parent });
  const { secret } = stateOf();
  const seen: string[] = [];
  let isRelay = false;
  let forge = (_nonce: string): Readonly<Record<string, string>> => ({});
  const impostor = createServer((received, response) => {
    let body = '';
    received.on('data', (chunk: Buffer) => void (body += chunk.toString()));
    received.on('end', () => {
      seen.push(`${received.url} ${received.rawHeaders.join(' ')} ${body}`);
      // the question whether it runs is passed on to the issuer, so that the command asks for a token
      if (isRelay && received.url === '/') return void relay(received.headers.authorization, body, response);
      const nonce = /^Proof (\S+)/.exec(received.headers.authorization ?? '')?.[1] ?? '';
      response.writeHead(200, { 'content-type': 'application/json', ...forge(nonce) }).end('{"token":"AAAAAAAAAAAAAAAAAAAA"}');
    });
  });
  await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve));
  const state = { ...(JSON.parse(readFileSync(stateFile(), 'utf8')) as object), controlPort: (impostor.address() as AddressInfo).port };
  const echoed = (nonce: string) => seen.at(-1)!.split(`Proof ${nonce} `)[1]!.split(' ')[0]!;
  for (const headers of [() => ({}), () => ({ 'tokenward-proof': 'A'.repeat(43) }), (nonce: string) => ({ 'tokenward-proof': echoed(nonce) })]) {
    forge = headers;
    for (isRelay of [false, true]) {
      // an answer without a proof removes it
      writeFileSync(join(parent, 'tokenward', 'issuer-9400.json'), JSON.stringify(state), { mode: 0o600 });
      const { code, stdout, stderr } = await mint(['--subject', 'grace'], { XDG_RUNTIME_DIR: parent });
      expect([code, stdout]).toEqual([3, '']);
      expect(stderr).toContain(isRelay ? 'another program has the port of the local issuer' : 'no local issuer runs');
    }
  }
  impostor.close();
  rmSync(parent, { recursive: true });
  // an impostor that does not know the secret is not asked for a token
  expect(seen.filter((one) => one.includes('grace'))).toHaveLength(3);
  expect(seen).toHaveLength(9);
  expect(seen.join('\n')).not.toContain(secret);
});

async function relay(authorization: string | undefined, body: string, response: ServerResponse): Promise<void> {
  const answer = await askControl({ path: '/', body, headers: { authorization } });
  response.writeHead(answer.status, { 'tokenward-proof': String(answer.headers['tokenward-proof']) }).end(answer.body);
}

test('rule 304: whatever another program answers at the port, the command ends with 3', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'tokenward-'));
  await mint([], { XDG_RUNTIME_DIR: parent });
  const state = JSON.parse(readFileSync(stateFile(), 'utf8')) as object;
  for (const answer of [
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"to',
    'HTTP/1.1 103 Early Hints\r\n\r\n',
    'HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n',
    '\u001B[2J\r\n\r\n',
    '',
  ]) {
    const impostor = createTcpServer((socket) => void socket.on('error', () => {}).once('data', () => socket.end(answer)));
    await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve));
    const { port } = impostor.address() as AddressInfo;
    writeFileSync(join(parent, 'tokenward', 'issuer-9400.json'), JSON.stringify({ ...state, controlPort: port }), { mode: 0o600 });
    const { code, stdout, stderr } = await mint([], { XDG_RUNTIME_DIR: parent });
    impostor.close();
    expect([code, stdout], answer).toEqual([3, '']);
    expect(stderr).toMatch(/^error: no local issuer runs\.[^\n]+\n$/);
  }
  rmSync(parent, { recursive: true });
}, 10_000);

test('an issuer that does not answer ends a command that needs it, and is not asked if another one is named', async () => {
  let connections = 0;
  const silent = createTcpServer((socket) => {
    connections++;
    socket.on('error', () => {}).resume();
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const file = join(stateFile(), '..', 'issuer-silent.json');
  const { port } = silent.address() as AddressInfo;
  writeFileSync(file, JSON.stringify({ ...stateOf(), issuer: 'http://127.0.0.1:9', controlPort: port }), { mode: 0o600 });
  try {
    expect(await mint(['--issuer', issuer.origin])).toMatchObject({ code: 0, stderr: '' });
    expect(connections).toBe(0);
    const attack = (args: readonly string[], stdin = '') => runCommand(['attack', issuer.origin, ...args], { env: issuer.env, stdin });
    const needing = await Promise.all([mint(), mint(['--issuer', 'http://127.0.0.1:9/']), attack([]), attack(['--issuer', 'http://127.0.0.1:9'])]);
    for (const { code, stdout, stderr } of needing) {
      expect([code, stdout]).toEqual([3, '']);
      expect(stderr).toMatch(/^error: the local issuer http:\/\/127\.0\.0\.1:9 does not answer within 5 seconds\. Start it again [^\n]+ --issuer\n$/);
    }
    // it is not the issuer of this token. The page at the root needs none
    const piped = await attack([], (await mint(['--issuer', issuer.origin])).stdout);
    expect(piped.stderr).toContain('without a token, so an admitted token would prove nothing');
  } finally {
    rmSync(file);
    silent.close();
  }
}, 30_000);

/** A process that has ended. */
const gone = () => spawnSync(process.execPath, ['--version']).pid;

test('passes over an issuer that was killed, and removes its state file, even if a silent program has its port', async () => {
  const silent = createTcpServer((socket) => void socket.on('error', () => {}).resume());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  const file = join(stateFile(), '..', 'issuer-killed.json');
  const closed = await freePort();
  try {
    for (const changes of [{ controlPort: port }, { controlPort: closed }, { controlPort: port, issuer: issuer.origin }]) {
      const began = performance.now();
      const state = { ...(JSON.parse(readFileSync(stateFile(), 'utf8')) as object), issuer: 'http://127.0.0.1:9', processId: gone(), ...changes };
      writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
      expect(await mint()).toMatchObject({ code: 0, stderr: '' });
      expect(performance.now() - began).toBeLessThan(4000);
      expect(existsSync(file)).toBe(false);
    }
  } finally {
    rmSync(file, { force: true });
    silent.close();
  }
});

test('removes no state file of an issuer that may still run: of another machine, or with a process whose port refuses', async () => {
  const file = join(stateFile(), '..', 'issuer-other.json');
  const state = { ...(JSON.parse(readFileSync(stateFile(), 'utf8')) as object), issuer: 'http://127.0.0.1:9', controlPort: await freePort() };
  try {
    for (const changes of [{ machine: 'another-machine', processId: gone() }, { processId: process.pid }]) {
      writeFileSync(file, JSON.stringify({ ...state, ...changes }), { mode: 0o600 });
      expect(await mint()).toMatchObject({ code: 0, stderr: '' });
      expect(existsSync(file)).toBe(true);
    }
    for (const processId of [0, -1, 1.5, '7', 2 ** 40]) {
      writeFileSync(file, JSON.stringify({ ...state, processId }), { mode: 0o600 });
      expect(await mint()).toMatchObject({ code: 0, stderr: '' });
    }
  } finally {
    rmSync(file);
  }
});

test('rule 304: a stranger gets no proof, however large the request is, and the command sends none that is too large', async () => {
  const body = `{"subject":"${'x'.repeat(70_000)}"}`;
  const strange = await askControl({ body, headers: { authorization: proofFor('A'.repeat(43), '/token', body) } });
  expect([strange.status, strange.headers['tokenward-proof']]).toEqual([403, undefined]);
  const { code, stdout, stderr } = await mint(['--claim', `tenant="${'x'.repeat(70_000)}"`]);
  expect([code, stdout, stderr]).toEqual([3, '', 'error: the local issuer accepts no request of more than 64 KiB. Ask for a token with fewer claims\n']);
});

test('rule 303: an answer counts for one request only', async () => {
  const proofOf = async (body: string) => (await askControl({ body })).headers['tokenward-proof'];
  const { secret } = stateOf();
  const answer = await askControl({});
  const expected = createHmac('sha256', secret)
    .update(JSON.stringify(['answer', NONCE, '200', answer.body]))
    .digest('base64url');
  expect(answer.headers['tokenward-proof']).toBe(expected);
  expect(await proofOf('7')).not.toBe(await proofOf('{"scopes":7}'));
  expect((await askControl({ headers: { authorization: undefined } })).headers['tokenward-proof']).toBeUndefined();
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
