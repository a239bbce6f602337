import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDpopClient } from '@tokenward/testing';
import { selfSigned } from '../../testing/test/self-signed.js';
import { runCommand, type Ended } from './run-command.js';
import { runIssuer, type RunningIssuer } from './running-issuer.js';
import { describedBy, guarded, listen, naive, withExpressJwt, withPassportJwt, type Victim } from './victims.js';

interface Report {
  readonly baseline: { readonly without: number; readonly valid: number };
  readonly table: string;
  readonly counts: Readonly<Record<'admitted' | 'crashed' | 'lenient' | 'wrong' | 'unclear' | 'refused', number>>;
  readonly findings: readonly { readonly verdict: string; readonly name: string; readonly status?: number; readonly problem: string }[];
  readonly untried: number;
  readonly admitsAfterwards: boolean;
  readonly fetchedKeys: number;
  readonly notes: readonly string[];
}

let issuer: RunningIssuer;
const open: Victim[] = [];
beforeAll(async () => {
  issuer = await runIssuer();
});
afterAll(async () => {
  await Promise.all(open.map((victim) => victim.close()));
  await issuer.end();
});

async function start(victim: Promise<Victim>): Promise<string> {
  const started = await victim;
  open.push(started);
  return started.url;
}

const attack = (url: string, args: readonly string[] = [], rest: Parameters<typeof runCommand>[1] = {}) =>
  runCommand(['attack', url, '--rate', '500', ...args], { env: issuer.env, ...rest });
const reportOf = ({ stdout }: Ended) => JSON.parse(stdout) as Report;
/** Where no local issuer runs: then there are fewer cases. */
const elsewhere = () => ({ XDG_RUNTIME_DIR: `${issuer.env['XDG_RUNTIME_DIR']}/empty` });
const mint = async (args: readonly string[] = []) => (await runCommand(['token', ...args], { env: issuer.env })).stdout.trim();

test('admits nothing of the full table where a guard is, and finds nothing else', async () => {
  const ended = await attack(await start(guarded(issuer.origin)), ['--scope', 'orders:read', '--json', '--strict']);
  const report = reportOf(ended);
  expect(report.findings).toEqual([]);
  expect(report).toMatchObject({ baseline: { without: 401, valid: 200 }, table: 'full', untried: 0, admitsAfterwards: true, fetchedKeys: 0, notes: [] });
  expect(report.counts.refused).toBeGreaterThan(400);
  expect(ended.code).toBe(0);
});

test('lists what a home-made verifier admits, fails at, and answers wrongly', async () => {
  const url = await start(naive(issuer.origin));
  const ended = await attack(url, ['--json']);
  const report = reportOf(ended);
  expect(ended.code).toBe(1);
  const names = (verdict: string) => report.findings.filter((one) => one.verdict === verdict).map(({ name }) => name);
  expect(names('admitted')).toEqual(
    expect.arrayContaining(['a token whose exp has passed', 'a token whose aud is missing', 'an unsigned copy with alg "nOnE"', 'an ID token for a client']),
  );
  expect(names('crashed')).toContain('a copy whose header is null');
  expect(names('lenient')).toContain('the token in the query string');
  expect(report.findings.find(({ name }) => name === 'a copy with one wrong character in its signature')).toMatchObject({
    verdict: 'wrong',
    status: 401,
    problem: '401 without a WWW-Authenticate challenge (RFC 6750 s3)',
  });
  const { code, stdout, stderr } = await attack(url);
  expect([code, stderr]).toEqual([1, '']);
  expect(stdout).toMatch(
    /^Target {2}http:\/\/127.*\(127.0.0.1\)\nCheck {3}401 without a token, 200 with a valid one\nTried {3}\d+ hostile requests, signed by the local issuer\n\nADMITTED {2}200 {2}/,
  );
  expect(stdout).toContain('CRASHED   500  the server failed with 500: ');
  expect(stdout).toMatch(/\nHostile tokens were admitted: \d+ admitted, /);
});

test.each([
  ['express-jwt', withExpressJwt],
  ['passport-jwt', withPassportJwt],
])('finds ID tokens that %s admits with its defaults, and no forged signature', async (_name, victim) => {
  const ended = await attack(await start(victim(issuer.origin)), ['--json']);
  const report = reportOf(ended);
  const admitted = report.findings.filter((one) => one.verdict === 'admitted').map(({ name }) => name);
  expect(admitted).toContain('an ID token whose aud is the API');
  expect(admitted.filter((name) => /unsigned|HS256|signed with another/.test(name))).toEqual([]);
  expect(ended.code).toBe(1);
});

test('the guide shows what it finds in an app with express-jwt', async () => {
  const guide = readFileSync(new URL('../../../docs/src/content/docs/guides/attack-your-api.md', import.meta.url), 'utf8');
  const [, shown] = /^```text\n(Target .*?)^```$/ms.exec(guide)!;
  const { stdout } = await attack(await start(withExpressJwt(issuer.origin)));
  const lines = (text: string) => text.replaceAll(/127\.0\.0\.1:\d+/g, 'host').split('\n');
  expect(lines(stdout)).toEqual(expect.arrayContaining(lines(shown!).filter((line) => line !== '...')));
});

test('of several local issuers, takes the one that the API names in its metadata, and asks no other', async () => {
  const other = await runIssuer([], issuer.env['XDG_RUNTIME_DIR']);
  let connections = 0;
  const silent = createTcpServer((socket) => {
    connections++;
    socket.on('error', () => {}).resume();
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const folder = join(issuer.env['XDG_RUNTIME_DIR']!, 'tokenward');
  const state = JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]!), 'utf8')) as object;
  const { port } = silent.address() as AddressInfo;
  writeFileSync(join(folder, 'issuer-silent.json'), JSON.stringify({ ...state, issuer: 'http://127.0.0.1:9', controlPort: port }), { mode: 0o600 });
  try {
    const ended = await attack(await start(describedBy(other.origin)), ['--scope', 'orders:read', '--json']);
    expect(reportOf(ended)).toMatchObject({ baseline: { without: 401, valid: 200 }, table: 'full', findings: [] });
    expect(ended.code).toBe(0);
    const { code, stderr } = await attack(await start(describedBy('http://127.0.0.1:9', issuer.origin)), ['--issuer', other.origin]);
    expect([code, stderr]).toEqual([3, expect.stringContaining('401 to a valid token')]);
    expect(connections).toBe(0);
  } finally {
    rmSync(join(folder, 'issuer-silent.json'));
    silent.close();
    await other.stop();
  }
});

test('takes no token of a local issuer if the API names others, unless the command line names it', async () => {
  const url = await start(describedBy('https://login.example.com/', issuer.origin));
  const { code, stderr } = await attack(url, ['--scope', 'orders:read']);
  expect([code, stderr]).toEqual([
    2,
    'error: the API names https://login.example.com/ as its authorization server, and no local issuer of yours runs at this address. Start it, pipe a token of it into the command, or choose another local issuer with --issuer\n',
  ]);
  expect((await attack(url, ['--scope', 'orders:read', '--issuer', `${issuer.origin}/`])).code).toBe(0);
  expect((await attack(url, [], { stdin: await mint(['--scope', 'orders:read']) })).code).toBe(0);
});

test.each(['null', '7', '[]', '{"authorization_servers":"x"}', '{"authorization_servers":[7]}', 'no JSON', '{"a":'])(
  'metadata that names no issuer changes nothing: %s',
  async (document) => {
    const valid = await mint();
    const server = listen((request, response) => {
      if (request.url === '/metadata?x=1') return void response.end(document);
      const metadata = 'Bearer resource_metadata="https://api.example.com/metadata?x=1"';
      response.writeHead(request.headers.authorization === `Bearer ${valid}` ? 200 : 401, { 'www-authenticate': metadata }).end();
    });
    // a new token of the only local issuer, which this server does not know
    const { code, stderr } = await attack(await start(server));
    expect([code, stderr]).toEqual([3, expect.stringContaining('401 to a valid token')]);
  },
);

test('asks only the server that is attacked for metadata, whatever address its challenge names', async () => {
  let strangers = 0;
  const stranger = await listen((_request, response) => void response.end(String(++strangers)));
  open.push(stranger);
  const { port } = new URL(stranger.url);
  for (const named of [
    `urn:${port.slice(-1)}`,
    'urn:x',
    'mailto:@example.com',
    'data:,x',
    'x',
    '',
    stranger.url,
    `//127.0.0.1:${port}/x`,
    'http://[',
    'ftp://x/metadata',
  ]) {
    const asked: string[] = [];
    const server = await listen((request, response) => {
      asked.push(`${request.headers.host} ${request.url}`);
      response.writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${named}"` }).end();
    });
    open.push(server);
    const { host } = new URL(server.url);
    // a new token of the only local issuer, which this server does not know
    const { code, stderr } = await attack(server.url);
    expect([code, stderr], named).toEqual([3, expect.stringContaining('401 to a valid token')]);
    expect(
      asked.every((one) => one.startsWith(`${host} /`)),
      named,
    ).toBe(true);
    expect(asked).toHaveLength(named === stranger.url ? 4 : 3);
  }
  expect(strangers).toBe(0);
});

test.each([
  ['is too large', (response: ServerResponse) => void response.end(`{"authorization_servers":["https://login.example.com"],"x":"${'x'.repeat(70_000)}"}`)],
  ['does not end', (response: ServerResponse) => void response.write('{"authorization_servers":["https://login.example.com"]}')],
  ['breaks off', (response: ServerResponse) => void response.write('{"authorization_servers":[', () => setTimeout(() => response.destroy(), 100))],
])('metadata that %s is an error, unless the command line names the issuer', async (_how, answer) => {
  const url = await start(
    listen((request, response) => {
      if (request.url === '/metadata') return void answer(response);
      response.writeHead(401, { 'www-authenticate': 'Bearer resource_metadata="https://api.example.com/metadata"' }).end();
    }),
  );
  const { code, stdout, stderr } = await attack(url);
  expect([code, stdout]).toEqual([3, '']);
  expect(stderr).toMatch(
    /^error: the metadata that the API names in its challenge is too large, or does not end.*http:\/\/127\.0\.0\.1:\d+\/metadata\. Name the issuer/,
  );
  expect((await attack(url, ['--issuer', issuer.origin])).stderr).toContain('401 to a valid token');
});

test('waits for a slow pipe even if a local issuer does not answer, or if several run', async () => {
  const silent = createTcpServer((socket) => void socket.on('error', () => {}).resume());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-'));
  mkdirSync(join(folder, 'tokenward'), { mode: 0o700 });
  const own = join(issuer.env['XDG_RUNTIME_DIR']!, 'tokenward');
  const state = JSON.parse(readFileSync(join(own, readdirSync(own)[0]!), 'utf8')) as object;
  const { port } = silent.address() as AddressInfo;
  writeFileSync(join(folder, 'tokenward', 'issuer-silent.json'), JSON.stringify({ ...state, issuer: 'http://127.0.0.1:9', controlPort: port }), {
    mode: 0o600,
  });
  const other = await runIssuer([], issuer.env['XDG_RUNTIME_DIR']);
  try {
    const url = await start(guarded(issuer.origin));
    const token = await mint(['--scope', 'orders:read', '--issuer', issuer.origin]);
    const slowly = (env: Readonly<Record<string, string>>) => {
      const stdin = new PassThrough();
      setTimeout(() => stdin.end(`${token}\n`), 2000);
      return attack(url, ['--json'], { env, stdin });
    };
    const [bySilent, bySeveral] = await Promise.all([slowly({ XDG_RUNTIME_DIR: folder }), slowly(issuer.env)]);
    expect([bySilent.stderr, bySeveral.stderr]).toEqual(['', '']);
    expect([reportOf(bySilent).table, reportOf(bySeveral).table]).toEqual(['derived', 'full']);
  } finally {
    silent.close();
    rmSync(folder, { recursive: true });
    await other.stop();
  }
});

test('says that the claims of the valid token are too large for all the hostile ones', async () => {
  const server = createServer({ maxHeaderSize: 1024 * 1024 }, ({ headers }, response) => void response.writeHead(headers.authorization ? 200 : 401).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { code, stderr } = await attack(`http://127.0.0.1:${port}/me`, ['--claim', `tenant="${'x'.repeat(30_000)}"`]);
  server.close();
  expect([code, stderr]).toEqual([3, expect.stringMatching(/^error: the local issuer answers with more than 8 MiB\. [^\n]+ use a token with fewer claims\n$/)]);
});

test('makes hostile tokens of one valid token, if its issuer is no local one', async () => {
  const url = await start(naive(issuer.origin));
  const token = await mint();
  const piped = { env: elsewhere(), stdin: `${token}\n` };
  const ended = await attack(url, ['--json', '--issuer', issuer.origin], piped);
  const report = reportOf(ended);
  expect(report).toMatchObject({ table: 'derived', notes: [] });
  expect(report.findings.filter((one) => one.verdict === 'admitted').map(({ name }) => name)).toContain('an unsigned copy with alg "none"');
  const ofAnyTenant = reportOf(await attack(url, ['--json', '--issuer', `${issuer.origin}/{tenant}`], piped));
  expect(ofAnyTenant.notes).toEqual([expect.stringContaining('--issuer has {tenant}')]);
  const unnamed = reportOf(await attack(url, ['--json'], piped));
  expect(unnamed.notes).toEqual(['Public keys were not tried as secrets: name the issuer with --issuer.']);
});

test('tries public keys as secrets', async () => {
  const { keys } = (await (await fetch(`${issuer.origin}/jwks`)).json()) as { keys: JsonWebKey[] };
  const pem = createPublicKey({ key: keys[0]!, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const valid = await mint();
  // takes HS256 and RS256 with one key
  const confused = listen((request, response) => {
    const token = (request.headers.authorization ?? '').replace('Bearer ', '');
    const [head, body, signature] = token.split('.');
    const isAdmitted = token === valid || createHmac('sha256', pem).update(`${head}.${body}`).digest('base64url') === signature;
    response.writeHead(isAdmitted ? 200 : 401, { 'www-authenticate': 'Bearer' }).end();
  });
  const report = reportOf(await attack(await start(confused), ['--json'], { stdin: valid }));
  expect(report.findings.filter((one) => one.verdict === 'admitted').map(({ name }) => name)).toEqual(
    expect.arrayContaining(['an HS256 token whose secret is the public key as PEM', 'an HS256 token made with public key 1 of the issuer as PEM']),
  );
});

test('notices a server that fetches keys from where a token says', async () => {
  const valid = await mint();
  const fetching = listen((request, response) => {
    const token = (request.headers.authorization ?? '').replace('Bearer ', '');
    const answer = (): void => void response.writeHead(token === valid ? 200 : 401, { 'www-authenticate': 'Bearer' }).end();
    const header = Buffer.from(token.split('.')[0] ?? '', 'base64url').toString();
    const jku = /"jku":"(http:[^"]+:\d{2,5}\/jwks)"/.exec(header)?.[1];
    if (jku) void fetch(jku).then(answer);
    else answer();
  });
  const url = await start(fetching);
  const ended = await attack(url, [], { env: elsewhere(), stdin: valid });
  expect(ended.stdout).toContain('FETCHED');
  const strict = await attack(url, ['--strict', '--json'], { env: elsewhere(), stdin: valid });
  expect(reportOf(strict).fetchedKeys).toBeGreaterThan(0);
  expect(strict.code).toBe(1);
});

test('says that the result would mean nothing for an open route, a refused token, a silent server, and none', async () => {
  const openRoute = await start(listen((_request, response) => void response.end('ok')));
  const answering = (status: number) => listen((_request, response) => void response.writeHead(status).end());
  const closed = await start(listen((_request, response) => void response.writeHead(403).end()));
  const broken = await start(listen((request) => void request.socket.destroy()));
  const gone = await listen(() => {});
  await gone.close();
  for (const [url, message] of [
    [openRoute, 'the server answers 200 without a token, so an admitted token would prove nothing'],
    [closed, 'the server answers 403 to a valid token, so a refusal would mean nothing. Check issuer, audience, scopes and roles'],
    [await start(answering(404)), 'the server answers 404 to a valid token, so a refusal would mean nothing. Check the path in <url>'],
    [await start(answering(302)), 'the server answers 302 to a valid token, so a refusal would mean nothing. No redirect is followed'],
    [await start(answering(500)), 'the server answers 500 to a valid token, so a refusal would mean nothing. Check the log of the server'],
    [openRoute.replace('http:', 'https:'), 'the server closes the connection'],
    [broken, 'the server closes the connection'],
    [gone.url, 'no server answers at http://127.0.0.1:'],
  ] as const) {
    const { code, stdout, stderr } = await attack(url);
    expect([code, stdout], message).toEqual([3, '']);
    expect(stderr).toContain(`error: ${message}`);
  }
});

test('says which certificate Node does not trust, and how to make it', async () => {
  const server = createHttpsServer(selfSigned(), (_request, response) => void response.writeHead(401).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { code, stdout, stderr } = await attack(`https://127.0.0.1:${(server.address() as AddressInfo).port}/me`);
  server.close();
  expect([code, stdout]).toEqual([3, '']);
  expect(stderr).toMatch(/^error: Node does not trust the certificate of the server\. .*NODE_EXTRA_CA_CERTS[^\n]*\n$/);
});

test('ends with 1 if the server is down afterwards', async () => {
  const valid = await mint();
  const fragile = await listen((request, response) => {
    const token = (request.headers.authorization ?? '').replace('Bearer ', '');
    if (token === '..') void fragile.close();
    response.writeHead(token === valid ? 200 : 401, { 'www-authenticate': 'Bearer' }).end();
  });
  const { code, stdout } = await attack(fragile.url, [], { env: elsewhere(), stdin: valid });
  expect(code).toBe(1);
  expect(stdout).toContain('The server answers no longer.');
});

test('ends with 3 if requests were not tried, since they may be admitted', async () => {
  const valid = await mint();
  let asked = 0;
  const restarting = listen((request, response) => {
    // after the first checks: as many failures as make the attack stop
    if (++asked > 3 && asked < 10) return void request.socket.destroy();
    response.writeHead(request.headers.authorization === `Bearer ${valid}` ? 200 : 401, { 'www-authenticate': 'Bearer' }).end();
  });
  const { code, stdout } = await attack(await start(restarting), [], { env: elsewhere(), stdin: valid });
  expect([code, stdout]).toEqual([3, expect.stringMatching(/\d+ requests were not tried/)]);
});

test('ends with 3 if a request got no answer, since it may be admitted, and with 1 if the answer began with 200', async () => {
  const valid = await mint();
  for (const [begun, code, line] of [
    ['', 3, /Requests without an answer: 1\. The server may have admitted them\./],
    ['HTTP/1.1 401 Unauthorized\r\nWWW-Auth', 3, /CRASHED {3}- {4}the server closed the connection/],
    ['HTTP/1.1 200 OK\r\nContent-Ty', 1, /ADMITTED {2}200 {2}/],
  ] as const) {
    let isFirst = true;
    const breaking = listen((request, response) => {
      const { authorization = '' } = request.headers;
      const isHostile = authorization !== '' && authorization !== `Bearer ${valid}`;
      if (isHostile && isFirst) {
        isFirst = false;
        return void request.socket.end(begun);
      }
      response.writeHead(isHostile || authorization === '' ? 401 : 200, { 'www-authenticate': 'Bearer' }).end();
    });
    const ended = await attack(await start(breaking), [], { env: elsewhere(), stdin: valid });
    expect([ended.code, ended.stdout], begun).toEqual([code, expect.stringMatching(line)]);
  }
});

test('a rate limit is no refusal', async () => {
  const valid = await mint();
  let asked = 0;
  const limited = listen((request, response) => {
    const isAdmitted = request.headers.authorization === `Bearer ${valid}`;
    response.writeHead(++asked > 20 ? 429 : isAdmitted ? 200 : 401, { 'www-authenticate': 'Bearer' }).end();
  });
  const { code, stdout } = await attack(await start(limited), [], { env: elsewhere(), stdin: valid });
  expect(code).toBe(3);
  expect(stdout).toMatch(/UNCLEAR {3}429 {2}a rate limit, and no answer about the token: .*, and \d+ more/);
  expect(stdout).toContain('Afterwards the server did not admit a valid token');
});

test.each([
  'http://192.0.2.1:3000/me',
  'http://10.0.0.1/',
  'http://169.254.169.254/latest/meta-data/',
  'http://0.0.0.0:3000/',
  'http://[::]:3000/',
  'http://[fe80::1]/',
  'http://[::ffff:10.0.0.1]/',
  'http://2130706434.example/',
  'https://api.example.invalid/me',
])('rule 272: attacks only this machine, and not %s', async (url) => {
  const { code, stdout, stderr } = await attack(url);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('attack runs only against this machine');
});

test.each([
  [['attack'], '<url> is missing'],
  [['attack', 'localhost:3000'], '<url> must be an http or https URL'],
  [['attack', 'file:///etc/passwd'], '<url> must be an http or https URL'],
  [['attack', 'http://user:secret@localhost:3000/'], '<url> cannot contain a user name or password'],
  [['attack', 'http://localhost:3000/', '--rate', '0'], '--rate must be a number from 1 to 500'],
  [['attack', 'http://localhost:3000/', '--rate', '9999'], '--rate must be a number from 1 to 500'],
  [['attack', 'http://localhost:3000/', '--claim', 'x'], '--claim needs a name and a value'],
])('ends with 2 for %j', async (args, message) => {
  const { code, stdout, stderr } = await runCommand(args, { env: issuer.env });
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(`error: ${message}`);
  expect(stderr).not.toContain('secret');
});

test('asks for a valid token if no local issuer runs, and takes only a token from a pipe', async () => {
  const env = elsewhere();
  const url = await start(naive(issuer.origin));
  const none = await attack(url, [], { env });
  expect([none.code, none.stdout]).toEqual([2, '']);
  expect(none.stderr).toContain('there is no valid token to begin with');
  const elsewhereNamed = await attack(url, ['--issuer', 'http://127.0.0.1:9']);
  expect([elsewhereNamed.code, elsewhereNamed.stderr]).toEqual([2, expect.stringContaining('no local issuer of yours runs at the address in --issuer')]);
  for (const [stdin, message] of [
    ['a secret and another', 'several words, and not one token'],
    ['secret,another', 'has characters that no token has (RFC 6750 s2.1)'],
    ['\u0000secret', 'binary data'],
  ] as const) {
    const { code, stdout, stderr } = await attack(url, [], { env, stdin });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: standard input [^\n]+\n$/);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('secret,');
  }
});

test('rule 273: follows no redirect, and never prints a token', async () => {
  let visits = 0;
  const other = await start(listen((_request, response) => void (visits++, response.end('ok'))));
  const valid = await mint();
  const redirecting = listen((request, response) => {
    const { authorization = '' } = request.headers;
    if (authorization === `Bearer ${valid}`) response.end();
    else response.writeHead(302, { location: other }).end(authorization);
  });
  const url = await start(redirecting);
  for (const args of [[], ['--json']]) {
    const { stdout, stderr } = await attack(`${url}?key=s3cr3t`, args, { env: elsewhere(), stdin: valid });
    expect(stdout).toContain('302 instead of 401');
    expect(stdout).toContain(url);
    expect(stdout + stderr).not.toContain('s3cr3t');
    for (const part of valid.split('.')) expect(stdout + stderr).not.toContain(part);
    expect(stdout + stderr).not.toMatch(/eyJ/);
  }
  expect(visits).toBe(0);
});

test('takes a token that is not a JWT: only ways to send it are tried', async () => {
  const opaque = 'opaque-0123456789-0123456789';
  const url = await start(
    listen(
      (request, response) => void response.writeHead(request.headers.authorization === `Bearer ${opaque}` ? 200 : 401, { 'www-authenticate': 'Bearer' }).end(),
    ),
  );
  const report = reportOf(await attack(url, ['--json'], { stdin: opaque }));
  expect(report.notes).toEqual(['The valid token is not a JWT: only ways to send it were tried.']);
  // Node gives a server the first of two headers
  expect(report.findings.map(({ name }) => name)).toContain('two Authorization headers, the valid one first');
});

test('a terminal shows that it works as soon as that takes more than a second', async () => {
  let requests = 0;
  const url = await start(
    listen((_request, response) => {
      // the first one finds the server
      setTimeout(() => response.writeHead(200).end(), ++requests === 1 ? 1200 : 0);
    }),
  );
  const { code, stderr } = await attack(url, [], { stdin: 'opaque-0123456789-0123456789', isTTY: true });
  expect(code).toBe(3);
  expect(stderr).toContain('preparing the attack ... 1 s');
});

test('a DPoP token is tried as it is: the server that demands a proof refuses the valid one, too', async () => {
  const client = await createDpopClient();
  const bound = await mint(['--claim', `cnf=${JSON.stringify(client.claims.cnf)}`, '--scope', 'orders:read']);
  const { code, stderr } = await attack(await start(guarded(issuer.origin)), [], { stdin: bound });
  expect(code).toBe(3);
  expect(stderr).toContain('401 to a valid token');
});
