import { spawnSync } from 'node:child_process';
import { createCipheriv, generateKeyPairSync, publicEncrypt, randomBytes, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createTestIssuer, hostileTokens, type TestIssuer } from '@tokenward/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from 'tokenward';
import { runCommand, type Ended, type Surroundings } from './run-command.js';

let issuer: TestIssuer;
let flags: readonly string[];
const folder = mkdtempSync(join(tmpdir(), 'tokenward-explain-'));

beforeAll(async () => {
  issuer = await createTestIssuer();
  flags = ['--issuer', issuer.issuer, '--audience', issuer.audience];
});
afterAll(async () => {
  await issuer.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Result {
  readonly verdict: string;
  readonly steps: readonly { step: string; verdict: string; note?: string; problem?: Record<string, string> }[];
  readonly says: Record<string, string>;
  readonly problems: readonly { reason: string; summary: string }[];
  readonly notes: readonly string[];
}

function explain(args: readonly string[], surroundings: Surroundings): Promise<Ended> {
  return runCommand(['explain', ...args], surroundings);
}

async function explainJson(args: readonly string[], surroundings: Surroundings): Promise<Result & { code: number }> {
  const { code, stdout } = await explain([...args, '--json'], surroundings);
  return { ...(JSON.parse(stdout) as Result), code };
}

const failedSteps = ({ steps }: Result) => steps.filter(({ verdict }) => verdict === 'failed').map(({ step }) => step);
const verdictOf = ({ steps }: Result, name: string) => steps.find(({ step }) => step === name)?.verdict;

test('shows each step of a token that the API would accept, and ends with 0', async () => {
  const token = await issuer.issueToken({ claims: { scope: 'orders:read' } });
  const { code, stdout, stderr } = await explain([...flags, '--scope', 'orders:read'], { stdin: `${token}\n` });
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('The API would accept this token.');
  expect(stdout).toMatch(/ok {4}The signature is right\n.*ok {4}It is meant for this API \("aud"\)\n.*ok {4}It grants what the route needs/s);
  expect(stdout).toContain('It was not revoked (not checked: only the running API knows)');
});

test('shows what was expected and found, the remedy and the page about it, in the words of core', async () => {
  const token = await issuer.issueToken({ audience: 'another-api' });
  const result = await explainJson(flags, { stdin: token });
  expect([result.code, result.verdict, failedSteps(result)]).toEqual([1, 'refused', ['audience']]);
  expect(result.steps.find(({ step }) => step === 'audience')?.problem).toMatchObject({
    reason: 'audience_mismatch',
    summary: 'The token is meant for another API ("aud").',
    expected: `aud "${issuer.audience}"`,
    found: 'aud "another-api"',
    remedy: expect.stringContaining('Have the client ask for a token for this API') as string,
    docs: expect.stringMatching(/^https:\/\/.*audience.mismatch/) as string,
  });
  const { stdout } = await explain(flags, { stdin: token });
  expect(stdout).toContain('FAIL  It is meant for this API ("aud")');
  expect(stdout).toContain('found     aud "another-api"');
});

test('finds everything that is wrong in one run: time, audience and scopes', async () => {
  const token = await issuer.issueToken({ audience: 'another-api', claims: { scope: 'news', iat: 1_700_000_000, exp: 1_700_000_600 } });
  const result = await explainJson([...flags, '--scope', 'orders:read'], { stdin: token });
  expect(failedSteps(result)).toEqual(['audience', 'time', 'policy']);
});

test('names the scopes and the roles that are missing', async () => {
  const token = await issuer.issueToken({ claims: { scope: 'news', roles: ['reader'] } });
  const result = await explainJson([...flags, '--scope', 'news', '--role', 'admin'], { stdin: token });
  expect(result.steps.at(-1)).toMatchObject({ step: 'policy', verdict: 'failed', problem: { reason: 'insufficient_role', found: 'roles "reader"' } });
});

test('says that key and signature were not checked if the token names another issuer', async () => {
  const other = await createTestIssuer();
  const token = await other.issueToken({ claims: { iss: `${issuer.issuer}/` } });
  await other.close();
  const result = await explainJson(flags, { stdin: token });
  expect(result.steps.find(({ step }) => step === 'issuer')?.problem).toMatchObject({ remedy: expect.stringContaining('differ only in the slash') as string });
  expect([verdictOf(result, 'key'), verdictOf(result, 'signature')]).toEqual(['unchecked', 'unchecked']);
});

test('--at checks at another time', async () => {
  const token = await issuer.issueToken({ lifetimeSeconds: 60 });
  const later = new Date(Date.now() + 3_600_000).toISOString();
  expect(failedSteps(await explainJson([...flags, '--at', later], { stdin: token }))).toEqual(['time']);
  const inSeconds = String(Math.floor(Date.now() / 1000) + 3600);
  expect(failedSteps(await explainJson([...flags, '--at', inSeconds], { stdin: token }))).toEqual(['time']);
  expect((await explain([...flags, '--at', 'yesterday'], { stdin: token })).code).toBe(2);
});

test('ends with 3 while the keys cannot be fetched, and prints no warning beside the result', async () => {
  const broken = await createTestIssuer();
  const token = await broken.issueToken();
  broken.misbehave('error');
  const result = await explainJson(['--issuer', broken.issuer, '--audience', broken.audience], { stdin: token });
  await broken.close();
  expect([result.code, result.verdict, failedSteps(result)]).toEqual([3, 'unknown', ['key']]);
});

test('reads keys from a file, without any network', async () => {
  const file = join(folder, 'jwks.json');
  writeFileSync(file, JSON.stringify(issuer.jwks));
  const token = await issuer.issueToken({ claims: { iss: 'https://login.example.com' } });
  const args = ['--issuer', 'https://login.example.com', '--audience', issuer.audience, '--jwks-file', 'jwks.json'];
  expect((await explain(args, { stdin: token, cwd: folder })).code).toBe(0);
});

test('takes issuer and audience from the environment, and says so', async () => {
  const token = await issuer.issueToken();
  const result = await explainJson([], { stdin: token, env: { ISSUER_BASE_URL: issuer.issuer, AUDIENCE: issuer.audience } });
  expect([result.verdict, result.notes]).toEqual(['accepted', ['Taken from the environment: ISSUER_BASE_URL, AUDIENCE.']]);
  // a guard takes the variable as one name
  const listed = await explainJson([], { stdin: token, env: { ISSUER_BASE_URL: issuer.issuer, AUDIENCE: `${issuer.audience},other` } });
  expect(listed.verdict).not.toBe('accepted');
});

const JKT = 'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U';

test.each([
  ['to a key, with its scheme', { jkt: JKT }, 'DPoP ', []],
  ['to a key, without a scheme', { jkt: JKT }, '', []],
  ['to a certificate', { 'x5t#S256': JKT }, 'Bearer ', []],
  ['to a key and a certificate', { jkt: JKT, 'x5t#S256': JKT }, '', []],
  ['to a key, at an API that demands it', { jkt: JKT }, '', ['--option', 'senderConstraint=dpop']],
] as const)('rule 301: the other steps of a token are checked that is bound %s, and it is never called accepted', async (_name, cnf, scheme, options) => {
  const token = await issuer.issueToken({ claims: { cnf, scope: 'orders:read' } });
  const bound = await explainJson([...flags, ...options, '--scope', 'orders:read'], { stdin: `${scheme}${token}` });
  expect([bound.code, bound.verdict, failedSteps(bound), verdictOf(bound, 'policy')]).toEqual([1, 'proof-unchecked', [], 'passed']);
  expect(bound.steps.find(({ step }) => step === 'binding')).toMatchObject({ verdict: 'unchecked', note: 'a proof belongs to a request' });
  expect(bound.notes.join(' ')).toContain('each request needs a proof');
  const refused = await explainJson([...flags, ...options, '--scope', 'orders:write'], { stdin: `${scheme}${token}` });
  expect([refused.code, refused.verdict, failedSteps(refused)]).toEqual([1, 'refused', ['policy']]);
});

test.each([
  ['a bound token that is sent as a bearer token', { jkt: JKT }, 'Bearer ', 'bound_token_as_bearer', []],
  ['a bearer token that is sent with the scheme DPoP', undefined, 'DPoP ', 'unbound_token', []],
  ['a token that is bound by something else', { kid: 'x' }, '', 'unproven_confirmation', []],
  ['a token that is bound to a key, at an API without DPoP', { jkt: JKT }, '', 'unproven_confirmation', ['--option', 'dpop=false']],
  ['a bearer token at an API that demands bound ones', undefined, '', 'unbound_token', ['--option', 'senderConstraint=any']],
] as const)('rule 301: %s is refused for that, and for what comes after it', async (_name, cnf, scheme, reason, options) => {
  const token = await issuer.issueToken({ claims: { cnf } });
  const result = await explainJson([...flags, ...options, '--scope', 'orders:read'], { stdin: `${scheme}${token}` });
  expect([result.code, result.verdict, failedSteps(result)]).toEqual([1, 'refused', ['binding', 'policy']]);
  expect(result.steps.find(({ step }) => step === 'binding')?.problem).toMatchObject({ reason });
});

test('rule 301: says in words that a bound token is not decided about, and finds what is wrong besides', async () => {
  const token = await issuer.issueToken({ audience: 'another', claims: { cnf: { jkt: JKT }, iat: 1_700_000_000, exp: 1_700_000_600 } });
  expect(failedSteps(await explainJson([...flags, '--scope', 'news'], { stdin: token }))).toEqual(['audience', 'time', 'policy']);
  const bound = await issuer.issueToken({ claims: { cnf: { jkt: JKT } } });
  const { code, stdout } = await explain(flags, { stdin: bound });
  expect([code, stdout.split('\n')[0]]).toEqual([
    1,
    'Not decided: the token is bound to its sender, and the proof of a request was not checked. Nothing else is wrong.',
  ]);
  expect(stdout).toContain('-     The request proves that its sender may use the token (not checked: a proof belongs to a request)');
});

test('a preset reads its options from the issuer, and finds what a guard without it would miss', async () => {
  writeFileSync(join(folder, 'realm.json'), JSON.stringify(issuer.jwks));
  const realm = 'https://sso.example.com/realms/shop';
  const args = ['--issuer', realm, '--audience', 'orders', '--jwks-file', 'realm.json', '--preset', 'keycloak'];
  const token = await issuer.issueToken({ audience: 'orders', claims: { iss: realm } });
  const result = await explainJson(args, { stdin: token, cwd: folder });
  expect(result.steps.find(({ step }) => step === 'claims')?.problem).toMatchObject({ reason: 'missing_claim', expected: '"typ"' });
  const without = await explainJson(args.slice(0, -2), { stdin: token, cwd: folder });
  expect([without.verdict, without.notes.join(' ')]).toEqual(['accepted', expect.stringContaining('fits the preset keycloak') as string]);
});

test('a preset with several issuers is walked through in the same way', async () => {
  writeFileSync(join(folder, 'entra.json'), JSON.stringify(issuer.jwks));
  const tenant = '72f988bf-86f1-41af-91ab-2d7cd011db47';
  const iss = `https://login.microsoftonline.com/${tenant}/v2.0`;
  const token = await issuer.issueToken({ audience: 'another', claims: { iss, tid: tenant, ver: '2.0', azp: 'app', client_id: undefined, scp: 'news' } });
  const args = ['--issuer', iss, '--audience', 'orders', '--preset', 'entraId', '--jwks-file', 'entra.json', '--scope', 'orders:read'];
  expect(failedSteps(await explainJson(args, { stdin: token, cwd: folder }))).toEqual(['audience', 'policy']);
});

test.each([
  ['a bare token', (token: string) => `${token}\n`, ''],
  ['Bearer', (token: string) => `Bearer ${token}`, '"Bearer" was removed'],
  ['a header line', (token: string) => `Authorization: Bearer ${token}\r\n`, 'header "Authorization" was removed'],
  ['an argument of curl', (token: string) => `-H "Authorization: Bearer ${token}"`, 'header "Authorization" was removed'],
  ['quotes', (token: string) => `"${token}"`, 'Quotes around the token were removed'],
  ['quotes after Bearer', (token: string) => `bearer '${token}'`, 'Quotes around the token were removed'],
  ['line breaks', (token: string) => token.replace(/.{40}/g, '$&\n'), 'White space inside the token was removed'],
  ['a byte order mark', (token: string) => `\uFEFF${token}`, ''],
  ['a token response', (token: string) => JSON.stringify({ access_token: token, token_type: 'Bearer' }), '"access_token" was taken'],
])('accepts %s, and says what it removed', async (_name, wrap, note) => {
  const token = await issuer.issueToken();
  const result = await explainJson(flags, { stdin: wrap(token) });
  expect([result.code, result.verdict]).toEqual([0, 'accepted']);
  expect(result.notes.join(' ')).toContain(note);
});

test.each([
  ['', 'there is no token on standard input'],
  ['undefined', 'standard input is the text "undefined"'],
  ['Bearer', 'there is no token on standard input'],
  ['Bearer', ': only the word "Bearer"'],
  ['"Bearer [object Object]"', 'standard input is the text "[object Object]"'],
  ['two words', 'several words, and not one token. Pipe the token alone'],
  ['eyJhIjoxfQ.eyJhIjoxfQ.c2ln\neyJhIjoyfQ.eyJhIjoyfQ.c2ln', 'standard input has several tokens'],
  ['{"error":"invalid_client"}', 'an error of the token endpoint (invalid_client), and has no token'],
  ['{"error":"S3CR3T"}', 'JSON without a text in access_token'],
  ['{"accessToken":"S3CR3T"}', 'If the token has another name there, pipe it alone'],
  ['{"access_token":""}', 'JSON without a text in access_token'],
  ['{"access_token":7}', 'JSON without a text in access_token'],
  ["{ access_token: 'S3CR3T' }", 'not JSON. Pipe the token alone'],
  ['{"access_token":', 'not JSON'],
  ['\u0089PNG\u001a\u0000S3CR3T', 'standard input is binary data'],
  ['S3CR3T\uFFFD', 'standard input is binary data'],
])('refuses the input %j, and ends with 2', async (stdin, message) => {
  const { code, stdout, stderr } = await explain(flags, { stdin });
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(message);
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect(stderr).not.toContain('S3CR3T');
});

test('refuses endless input', async () => {
  const { code, stderr } = await explain(flags, { stdin: 'a'.repeat(1_100_000) });
  expect([code, stderr]).toEqual([2, 'error: standard input has more than 1 MiB, so it is not a token\n']);
});

test('without an issuer, shows what the token says about itself, calls it unverified, and never ends with 0', async () => {
  const token = await issuer.issueToken({ subject: 'ada@example.com', claims: { scope: 'news', department: 'sales' } });
  const { code, stdout } = await explain([], { stdin: token });
  expect(code).toBe(1);
  expect(stdout).toContain('Not verified: without --issuer, nobody knows who wrote this token.');
  expect(stdout).toContain(`iss           "${issuer.issuer}"`);
  expect(stdout).toMatch(/exp .*\(in \d+ min\)/);
  expect(stdout).toContain('subject       present, and not shown');
  expect(stdout).toMatch(/other claims {2}.*department/);
  expect(stdout).toContain(`tokenward explain --issuer ${issuer.issuer} --audience YOUR-API`);
  expect(stdout).not.toMatch(/ada@example|sales/);
});

test.each([
  ['an ID token', { at_hash: 'x', nonce: 'y' }, {}, 'not_an_access_token'],
  ["Keycloak's refresh token", { typ: 'Refresh' }, {}, 'not_an_access_token'],
  ['a logout token', {}, { typ: 'logout+jwt' }, 'wrong_type'],
  ['an expired token', { exp: 1_600_000_000 }, {}, 'expired'],
])('without an issuer, recognises %s', async (_name, claims, header, reason) => {
  const result = await explainJson([], { stdin: await issuer.issueToken({ claims, header }) });
  expect(result.problems.map((one) => one.reason)).toEqual([reason]);
});

test('says what can be known about opaque, encrypted and unsigned tokens', async () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  for (const args of [[], flags]) {
    const opaque = await explainJson(args, { stdin: 'sb4XkV8FzR2nQ7yL' });
    expect(opaque.notes.join(' ')).toMatch(/introspection.*sends the token to nobody.*refresh token/i);
    const jwe = await explainJson(args, { stdin: `${part({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.aaaa.bbbb.cccc.dddd` });
    expect(jwe.says['form']).toContain('encrypted');
    expect(jwe.code).toBe(1);
  }
  const unsigned = await explainJson([], { stdin: `${part({ alg: 'none' })}.${part({ iss: 'x', exp: 9_999_999_999 })}.` });
  expect(unsigned.problems.map((one) => one.reason)).toEqual(['algorithm_not_allowed']);
});

test.each([
  [['--issuer', 'http://login.example.com'], 'must use https'],
  [['--issuer', 'https://login.example.com', '--algorithms', 'RS265'], 'RS265'],
  [['--issuer', 'https://login.example.com', '--preset', 'keycloak'], 'an issuer like https://sso.example.com/realms/shop'],
  [['--preset', 'keycloack'], 'did you mean keycloak?'],
  [['--issuer', 'https://login.example.com', '--option', 'clockSkewSeconds'], '--option needs NAME=VALUE'],
  [['--issuer', 'https://login.example.com', '--option', 'clockSkewSecond=60'], 'did you mean clockSkewSeconds?'],
])('reports options that are wrong, as in %j, with 2', async (args, message) => {
  const { code, stderr } = await explain([...args, ...(args.includes('--audience') ? [] : ['--audience', 'x'])], { stdin: 'a.b.c' });
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test('rule 263: refuses a token or a secret as an argument, and does not repeat it', async () => {
  const token = await issuer.issueToken();
  for (const args of [[token], [`--token=${token}`], ['--token', token], ['--jwt', token], [...flags, token]]) {
    const { code, stdout, stderr } = await explain(args, {});
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('never as an argument');
    expectNoPart(stderr, token);
  }
  const secret = 'c2VjcmV0LXNlY3JldC1zZWNyZXQ';
  for (const name of ['sharedSecrets', 'introspection', 'decryptionKeys', 'session']) {
    const { code, stderr } = await explain([...flags, '--option', `${name}=${secret}`], { stdin: token });
    expect([code, stderr.includes(secret)]).toEqual([2, false]);
  }
});

test('rule 263: a token in the place of another value is not repeated', async () => {
  const token = await issuer.issueToken();
  const names = ['issuer', 'audience', 'preset', 'algorithms', 'jwks-file', 'option', 'scope', 'role', 'at', 'env-file', 'framework', 'file'];
  for (const command of ['explain', 'doctor', 'init']) {
    for (const name of names) {
      for (const args of [
        [`--${name}`, token],
        [`--${name}=${token}`],
        ['--json', '--issuer', `https://login.example.invalid/?key=${token}`, '--audience', 'x'],
      ]) {
        const { stdout, stderr } = await runCommand([command, ...args], { cwd: folder });
        expectNoPart(stdout + stderr, token);
      }
    }
  }
}, 30_000);

test('rule 265: no token of the hostile table, and no part of one, is ever written, and none is accepted', async () => {
  const jwks = join(folder, 'hostile.json');
  const hostile = await hostileTokens(issuer);
  writeFileSync(jwks, JSON.stringify(issuer.jwks));
  const tokens = hostile.filter(({ token }) => token.length < 20_000 && !/\s/.test(token)).filter((_one, at) => at % 3 === 0);
  expect(tokens.length).toBeGreaterThan(50);
  for (const { token, name } of tokens) {
    for (const args of [[...flags, '--jwks-file', jwks], [], ['--json']]) {
      const { code, stdout, stderr } = await explain(args, { stdin: token });
      expect([name, code === 0]).toEqual([name, false]);
      expectNoPart(stdout + stderr, token);
    }
  }
});

test('rule 265: a token that repeats its own parts in claims and header is not written either', async () => {
  const inner = await issuer.issueToken();
  const [, , signature] = inner.split('.');
  const token = await issuer.issueToken({
    claims: { aud: [inner, signature!], scope: signature!, [signature!.slice(0, 40)]: 1 },
    header: { kid: inner.slice(0, 500) },
  });
  for (const args of [flags, []]) {
    const { stdout } = await explain(args, { stdin: token });
    expectNoPart(stdout, token);
    expect(stdout).not.toContain(inner);
  }
});

test('rule 266: fetches metadata and keys of the named issuer only, and nothing for what a token names', async () => {
  const other = await createTestIssuer();
  const token = await other.issueToken();
  await explain([], { stdin: token });
  await explain(flags, { stdin: token });
  expect(other.requests).toEqual({ metadata: 0, jwks: 0 });
  await other.close();
});

test('names the option for the audience if there is none', async () => {
  const { code, stderr } = await runCommand(['explain', '--issuer', issuer.issuer], { stdin: await issuer.issueToken() });
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^error: --audience is missing: set it to this API's identifier/)]);
});

test('a terminal is asked for the token, and shows nothing of it', async () => {
  const token = await issuer.issueToken();
  const modes: boolean[] = [];
  const stdin = Object.assign(new Readable({ read() {} }), { isTTY: true, setRawMode: (isRaw: boolean) => modes.push(isRaw) });
  let stderr = '';
  let stdout = '';
  const code = run(['explain', ...flags], {
    stdin,
    stdout: { write: (text) => void (stdout += text) },
    stderr: { isTTY: true, write: (text) => void (stderr += text) },
    env: {},
    cwd: folder,
    fetch,
    now: Date.now,
    signal: new AbortController().signal,
  });
  stdin.push(`x\u007f${token.slice(0, 50)}`);
  stdin.push(`${token.slice(50)}\r`);
  expect(await code).toBe(0);
  expect(modes).toEqual([true, false]);
  expect(stderr).toContain('Paste the token and press Enter (it is not shown): \n');
  expectNoPart(stderr + stdout, token);
});

test('a token that is pasted in several lines is read to its end, and no part of it is left for the shell', async () => {
  const token = await issuer.issueToken();
  const stdin = Object.assign(new Readable({ read() {} }), { isTTY: true, setRawMode: () => {} });
  let stdout = '';
  const code = run(['explain', ...flags], {
    stdin,
    stdout: { write: (text) => void (stdout += text) },
    stderr: { isTTY: true, write() {} },
    env: {},
    cwd: folder,
    fetch,
    now: Date.now,
    signal: new AbortController().signal,
  });
  stdin.push(`${token.slice(0, 60)}\r${token.slice(60, 120)}\r${token.slice(120)}\r`);
  expect(await code).toBe(0);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain('White space inside the token was removed');
});

test.each([
  ['the rest comes a moment later', false],
  ['the terminal closes after Enter', true],
])('a terminal may split what is pasted behind a line break: %s', async (_when, closes) => {
  const token = await issuer.issueToken();
  const stdin = Object.assign(new Readable({ read() {} }), { isTTY: true, setRawMode: () => {} });
  const sink = { isTTY: true, write() {} };
  const context = { stdout: sink, stderr: sink, env: {}, cwd: folder, fetch, now: Date.now, signal: new AbortController().signal };
  const code = run(['explain', ...flags], { stdin, ...context });
  stdin.push(`${token.slice(0, 60)}\r`);
  await wait(20);
  stdin.push(`${token.slice(60)}\r`);
  if (closes) stdin.push(null);
  expect(await code).toBe(0);
});

test.each([true, false])('says once that it waits for piped input, if standard error is a terminal: %s', async (isTTY) => {
  const stdin = new PassThrough();
  setTimeout(() => stdin.end('two words'), 2500);
  let stderr = '';
  const sink = { isTTY, write: (text: string) => void (stderr += text) };
  const context = { stdout: sink, stderr: sink, env: { NO_COLOR: '1' }, cwd: folder, fetch, now: Date.now, signal: new AbortController().signal };
  expect(await run(['explain', ...flags], { stdin, ...context })).toBe(2);
  expect(stderr).toMatch(isTTY ? /^waiting for a token on standard input\nerror: / : /^error: /);
});

test.each(['end', 'error'])('a terminal that closes before the token is complete ends the command with 3 (%s)', async (how) => {
  const modes: boolean[] = [];
  const stdin = Object.assign(new Readable({ read() {} }), { isTTY: true, setRawMode: (isRaw: boolean) => modes.push(isRaw) });
  let stderr = '';
  const code = run(['explain', ...flags], {
    stdin,
    stdout: { write() {} },
    stderr: { isTTY: true, write: (text) => void (stderr += text) },
    env: {},
    cwd: folder,
    fetch,
    now: Date.now,
    signal: new AbortController().signal,
  });
  stdin.push('eyJh');
  if (how === 'end') stdin.push(null);
  else stdin.destroy(Object.assign(new Error('read EIO'), { code: 'EIO' }));
  expect(await code).toBe(3);
  expect(modes).toEqual([true, false]);
  expect(stderr).toContain('the terminal was closed before the token was complete');
});

test('checks with the issuers of --option', async () => {
  const token = await issuer.issueToken();
  const listed = JSON.stringify([
    { issuer: issuer.issuer, audience: issuer.audience },
    { issuer: 'https://other.example', audience: 'other' },
  ]);
  const result = await explainJson(['--option', `issuers=${listed}`], { stdin: token, env: { ISSUER_BASE_URL: 'https://elsewhere.example' } });
  expect([result.verdict, result.code]).toEqual(['accepted', 0]);
});

test('reads an encrypted token with keys from a file', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const file = join(folder, 'decryption.pem');
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const token = encrypted(await issuer.issueToken(), publicKey);
  const withFile = await explainJson([...flags, '--option', `decryptionKeys=${JSON.stringify({ file })}`], { stdin: token });
  expect([withFile.verdict, withFile.code, withFile.notes]).toEqual(['accepted', 0, []]);
  const without = await explainJson(flags, { stdin: token });
  expect(without.notes).toEqual([expect.stringContaining(`--option 'decryptionKeys={"file":"key.pem"}'`)]);
});

describe('an encrypted token', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const file = join(folder, 'decryption-checks.pem');
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const explainEncrypted = async (claims: object, wrap = '', audience = issuer.audience): Promise<Result> => {
    const token = encrypted(await issuer.issueToken({ audience, claims: { ...claims } }), publicKey);
    const args = ['--option', `decryptionKeys=${JSON.stringify({ file })}`, '--scope', 'orders:read'];
    return explainJson([...flags, ...args], { stdin: `${wrap}${token}` });
  };

  test('rule 301: is never called accepted if it is bound to its sender, and its other steps are checked', async () => {
    const bound = { cnf: { jkt: JKT }, scope: 'orders:read' };
    const result = await explainEncrypted(bound);
    expect([result.verdict, failedSteps(result), verdictOf(result, 'policy')]).toEqual(['proof-unchecked', [], 'passed']);
    expect(result.steps.find(({ step }) => step === 'binding')).toMatchObject({ verdict: 'unchecked', note: 'a proof belongs to a request' });
    expect(result.notes).toEqual([expect.stringContaining('each request needs a proof')]);
    const asBearer = await explainEncrypted(bound, 'Bearer ');
    expect([asBearer.verdict, failedSteps(asBearer)]).toEqual(['refused', ['binding']]);
    expect(asBearer.notes.join(' ')).toContain('each request needs a proof');
  });

  test.each([
    ['has expired', { iat: 1_700_000_000, exp: 1_700_000_600 }],
    ['is not valid yet', { iat: 4_000_000_000, nbf: 4_000_000_000, exp: 4_000_000_600 }],
    ['is not valid yet, and was issued after that', { iat: 4_000_000_300.5, nbf: 4_000_000_000.5, exp: 4_000_000_600 }],
  ])('that %s is checked to the end', async (_name, dates) => {
    const result = await explainEncrypted({ ...dates, scope: 'news' }, '', 'another-api');
    expect(failedSteps(result)).toEqual(['audience', 'time', 'policy']);
    expect([verdictOf(result, 'client'), verdictOf(result, 'claims'), verdictOf(result, 'binding')]).toEqual(['passed', 'passed', 'passed']);
  });
});

test('the installed program explains a piped token', async () => {
  const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
  const token = await issuer.issueToken({ lifetimeSeconds: -60 });
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'explain'], { input: token, encoding: 'utf8', env: {} });
  expect([status, stderr]).toEqual([1, '']);
  expect(stdout).toContain('FAIL  expired');
  expectNoPart(stdout, token);
});

/** Encrypts a JWT to a key (RFC 7516, with RSA-OAEP-256 and A128GCM). */
function encrypted(token: string, key: KeyObject): string {
  const header = Buffer.from(JSON.stringify({ alg: 'RSA-OAEP-256', enc: 'A128GCM', cty: 'JWT' })).toString('base64url');
  const [contentKey, iv] = [randomBytes(16), randomBytes(12)];
  const cipher = createCipheriv('aes-128-gcm', contentKey, iv).setAAD(Buffer.from(header));
  const content = Buffer.concat([cipher.update(token), cipher.final()]);
  const parts = [publicEncrypt({ key, oaepHash: 'sha256' }, contentKey), iv, content, cipher.getAuthTag()];
  return [header, ...parts.map((part) => part.toString('base64url'))].join('.');
}

function expectNoPart(text: string, token: string): void {
  for (const part of token.split('.').slice(1)) if (part.length >= 8) expect(text).not.toContain(part);
  expect(text).not.toContain(token);
}
