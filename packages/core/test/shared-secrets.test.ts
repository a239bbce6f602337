import crypto, { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { createResourceGuard, type ConfigurationError, type Algorithm, type GuardOptions, type SharedSecret } from '@tokenward/core';
import { asSigningKey, base64url, compactJws, createTestIssuer, generatePrivateKey, type TestIssuer } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, configurationErrorOf, verdictOf } from './guarded.js';
import { publicForms } from './public-key-forms.js';

const MACS = [
  ['HS256', 32],
  ['HS384', 48],
  ['HS512', 64],
] as const;
const issuer = await createTestIssuer({ algorithm: 'HS256' });
await issuer.close();

describe.each(MACS)('%s', (algorithm, bytes) => {
  test('is accepted with a secret given as bytes, or as text with a named encoding', async () => {
    const secret = randomBytes(bytes);
    const token = tokenBy(secret, algorithm);
    const forms: SharedSecret[] = [
      secret,
      new Uint8Array(secret),
      { base64url: secret.toString('base64url') },
      { base64url: secret.toString('base64').replaceAll('+', '-').replaceAll('/', '_') },
      { base64: secret.toString('base64') },
      { base64: secret.toString('base64').replaceAll('=', '') },
      { hex: secret.toString('hex') },
      { hex: secret.toString('hex').toUpperCase() },
    ];
    for (const sharedSecrets of forms) {
      for (const given of [sharedSecrets, [sharedSecrets]]) expect(await verdict({ sharedSecrets: given, algorithms: [algorithm] }, token)).toBe('allow');
    }
    // utf8 takes the bytes of the text itself, even if it looks like another encoding
    for (const text of [secret.toString('base64url'), secret.toString('hex'), secret.toString('base64'), `sécret ${secret.toString('base64url')}`]) {
      expect(await verdict({ sharedSecrets: { utf8: text }, algorithms: [algorithm] }, tokenBy(Buffer.from(text), algorithm))).toBe('allow');
    }
    expect(await verdict({ sharedSecrets: randomBytes(bytes), algorithms: [algorithm] }, token)).toBe('bad_signature');
  });

  test(`rule 138: requires a secret of at least ${bytes} bytes`, () => {
    expect(problemOf({ sharedSecrets: randomBytes(bytes - 1), algorithms: [algorithm] })).toBe(
      `has ${bytes - 1} bytes, fewer than the ${bytes} for ${algorithm} (RFC 7518 s3.2)`,
    );
    expect(problemOf({ sharedSecrets: randomBytes(bytes), algorithms: [algorithm] })).toBeUndefined();
  });

  test('rule 20: uses a secret for its own algorithm only', async () => {
    const secret = randomBytes(64);
    for (const [other] of MACS) {
      expect(await verdict({ sharedSecrets: secret, algorithms: [algorithm] }, tokenBy(secret, other))).toBe(
        other === algorithm ? 'allow' : 'algorithm_not_allowed',
      );
    }
  });
});

test('rule 20: allows HS256 only by default', async () => {
  const secret = randomBytes(64);
  expect(await verdict({ sharedSecrets: secret }, tokenBy(secret, 'HS256'))).toBe('allow');
  expect(await verdict({ sharedSecrets: secret }, tokenBy(secret, 'HS512'))).toBe('algorithm_not_allowed');
});

test('rule 138: requires a secret as long as the longest hash', () => {
  expect(problemOf({ sharedSecrets: randomBytes(63), algorithms: ['HS256', 'HS512'] })).toMatch(/^has 63 bytes, fewer than the 64 for HS256, HS512/);
  expect(problemOf({ sharedSecrets: randomBytes(64), algorithms: ['HS256', 'HS512'] })).toBeUndefined();
});

test('rule 138: rotates secrets without a gap', async () => {
  const [old, young, next] = [randomBytes(32), randomBytes(32), randomBytes(32)];
  const verdicts = async (sharedSecrets: Buffer[]) => Promise.all([old, young, next].map((by) => verdict({ sharedSecrets }, tokenBy(by))));
  expect(await verdicts([old])).toEqual(['allow', 'bad_signature', 'bad_signature']);
  expect(await verdicts([old, young])).toEqual(['allow', 'allow', 'bad_signature']);
  expect(await verdicts([next, old, young])).toEqual(['allow', 'allow', 'allow']);
  expect(await verdicts([next, young])).toEqual(['bad_signature', 'allow', 'allow']);
  expect(await verdicts([next])).toEqual(['bad_signature', 'bad_signature', 'allow']);
});

test('rule 138: checks each secret, and reports its position', () => {
  const error = errorOf({ sharedSecrets: [randomBytes(32), randomBytes(5), { base64url: 'sh+rt' }] });
  expect(error?.problems.map(({ path, message }) => `${path} ${message}`)).toEqual([
    expect.stringMatching(/^sharedSecrets \[1\] has 5 bytes/),
    expect.stringMatching(/^sharedSecrets \[2\] is not base64url/),
  ]);
  expect(problemOf({ sharedSecrets: Array.from({ length: 9 }, () => randomBytes(32)) })).toBe('must have 1 to 8 secrets (got 9)');
});

test('rule 29: does not choose a secret by the kid of a token', async () => {
  const secrets = [randomBytes(32), randomBytes(32)];
  for (const kid of [undefined, 'a', '0', '1', '../../dev/null', '__proto__', 'x'.repeat(512)]) {
    for (const secret of secrets) expect(await verdict({ sharedSecrets: secrets }, tokenBy(secret, 'HS256', { kid }))).toBe('allow');
    expect(await verdict({ sharedSecrets: secrets }, tokenBy(randomBytes(32), 'HS256', { kid }))).toBe('bad_signature');
    expect(await verdict({ sharedSecrets: secrets }, tokenBy(Buffer.alloc(0), 'HS256', { kid }))).toBe('bad_signature');
  }
});

test('rule 23: throws at start-up for an empty or missing secret', () => {
  const empty: unknown[] = [
    '',
    [],
    [''],
    { utf8: '' },
    { hex: '' },
    [{ base64: '' }],
    [undefined],
    null,
    Buffer.alloc(0),
    [Buffer.alloc(0)],
    0,
    {},
    [[]],
    true,
    new ArrayBuffer(64),
    new Uint16Array(64),
  ];
  for (const sharedSecrets of empty) {
    expect(errorOf({ sharedSecrets: sharedSecrets as SharedSecret })?.problems.map(({ path }) => path)).toContain('sharedSecrets');
  }
});

test.each(MACS)('rule 23: throws at start-up for %s without secrets, whatever other keys are configured', async (algorithm) => {
  const jwks = { keys: [asSigningKey('RS256', await generatePrivateKey('RS256')).publicJwk] } as GuardOptions['jwks'];
  for (const keys of [{}, { jwks }, { jwksUri: 'https://login.example.test/keys' }, { sharedSecrets: undefined }]) {
    for (const algorithms of [[algorithm], ['RS256', algorithm]] as Algorithm[][]) {
      expect(errorOf({ ...keys, algorithms })?.message).toContain(`algorithms: lists "${algorithm}", which needs sharedSecrets: a public key is not a secret`);
    }
  }
});

test('rule 22: throws at start-up for secrets beside public keys without algorithms of both kinds, and for unknown algorithms', async () => {
  const jwks = { keys: [asSigningKey('RS256', await generatePrivateKey('RS256')).publicJwk] } as GuardOptions['jwks'];
  const secret = randomBytes(32);
  for (const keys of [{ jwks }, { jwksUri: 'https://login.example.test/keys' }, { jwksFile: '/nowhere' }]) {
    for (const algorithms of [undefined, ['HS256']] as (Algorithm[] | undefined)[]) {
      expect(errorOf({ ...keys, sharedSecrets: secret, algorithms })?.message).toMatch(
        /sharedSecrets: cannot be combined with (?:jwks|jwksUri|jwksFile)\. Set only one of them or, for a migration, list algorithms of both kinds/,
      );
    }
    expect(errorOf({ ...keys, sharedSecrets: secret, algorithms: ['RS256'] })?.message).toContain('sharedSecrets: cannot be used with any of the algorithms');
  }
  expect(problemOf({ sharedSecrets: secret, algorithms: ['RS256'] })).toContain('cannot be used with any of the algorithms. Add one of HS256, HS384, HS512');
  for (const name of ['none', 'hs256', 'HS1'] as string[] as Algorithm[]) {
    expect(problemOf({ sharedSecrets: secret, algorithms: ['HS256', name] })).toMatch(
      /^lists (?:".+"|a string of \d+ characters|""), which is not supported\. Use RS256, .*HS256, HS384, HS512$/,
    );
  }
});

test('rule 22: refuses a token with a public-key signature if only secrets are configured', async () => {
  const key = asSigningKey('RS256', await generatePrivateKey('RS256'));
  expect(await verdict({ sharedSecrets: randomBytes(32) }, await issuer.issueToken({ key }))).toBe('algorithm_not_allowed');
});

describe('rule 22: refuses public keys as secrets', () => {
  const forms = publicForms();

  test.each(forms)('refuses HS tokens with $form as their secret, if the guard uses public keys', async ({ bytes, jwk }) => {
    const jwks = { keys: [jwk] };
    for (const [algorithm] of MACS) expect(await verdict({ jwks }, tokenBy(bytes, algorithm))).toBe('algorithm_not_allowed');
  });

  const prefixes = ['', ' ', '\n', '\t\r\n ', '\uFEFF', ' \uFEFF\n'];
  test.each(forms)('throws at start-up for $form as a secret, even after white space or a byte order mark', ({ bytes }) => {
    for (const prefix of prefixes) {
      const given = Buffer.concat([Buffer.from(prefix), bytes]);
      const secrets: SharedSecret[] = [
        given,
        Buffer.concat([given, Buffer.from('\n')]),
        { base64url: given.toString('base64url') },
        { base64: given.toString('base64') },
        { hex: given.toString('hex') },
        { utf8: given.toString('utf8') },
      ];
      for (const secret of secrets) {
        const error = errorOf({ sharedSecrets: secret });
        expect(error?.problems.map(({ path }) => path)).toEqual(['sharedSecrets']);
        expectHidden(error!, secret);
      }
    }
  });

  test.each(forms)('throws at start-up for $form as a secret, even if it is encoded in hex and base64', ({ bytes }) => {
    const wrap = [(of: Buffer) => Buffer.from(of.toString('hex')), (of: Buffer) => Buffer.from(of.toString('base64'))];
    for (const first of wrap) {
      expect(problemOf({ sharedSecrets: first(bytes) })).toMatch(/a key that others may know/);
      for (const second of wrap) expect(problemOf({ sharedSecrets: second(first(bytes)) })).toMatch(/a key that others may know/);
    }
  });

  test('the error says that others may know the key', () => {
    for (const { bytes } of forms) expect(problemOf({ sharedSecrets: bytes })).toMatch(/a key that others may know/);
  });
});

test('accepts a random secret that begins like a key', async () => {
  const starts = ['{', '[', '{"', '\u0000', '0', '0\u0082', '-----', 'ssh', ' {', '/', './', '\uFEFF'];
  for (const start of starts) {
    const secret = Buffer.concat([Buffer.from(start, 'latin1'), randomBytes(40)]);
    expect(await verdict({ sharedSecrets: secret }, tokenBy(secret))).toBe('allow');
  }
  // some servers use the base64 text itself as the secret
  const letters = Buffer.from(randomBytes(48).toString('base64'));
  expect(await verdict({ sharedSecrets: letters }, tokenBy(letters))).toBe('allow');
});

test('rule 138: refuses the path of a file as a secret', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-a-rather-long-name-of-a-folder-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'the-secret-itself');
  writeFileSync(path, randomBytes(32).toString('base64url'));
  for (const secret of ['/run/secrets/hs256', './secret', 'C:\\secrets\\hs256', 'secret.txt']) {
    expect(problemOf({ sharedSecrets: secret as never })).toMatch(/For a file, use sharedSecretsFile/);
  }
  for (const secret of [
    path as never,
    { utf8: path },
    Buffer.from(path),
    { base64url: Buffer.from(path).toString('base64url') },
    Buffer.from(`file://${path}`),
  ]) {
    expect(problemOf({ sharedSecrets: secret })).toMatch(/is the path of a file. Use sharedSecretsFile for that/);
  }
});

const GUESSABLE: readonly (readonly [Buffer, string])[] = [
  ...['0', 'a', '\0', 'ab', 'secret', 'password', '1234567', 'correct horse battery staple '].map(
    (text) => [Buffer.from(text.repeat(64)), 'repeats itself'] as const,
  ),
  [Buffer.from(randomBytes(20).toString('hex').repeat(2)), 'repeats itself'],
  [Buffer.from('abcdefghij'.repeat(4).slice(0, 38)), 'repeats itself'],
  [Buffer.from(Array.from({ length: 32 }, (_byte, at) => at)), 'counts up or down'],
  [Buffer.from(Array.from({ length: 64 }, (_byte, at) => (300 - at) % 256)), 'counts up or down'],
  [Buffer.from(Array.from({ length: 64 }, (_byte, at) => (at * 7 + 250) % 256)), 'counts up or down'],
  [Buffer.from('https://login.example.com/.well-known/jwks.json'), 'is a URL'],
  [Buffer.from('postgres://user:password@db.example.com/app'), 'is a URL'],
  [Buffer.from('72f988bf-86f1-41af-91ab-2d7cd011db47'), 'is a UUID'],
  [Buffer.from('72F988BF-86F1-41AF-91AB-2D7CD011DB47'), 'is a UUID'],
];

test.each(GUESSABLE)('rule 138: refuses a secret that can be guessed, however long it is (%#: %s)', (secret, weakness) => {
  for (const sharedSecrets of [secret, { base64url: secret.toString('base64url') }, { hex: secret.toString('hex') }]) {
    const problem = problemOf({ sharedSecrets });
    expect(problem).toContain(weakness);
    expect(problem).toContain('. Create one with crypto.randomBytes');
  }
});

test('rule 138: accepts a secret that only begins or ends like a guessable one', () => {
  const block = randomBytes(17);
  const counted = Buffer.from(Array.from({ length: 31 }, (_byte, at) => at));
  for (const secret of [
    Buffer.concat([block, block.subarray(0, 15)]),
    Buffer.concat([counted, Buffer.from([99])]),
    Buffer.concat([Buffer.from([99]), counted]),
    Buffer.from(`72f988bf-86f1-41af-91ab-2d7cd011db47${randomBytes(4).toString('hex')}`),
    Buffer.from(`://${randomBytes(24).toString('base64url')}`),
  ]) {
    expect(problemOf({ sharedSecrets: secret })).toBeUndefined();
  }
});

test('rule 9: refuses a secret that is almost base64url', () => {
  const good = randomBytes(32).toString('base64url');
  for (const secret of [`${good} `, `${good}\n`, ` ${good}`, `${good}===`, `${good.slice(0, -1)}+`, `${good.slice(0, 20)}\n${good.slice(20)}`, `${good}AA`]) {
    expect(problemOf({ sharedSecrets: { base64url: secret } })).toMatch(/^(?:is not base64url$|begins or ends with white space)/);
  }
  const bytes = Buffer.from(good, 'base64url');
  for (const secret of [`${bytes.toString('base64')}=`, ` ${bytes.toString('base64')}`, `${bytes.toString('base64')}\n`, good.replace(/.$/, '_'), 'A===']) {
    expect(problemOf({ sharedSecrets: { base64: secret } })).toMatch(/^(?:is not base64$|begins or ends with white space)/);
  }
  for (const secret of [
    `${bytes.toString('hex')}0`,
    `0x${bytes.toString('hex')}`,
    ` ${bytes.toString('hex')}`,
    bytes.toString('hex').replaceAll(/(..)(?=.)/g, '$1:'),
  ]) {
    expect(problemOf({ sharedSecrets: { hex: secret } })).toMatch(/^(?:is not hex|begins or ends with white space)/);
  }
});

test('refuses a plain string, since its encoding is unknown', () => {
  const secret = randomBytes(32);
  for (const text of [secret.toString('base64url'), secret.toString('hex'), secret.toString('base64'), randomUUID(), 'a passphrase', '']) {
    const error = errorOf({ sharedSecrets: text as never })!;
    expect(error.problems).toEqual([
      {
        path: 'sharedSecrets',
        message:
          'is a bare string without an encoding. Write { utf8: "..." }, { base64url: "..." }, { base64: "..." }, { hex: "..." }, or pass its bytes (a Uint8Array). For a file, use sharedSecretsFile',
      },
    ]);
    if (text !== '') expect(inspect(error, { depth: 9 })).not.toContain(text);
  }
});

test.each([
  ['hex', randomBytes(32).toString('hex')],
  ['uppercase hex', randomBytes(32).toString('hex').toUpperCase()],
  ['a UUID', randomUUID()],
  [
    'hex with hyphens',
    randomBytes(32)
      .toString('hex')
      .replaceAll(/(.{8})(?=.)/g, '$1-'),
  ],
])('refuses %s given as base64url or base64, even though it decodes', (_what, text) => {
  for (const encoding of ['base64url', 'base64'] as const) {
    expect(problemOf({ sharedSecrets: { [encoding]: text } as never })).toMatch(
      new RegExp(`^consists of hexadecimal digits, so it is probably not ${encoding}\\. Write \\{ hex`),
    );
  }
});

test.each<[string, unknown, RegExp]>([
  ['two encodings', { utf8: 'a'.repeat(40), hex: 'ab'.repeat(40) }, /^must be \{ utf8: "\.\.\." \}, /],
  ['an encoding and another member', { utf8: 'a'.repeat(40), kid: 'x' }, /^must be \{ utf8/],
  ['an unknown encoding', { latin1: 'a'.repeat(40) }, /^must be \{ utf8/],
  ['an inherited encoding', Object.create({ utf8: 'a'.repeat(40) }), /^must be \{ utf8/],
  ['bytes in place of a text', { utf8: randomBytes(32) }, /^has a utf8 that is not a string/],
  ['an empty text', { hex: '' }, /^is empty/],
  ['a lone surrogate', { utf8: `${'abcdefghij'.repeat(4)}\ud800` }, /lone surrogate/],
  ['a line feed at its end', { utf8: 'correct horse battery staple, and more\n' }, /^begins or ends with white space/],
  ['a space at its start', { utf8: ' correct horse battery staple, and more' }, /^begins or ends with white space/],
  ['too many bytes', randomBytes(8193), /^has 8193 bytes, more than 8192/],
  ['too many characters', { utf8: 'x'.repeat(30_000) }, /^has 30000 characters/],
])('refuses a secret with %s', (_what, sharedSecrets, words) => {
  expect(problemOf({ sharedSecrets: sharedSecrets as SharedSecret })).toMatch(words);
});

test('rule 139: shows no secret in an error', () => {
  const marked = 'PLANTED-MARK-AS-A-SECRET';
  const secrets = [
    marked,
    `${marked} with blanks`,
    Buffer.from(marked),
    `{"k":"${marked}"}`,
    `-----BEGIN ${marked}`,
    [Buffer.from(marked), marked],
    { k: marked },
    ...['utf8', 'base64url', 'base64', 'hex'].map((encoding) => ({ [encoding]: marked })),
    { utf8: ` ${marked} and blanks around it ` },
  ];
  for (const sharedSecrets of secrets) expectHidden(errorOf({ sharedSecrets: sharedSecrets as SharedSecret })!, marked);
});

test('rule 139: shows no secret in a guard, its health or its decisions', async () => {
  const secret = randomBytes(32);
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, sharedSecrets: secret });
  const decisions = [await ask(guard, tokenBy(secret)), await ask(guard, tokenBy(randomBytes(32)))];
  expect(decisions.map(verdictOf)).toEqual(['allow', 'bad_signature']);
  const shown = inspect([guard, guard.health(), decisions], { depth: 20, showHidden: true }) + JSON.stringify([guard, guard.health(), decisions]);
  for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const) expect(shown).not.toContain(secret.toString(encoding));
  expect(shown).not.toContain(inspect(secret).slice(8, 40));
});

test('rule 34: refuses a MAC of another length without an error', async () => {
  const secret = randomBytes(64);
  const good = tokenBy(secret);
  const [header, payload, mac] = good.split('.') as [string, string, string];
  const whole = Buffer.from(mac, 'base64url');
  for (const length of [1, 16, 31, 33, 48, 64, 1000]) {
    const other = Buffer.alloc(length, whole.subarray(0, Math.min(length, 32)));
    expect(await verdict({ sharedSecrets: secret }, `${header}.${payload}.${other.toString('base64url')}`)).toBe('bad_signature');
  }
  expect(await verdict({ sharedSecrets: secret }, `${header}.${payload}.`)).toBe('malformed_token');
  expect(await verdict({ sharedSecrets: secret }, good)).toBe('allow');
});

test('rule 34: compares the whole MAC of each secret with timingSafeEqual', async () => {
  const real = crypto.timingSafeEqual;
  const compared: number[] = [];
  crypto.timingSafeEqual = (one, other) => {
    compared.push(one.byteLength);
    return real(one, other);
  };
  syncBuiltinESMExports();
  onTestFinished(() => {
    crypto.timingSafeEqual = real;
    syncBuiltinESMExports();
  });
  const secrets = [randomBytes(32), randomBytes(32), randomBytes(32)];
  expect(await verdict({ sharedSecrets: secrets }, tokenBy(secrets[2]!))).toBe('allow');
  expect(compared).toEqual([32, 32, 32]);
  expect(await verdict({ sharedSecrets: secrets }, tokenBy(randomBytes(32)))).toBe('bad_signature');
  expect(compared).toHaveLength(6);
});

test.each(MACS)('rule 21: refuses alg none and other spellings of %s', async (algorithm) => {
  const secret = randomBytes(64);
  for (const alg of ['none', 'None', '', algorithm.toLowerCase(), `${algorithm} `, 'HS', 'HS1']) {
    expect(await verdict({ sharedSecrets: secret, algorithms: [algorithm] }, tokenBy(secret, algorithm, { alg }))).toBe('algorithm_not_allowed');
  }
});

async function verdict(options: GuardOptions, token: string): Promise<string> {
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, ...options });
  const decision = await ask(guard, token);
  await guard.close();
  return verdictOf(decision);
}

function tokenBy(secret: Uint8Array, algorithm: (typeof MACS)[number][0] = 'HS256', header: object = {}, of: TestIssuer = issuer): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: of.issuer, aud: of.audience, sub: 'user-1', client_id: 'client-1', iat: now, exp: now + 300 };
  return compactJws(base64url(JSON.stringify({ alg: algorithm, typ: 'at+jwt', ...header })), base64url(JSON.stringify(claims)), (signed) =>
    createHmac(algorithm.replace('HS', 'sha'), secret).update(signed).digest(),
  );
}

function errorOf(options: GuardOptions): ConfigurationError | undefined {
  return configurationErrorOf(() => createResourceGuard({ issuer: 'https://login.example.test', audience: 'https://api.example.test', ...options }));
}

function problemOf(options: GuardOptions): string | undefined {
  return errorOf(options)
    ?.problems.map(({ message }) => message)
    .join('; ');
}

function expectHidden(error: ConfigurationError, secret: SharedSecret | string): void {
  const shown = [inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error), String(error), error.stack, error.message].join('\n');
  const text =
    typeof secret === 'string' ? secret : Buffer.from((secret instanceof Uint8Array ? secret : Object.values(secret)[0]) as string).toString('latin1');
  const spellings = [text, Buffer.from(text, 'latin1').toString('base64url'), Buffer.from(text, 'latin1').toString('hex'), text.split('').reverse().join('')];
  // check its parts too, since a quoted value may be truncated
  for (const spelling of spellings) for (let at = 0; at + 16 <= spelling.length; at += 8) expect(shown).not.toContain(spelling.slice(at, at + 16));
}
