import { execFileSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, renameSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { createResourceGuard, observe, type ConfigurationError, type Events, type GuardOptions, type ResourceGuard } from '@tokenward/core';
import { base64url, compactJws, createTestIssuer } from '@tokenward/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ask, configurationErrorOf, verdictOf } from './guarded.js';
import { createKeyFile, fileLayouts, jwksOf, newFolder, newKey, openWatches, pemOf } from './key-files.js';

const issuer = await createTestIssuer();
await issuer.close();
/** How long the guard may take to notice a change. */
const WAIT = { timeout: 5000, interval: 20 };
const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const [old, young] = [await newKey('old'), await newKey('young')];

describe.each(fileLayouts)('a file that is $name', (layout) => {
  test('adds new keys, and refuses cached tokens of a removed key', async () => {
    const { folder, path } = createKeyFile(jwksOf(old), layout);
    const guard = guardOf({ jwksFile: path });
    const events = listen();
    const [byOld, byYoung] = [await issuer.issueToken({ key: old }), await issuer.issueToken({ key: young })];
    expect(await verdicts(guard, byOld, byYoung)).toEqual(['allow', 'unknown_key']);

    layout.replace(folder, jwksOf(old, young));
    await vi.waitFor(async () => expect(await verdicts(guard, byYoung)).toEqual(['allow']), WAIT);
    const { hits } = guard.health().tokenCache!;
    expect(await verdicts(guard, byOld, byYoung)).toEqual(['allow', 'allow']);
    expect(guard.health().tokenCache).toMatchObject({ hits: hits + 2, entries: 2 });

    layout.replace(folder, jwksOf(young));
    await vi.waitFor(async () => expect(await verdicts(guard, byOld)).toEqual(['unknown_key']), WAIT);
    expect(await verdicts(guard, byYoung)).toEqual(['allow']);
    expect(events.refreshed.map(({ keyIds }) => keyIds)).toEqual([['old', 'young'], ['young']]);
    expect(events.failed).toEqual([]);
  });

  test('adds new secrets, and drops removed ones', async () => {
    const [before, after] = [randomBytes(32), randomBytes(32)];
    const { folder, path } = createKeyFile(linesOf(before), layout);
    const guard = guardOf({ sharedSecretsFile: { path, encoding: 'base64url' } });
    const [byBefore, byAfter] = [tokenBy(before), tokenBy(after)];
    expect(await verdicts(guard, byBefore, byAfter)).toEqual(['allow', 'bad_signature']);

    layout.replace(folder, linesOf(after, before));
    await vi.waitFor(async () => expect(await verdicts(guard, byBefore, byAfter)).toEqual(['allow', 'allow']), WAIT);
    layout.replace(folder, linesOf(after));
    await vi.waitFor(async () => expect(await verdicts(guard, byBefore, byAfter)).toEqual(['bad_signature', 'allow']), WAIT);
  });

  test('keeps the last good keys if it is broken, reports that once, and recovers', async () => {
    const { folder, path } = createKeyFile(jwksOf(old), layout);
    const guard = guardOf({ jwksFile: path });
    const events = listen();
    const [byOld, byYoung] = [await issuer.issueToken({ key: old }), await issuer.issueToken({ key: young })];

    layout.replace(folder, 'PLANTED-CONTENTS {');
    await vi.waitFor(() => expect(events.failed).toHaveLength(1), WAIT);
    expect(events.failed[0]).toMatchObject({ issuer: issuer.issuer, usable: true, message: `${path}: it is neither JSON nor PEM` });
    expect(guard.health()).toMatchObject({ ready: true, issuers: [{ state: 'given', lastError: `${path}: it is neither JSON nor PEM`, keyIds: ['old'] }] });
    expect(inspect([events, guard.health()], { depth: 9 })).not.toContain('PLANTED');
    expect(await verdicts(guard, byOld, byYoung)).toEqual(['allow', 'unknown_key']);

    layout.replace(folder, jwksOf(young));
    await vi.waitFor(() => expect(events.refreshed).toHaveLength(1), WAIT);
    expect(guard.health().issuers[0]?.lastError).toBeUndefined();
    expect(await verdicts(guard, byOld, byYoung)).toEqual(['unknown_key', 'allow']);
    expect(events.failed).toHaveLength(1);
  });
});

const broken: readonly (readonly [string, string, RegExp])[] = [
  ['no text', '', /it is neither JSON nor PEM$/],
  ['half a JWKS', jwksOf(old).slice(0, 100), /it is neither JSON nor PEM$/],
  ['an empty set of keys', '{"keys":[]}', /it contains no usable key$/],
  ['another JSON object', '{"planted":"PLANTED"}', /it is not a JWKS/],
  ['a private key', old.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string, /it contains a private key\. Use the public one/],
  ['a public and a private key', pemOf(young) + (old.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string), /it contains a private key/],
  [
    'a PEM block of another type',
    '-----BEGIN PLANTED-----\nUExBTlRFRA==\n-----END PLANTED-----',
    /it contains a PEM block that is neither a public key nor a certificate$/,
  ],
  ['half a PEM block', pemOf(old).slice(0, 120), /it contains a PEM block without an end$/],
  ['one and a half PEM blocks', pemOf(old) + pemOf(young).slice(0, 120), /it contains a PEM block without an end$/],
  [
    'an encrypted private key',
    old.privateKey.export({ format: 'pem', type: 'sec1', cipher: 'aes-128-cbc', passphrase: 'PLANTED' }) as string,
    /it contains a private key/,
  ],
  ['a symmetric key', '{"keys":[{"kty":"oct","k":"UExBTlRFRFBMQU5URURQTEFOVEVEUExBTlRFRFBMQU5URUQ"}]}', /it contains no usable key/],
  ['more than a mebibyte of text', ' '.repeat(1_048_577), /it has more than 1048576 bytes$/],
];

test.each(broken)('refuses a key file with %s at start-up, and later keeps the last good keys', async (_what, text, words) => {
  const { folder, path } = createKeyFile(text);
  const error = errorOf({ jwksFile: path });
  expect(error?.problems).toEqual([{ path: 'jwksFile', message: expect.stringMatching(words) }]);
  expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/PLANTED|UExBTlRF/);

  writeFileSync(path, jwksOf(old));
  const guard = guardOf({ jwksFile: path });
  const events = listen();
  fileLayouts[1]!.replace(folder, text);
  await vi.waitFor(() => expect(events.failed).toHaveLength(1), WAIT);
  expect(events.failed[0]!.message).toMatch(words);
  expect(events.failed[0]!.message.startsWith(`${path}: `)).toBe(true);
  expect(inspect([events, guard.health()], { depth: 9, showHidden: true })).not.toMatch(/PLANTED|UExBTlRF/);
  expect(await verdicts(guard, await issuer.issueToken({ key: old }))).toEqual(['allow']);
});

test('rule 138: refuses bad secrets in a file at start-up, later keeps the last good ones, and shows no value', async () => {
  const good = randomBytes(32);
  const texts = [
    '',
    '\n\n',
    'PLANTED',
    `${good.toString('base64url')}\nPLANTED-MARK`,
    pemOf(old),
    jwksOf(old),
    `${'A'.repeat(86)}\n`,
    linesOf(...Array.from({ length: 9 }, () => good)),
  ];
  for (const text of texts) {
    const { folder, path } = createKeyFile(text);
    const error = errorOf({ sharedSecretsFile: { path, encoding: 'base64url' } });
    expect(error?.problems.map((problem) => problem.path)).toEqual(['sharedSecretsFile']);
    writeFileSync(path, linesOf(good));
    const guard = guardOf({ sharedSecretsFile: { path, encoding: 'base64url' } });
    const events = listen();
    fileLayouts[1]!.replace(folder, text);
    await vi.waitFor(() => expect(events.failed).toHaveLength(1), WAIT);
    const shown = inspect([error, events, guard.health()], { depth: 9, showHidden: true });
    for (const line of text.split('\n')) if (line.length > 6) expect(shown).not.toContain(line);
    expect(await verdicts(guard, tokenBy(good))).toEqual(['allow']);
    await guard.close();
  }
});

test.each(['jwksFile', 'sharedSecretsFile'] as const)('reports %s at start-up if the file is missing or is not a regular file', (name) => {
  const folder = newFolder();
  const messageOf = (path: string): string | undefined => errorOf(fileAs(name, path))?.message;
  writeFileSync(join(folder, 'file'), '');
  symlinkSync('circle', join(folder, 'circle'));
  const wrong: [string, string][] = [
    [join(folder, 'absent'), 'there is no such file (ENOENT)'],
    [join(folder, 'file', 'absent'), 'there is no such file: a part of its path is not a directory (ENOTDIR)'],
    [join(folder, 'x'.repeat(300)), 'there is no such file: its name is too long (ENAMETOOLONG)'],
    [join(folder, 'circle'), 'its symbolic links form a loop (ELOOP)'],
    [folder, 'it is a directory (EISDIR)'],
    ['/dev/null', 'it is not a regular file'],
    ['./absent/keys', 'there is no such file (ENOENT)'],
    ['src/absent.pem', 'there is no such file (ENOENT)'],
    ['C:\\keys\\absent', 'there is no such file (ENOENT)'],
  ];
  const before = process.cwd();
  process.chdir(PACKAGE);
  onTestFinished(() => process.chdir(before));
  for (const [path, words] of wrong) expect(messageOf(path)).toBe(`tokenward: ${name}: ${path}: ${words}`);
  for (const path of ['', 7, null, ['a']]) {
    expect(errorOf(fileAs(name, path as string))?.problems.map((problem) => problem.path)).toContain(name === 'jwksFile' ? name : `${name}.path`);
    expect(errorOf({ [name]: path })?.problems.map((problem) => problem.path)).toContain(name);
  }
});

test('rule 139: sharedSecretsFile needs an encoding, and a bare path is refused without being shown', () => {
  const { path } = createKeyFile(linesOf(randomBytes(32)));
  expect(errorOf({ sharedSecretsFile: path as never })?.problems).toEqual([
    {
      path: 'sharedSecretsFile',
      message:
        'must also say how to decode the secrets in the file. Write { path: "...", encoding: "base64url" }. The encodings are utf8, base64url, base64, hex',
    },
  ]);
  for (const [given, problem] of [
    [{ path }, ['sharedSecretsFile.encoding', /^must say how to decode each line: utf8, base64url, base64, hex \(got undefined\)$/]],
    [{ path, encoding: 'latin1' }, ['sharedSecretsFile.encoding', /^must say how .*\(got "latin1"\)$/]],
    [{ path, encoding: 'constructor' }, ['sharedSecretsFile.encoding', /must say how/]],
    [{ encoding: 'hex' }, ['sharedSecretsFile.path', /^is missing/]],
    [{ path, encoding: 'hex', kid: 'a' }, ['sharedSecretsFile.kid', /is not an option/]],
  ] as const) {
    const [at, words] = problem as [string, RegExp];
    expect(errorOf({ sharedSecretsFile: given as never })?.problems).toContainEqual({ path: at, message: expect.stringMatching(words) });
  }
});

test.each(['utf8', 'base64url', 'base64', 'hex'] as const)('reads secrets in a file as %s, one per line, whatever the line ending', async (encoding) => {
  const [one, two] = [randomBytes(32), randomBytes(32)].map((secret) =>
    encoding === 'utf8' ? Buffer.from(`a passphrase: ${secret.toString('hex')}`) : secret,
  );
  for (const end of ['\n', '\r\n', '\n\n']) {
    const guard = guardOf({
      sharedSecretsFile: { path: createKeyFile([one!, two!].map((secret) => secret.toString(encoding) + end).join('')).path, encoding },
    });
    expect(await verdicts(guard, tokenBy(one!), tokenBy(two!), tokenBy(randomBytes(32)))).toEqual(['allow', 'allow', 'bad_signature']);
  }
});

test('reports a line that is not in the named encoding', () => {
  const secret = randomBytes(32);
  const messageOf = (line: string, encoding: 'utf8' | 'base64url' | 'hex'): string | undefined =>
    errorOf({ sharedSecretsFile: { path: createKeyFile(`${line}\n`).path, encoding } })?.message;
  expect(messageOf(secret.toString('hex'), 'base64url')).toMatch(/consists of hexadecimal digits, so it is probably not base64url/);
  expect(messageOf(secret.toString('base64url'), 'hex')).toMatch(/is not hex/);
  expect(messageOf(`${secret.toString('hex')} `, 'utf8')).toMatch(/begins or ends with white space/);
});

test.runIf(process.getuid?.() !== 0)('reports a file that this process has no permission to read', () => {
  const { path } = createKeyFile(jwksOf(old));
  chmodSync(path, 0);
  expect(errorOf({ jwksFile: path })?.message).toBe(`tokenward: jwksFile: ${path}: this process has no permission to read it (EACCES)`);
});

test.each(['jwksFile', 'sharedSecretsFile'] as const)(
  'rule 139: the error for %s shows no part of a secret or a key that is given instead of a path',
  (name) => {
    const secret = randomBytes(48);
    const base64 = `q7/${secret.toString('base64').slice(3)}`;
    const given = [
      secret.toString('base64url'),
      secret.toString('hex'),
      base64,
      `/${base64}`,
      `${base64.slice(0, -2)}==`,
      `${base64}\n`,
      `PLANTED-MARK/${base64}`,
      'PLANTED-MARK and/or other words',
      'PLANTED-MARK\\password',
      'PLANTED-MARK',
      '/PLANTED-MARK\nlines',
      '/PLANTED-MARK\0zero',
      `/${'PLANTED-MARK/'.repeat(100)}`,
      'https://user:PLANTED-MARK@login.example.test/keys',
      'data:application/json,PLANTED-MARK',
      JSON.stringify({ keys: [old.publicJwk], planted: 'PLANTED/MARK' }),
      '{"keys":[{"kty":"oct","k":"PLANTED/MARK"',
      pemOf(old),
      pemOf(old).replaceAll('\n', '/'),
      old.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
      old.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA/PLANTED',
    ];
    for (const text of given) {
      const error = errorOf(fileAs(name, text));
      expect(error?.problems).toEqual([
        { path: name, message: expect.stringMatching(/; the value does not look like a path and may be a secret, so it is not shown$/) },
      ]);
      const shown = [inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error), error!.stack].join('\n');
      for (let at = 0; at + 12 <= text.length; at += 4) expect(shown).not.toContain(text.slice(at, at + 12));
    }
  },
);

describe.runIf(process.platform === 'linux')('a file that never ends', () => {
  const waiting = { cwd: PACKAGE, timeout: 15_000, encoding: 'utf8' } as const;

  // in a child process, since a time limit inside a process cannot stop it from waiting for a pipe
  test.each(['jwksFile', 'sharedSecretsFile'] as const)('refuses a pipe as %s at start-up, and stays ready if the file becomes a pipe later', (name) => {
    const folder = newFolder();
    const [path, pipe] = [join(folder, 'keys'), join(folder, 'pipe')];
    execFileSync('/usr/bin/mkfifo', [pipe]);
    writeFileSync(path, name === 'jwksFile' ? jwksOf(old) : linesOf(randomBytes(32)));
    const program = `
      import { subscribe } from 'node:diagnostics_channel';
      import { renameSync } from 'node:fs';
      import { createResourceGuard } from '@tokenward/core';
      const make = (path) => createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', ${name === 'jwksFile' ? 'jwksFile: path' : "sharedSecretsFile: { path, encoding: 'base64url' }"} });
      const [path, pipe] = ${JSON.stringify([path, pipe])};
      try {
        make(pipe);
      } catch (error) {
        console.log(error.message);
      }
      const guard = make(path);
      const end = setTimeout(() => {}, 5000);
      subscribe('tokenward:keys-failed', ({ message }) => {
        console.log(message);
        console.log(guard.health().ready);
        clearTimeout(end);
      });
      renameSync(pipe, path);
    `;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], waiting);
    expect(output.split('\n')).toEqual([`tokenward: ${name}: ${pipe}: it is not a regular file`, `${path}: it is not a regular file`, 'true', '']);
  });

  test('refuses a file that is too large or is a device, and leaves no file open', async () => {
    const { folder, path } = createKeyFile(jwksOf(old));
    const guard = guardOf({ jwksFile: path });
    const events = listen();
    const huge = join(folder, 'huge');
    writeFileSync(huge, '');
    truncateSync(huge, 2 ** 40);
    const open = readdirSync('/proc/self/fd').length;
    expect(errorOf({ jwksFile: huge })?.message).toBe(`tokenward: jwksFile: ${huge}: it has more than 1048576 bytes`);
    for (const device of ['/dev/zero', '/dev/null'])
      expect(errorOf({ jwksFile: device })?.message).toBe(`tokenward: jwksFile: ${device}: it is not a regular file`);
    // this file reports no size, and is refused for its content
    expect(errorOf({ jwksFile: '/proc/self/status' })?.message).toBe('tokenward: jwksFile: /proc/self/status: it is neither JSON nor PEM');
    expect(readdirSync('/proc/self/fd')).toHaveLength(open);
    renameSync(huge, path);
    await vi.waitFor(() => expect(events.failed).toHaveLength(1), WAIT);
    expect(events.failed[0]!.message).toBe(`${path}: it has more than 1048576 bytes`);
    expect(await verdicts(guard, await issuer.issueToken({ key: old }))).toEqual(['allow']);
  });
});

test('keeps the keys of a deleted file, and reads the file when it is back', async () => {
  const { path } = createKeyFile(jwksOf(old));
  const guard = guardOf({ jwksFile: path });
  const events = listen();
  unlinkSync(path);
  await vi.waitFor(() => expect(events.failed).toHaveLength(1), WAIT);
  expect(guard.health().issuers[0]?.lastError).toMatch(/ENOENT/);
  expect(await verdicts(guard, await issuer.issueToken({ key: old }))).toEqual(['allow']);
  writeFileSync(path, jwksOf(young));
  await vi.waitFor(async () => expect(await verdicts(guard, await issuer.issueToken({ key: young }))).toEqual(['allow']), WAIT);
});

test('emits no event if the file is rewritten unchanged, or if another file in the folder changes', async () => {
  const { folder, path } = createKeyFile(jwksOf(old));
  const guard = guardOf({ jwksFile: path });
  const events = listen();
  const token = await issuer.issueToken({ key: old });
  expect(await verdicts(guard, token, token)).toEqual(['allow', 'allow']);
  writeFileSync(join(folder, 'other'), 'no keys');
  writeFileSync(path, jwksOf(old));
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(events).toEqual({ failed: [], refreshed: [] });
  expect(await verdicts(guard, token)).toEqual(['allow']);
  expect(guard.health().tokenCache).toMatchObject({ hits: 2, misses: 1 });
});

test('notices a change of the file in a folder that changes all the time', async () => {
  const { folder, path } = createKeyFile(jwksOf(old));
  const guard = guardOf({ jwksFile: path });
  const token = await issuer.issueToken({ key: young });
  const busy = setInterval(() => writeFileSync(join(folder, 'log'), 'x'), 20);
  onTestFinished(() => clearInterval(busy));
  writeFileSync(path, jwksOf(young));
  await vi.waitFor(async () => expect(await verdicts(guard, token)).toEqual(['allow']), WAIT);
});

test('close() stops watching the file', async () => {
  const { path } = createKeyFile(jwksOf(old));
  const watched = openWatches();
  const guard = guardOf({ jwksFile: path });
  const events = listen();
  expect(openWatches()).toBeGreaterThan(watched);
  await guard.close();
  expect(openWatches()).toBe(watched);
  writeFileSync(path, jwksOf(young));
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(events).toEqual({ failed: [], refreshed: [] });
  expect(await verdicts(guard, await issuer.issueToken({ key: young }))).toEqual(['unknown_key']);
});

test('watches no file if another option is invalid', () => {
  const { path } = createKeyFile(jwksOf(old));
  const watched = openWatches();
  expect(errorOf({ jwksFile: path, clockSkewSeconds: -1 })?.problems.map((problem) => problem.path)).toEqual(['clockSkewSeconds']);
  expect(openWatches()).toBe(watched);
});

test('watching a file does not keep the process alive', () => {
  const { path } = createKeyFile(jwksOf(old));
  const program = `
    import { createResourceGuard } from '@tokenward/core';
    const guard = createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', jwksFile: ${JSON.stringify(path)} });
    console.log(JSON.stringify(guard.health().issuers[0].keyIds));
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: PACKAGE, timeout: 15_000, encoding: 'utf8' });
  expect(JSON.parse(output)).toEqual(['old']);
});

async function verdicts(guard: ResourceGuard, ...tokens: string[]): Promise<string[]> {
  const found = [];
  for (const token of tokens) found.push(verdictOf(await ask(guard, token)));
  return found;
}

function fileAs(name: 'jwksFile' | 'sharedSecretsFile', path: string): GuardOptions {
  return name === 'jwksFile' ? { jwksFile: path } : { sharedSecretsFile: { path, encoding: 'base64url' } };
}

function linesOf(...secrets: Buffer[]): string {
  return secrets.map((secret) => `${secret.toString('base64url')}\n`).join('');
}

function tokenBy(secret: Buffer): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer.issuer, aud: issuer.audience, sub: 'user-1', iat: now, exp: now + 300 };
  return compactJws(base64url('{"alg":"HS256"}'), base64url(JSON.stringify(claims)), (signed) => createHmac('sha256', secret).update(signed).digest());
}

function guardOf(options: GuardOptions): ResourceGuard {
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, ...options });
  onTestFinished(() => guard.close());
  return guard;
}

function errorOf(options: GuardOptions): ConfigurationError | undefined {
  return configurationErrorOf(() => guardOf(options));
}

interface SeenEvents {
  readonly failed: Events['tokenward:keys-failed'][];
  readonly refreshed: Events['tokenward:keys-refreshed'][];
}

function listen(): SeenEvents {
  const seen: SeenEvents = { failed: [], refreshed: [] };
  // guards of other files may still retry
  onTestFinished(observe('tokenward:keys-failed', (event) => event.issuer === issuer.issuer && seen.failed.push(event)));
  onTestFinished(observe('tokenward:keys-refreshed', (event) => event.issuer === issuer.issuer && seen.refreshed.push(event)));
  return seen;
}
