import { createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createResourceGuard, type GuardOptions, type ResourceGuard, type SharedSecret } from '@tokenward/core';
import { base64url, compactJws, createTestIssuer, generatePrivateKey } from '@tokenward/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { parseKeyText } from '../src/keys/key-file.js';
import { isKeyMaterial } from '../src/keys/key-material.js';
import { ask, configurationErrorOf, verdictOf } from './guarded.js';
import { publicForms } from './public-key-forms.js';

/*
 * Everybody knows a published key. If its text is configured as a shared secret by mistake, everybody can sign tokens. So start-up has to fail. If
 * it does not, the failure shows a token that a stranger could forge.
 */
const issuer = await createTestIssuer({ algorithm: 'HS256' });
await issuer.close();
const folder = mkdtempSync(join(tmpdir(), 'tokenward-published-'));
afterAll(() => rmSync(folder, { recursive: true }));

const rsa = await generatePrivateKey('RS256');
const ec = await generatePrivateKey('ES256');
const ed = await generatePrivateKey('EdDSA');
const FORMS = [
  ...publicForms().map(({ form, bytes }) => ({ form, bytes })),
  ...[rsa, ec, ed].flatMap((key) => [
    { form: `a private PEM (PKCS #8) of ${key.asymmetricKeyType}`, bytes: Buffer.from(key.export({ format: 'pem', type: 'pkcs8' })) },
    { form: `a private DER (PKCS #8) of ${key.asymmetricKeyType}`, bytes: key.export({ format: 'der', type: 'pkcs8' }) },
  ]),
  { form: 'a private PEM (PKCS #1)', bytes: Buffer.from(rsa.export({ format: 'pem', type: 'pkcs1' })) },
  { form: 'a private DER (PKCS #1)', bytes: rsa.export({ format: 'der', type: 'pkcs1' }) },
  { form: 'a private PEM (SEC 1)', bytes: Buffer.from(ec.export({ format: 'pem', type: 'sec1' })) },
  { form: 'a private DER (SEC 1)', bytes: ec.export({ format: 'der', type: 'sec1' }) },
];

/** Text that may surround a key in a file, a variable or a template. */
const AROUND: readonly (readonly [string, string])[] = [
  ['', ''],
  ['# c\n', ''],
  ['ab', ''],
  ['a', 'b'],
  ['key=', '\n'],
  ['JWT_SECRET="', '"'],
  ['Bag Attributes\n    friendlyName: signing\nKey Attributes: <No Attributes>\n', ''],
  ['\uFEFF// ours\r\n', '\r\n'],
  ['abc.', '.def'],
  ['data: ', ''],
  ['\0\0\0', '\0'],
  ['-', '-'],
];

/** The ways in which a key may be encoded again. */
const WRAPPINGS: readonly (readonly [string, (bytes: Buffer) => Buffer])[] = [
  ['unchanged', (bytes) => bytes],
  ['in base64', (bytes) => Buffer.from(bytes.toString('base64'))],
  ['in base64url', (bytes) => Buffer.from(bytes.toString('base64url'))],
  ['in base64 with the line breaks of PEM', (bytes) => Buffer.from(bytes.toString('base64').replaceAll(/.{64}/g, '$&\n'))],
  ['in base64 with CRLF', (bytes) => Buffer.from(bytes.toString('base64').replaceAll(/.{76}/g, '$&\r\n'))],
  ['in base64 as a JSON string', (bytes) => Buffer.from(JSON.stringify(bytes.toString('base64').replaceAll(/.{64}/g, '$&\n')))],
  ['in hex', (bytes) => Buffer.from(bytes.toString('hex'))],
  [
    'in hex with colons',
    (bytes) =>
      Buffer.from(
        bytes
          .toString('hex')
          .toUpperCase()
          .replaceAll(/..(?=.)/g, '$&:'),
      ),
  ],
  ['as a list of bytes', (bytes) => Buffer.from([...bytes].map((byte) => `0x${byte.toString(16).padStart(2, '0')}`).join(', '))],
  ['in UTF-16', (bytes) => Buffer.from(bytes.toString('latin1'), 'utf16le')],
  ['in percent-encoded base64', (bytes) => Buffer.from(encodeURIComponent(bytes.toString('base64')))],
  ['as a JSON string', (bytes) => Buffer.from(JSON.stringify(bytes.toString('latin1')), 'latin1')],
];

describe.each(FORMS)('rule 166: refuses $form as a shared secret', ({ bytes }) => {
  test.each(WRAPPINGS)('%s, with any surrounding text', (_how, wrap) => {
    for (const [index, [before, behind]] of AROUND.entries()) {
      const inner = Buffer.concat([Buffer.from(before), wrap(bytes), Buffer.from(behind)]);
      const outer = wrap(Buffer.concat([Buffer.from(before), bytes, Buffer.from(behind)]));
      // detect every form in every surrounding text, and try the forms of the option in turn
      for (const secret of [inner, outer]) expect(isKeyMaterial(secret)).toBe(true);
      for (const secret of [inner, outer]) expectNeverAdmitted(formsOf(secret)[index % 5]!, secret);
    }
  });

  test('in a file of secrets, in every encoding of the option', () => {
    for (const [index, [before, behind]] of AROUND.entries()) {
      for (const [, wrap] of [WRAPPINGS[index]!, WRAPPINGS[(index + 3) % WRAPPINGS.length]!]) {
        const text = Buffer.concat([Buffer.from(before), wrap(bytes), Buffer.from(behind)]);
        const path = join(folder, 'secrets');
        writeFileSync(path, text);
        for (const encoding of ['utf8', 'base64url', 'base64', 'hex'] as const) {
          expectRefusedAtStart({ sharedSecretsFile: { path, encoding } });
        }
      }
    }
  });
});

test('rule 166: detects each text that jwks can read as a key, with any surrounding text', () => {
  let read = 0;
  for (const { bytes } of publicForms()) {
    for (const [before, behind] of AROUND) {
      const text = before + bytes.toString('latin1') + behind;
      try {
        parseKeyText(text, ['RS256', 'ES256', 'EdDSA'], 10);
      } catch {
        continue;
      }
      read++;
      expect(isKeyMaterial(Buffer.from(text, 'latin1'))).toBe(true);
    }
  }
  expect(read).toBeGreaterThan(30);
});

test('rule 166: refuses the first line of the body of a PEM as a shared secret', () => {
  for (const { bytes } of publicForms().filter(({ form }) => form.startsWith('the middle of a PEM'))) {
    expectNeverAdmitted({ utf8: bytes.toString().slice(0, 64).trim() }, bytes.subarray(0, 64));
  }
});

test('rule 166: does not take a random secret for a key, in any encoding', () => {
  for (let round = 0; round < 5000; round++) {
    const secret = randomBytes(32 + (round % 97));
    const texts = [secret.toString('base64'), secret.toString('base64url'), secret.toString('hex'), `a passphrase, ${secret.toString('base64')}`];
    for (const bytes of [secret, ...texts.map((text) => Buffer.from(text))]) expect(isKeyMaterial(bytes), bytes.toString('hex')).toBe(false);
  }
});

function formsOf(secret: Buffer): SharedSecret[] {
  return [
    secret,
    { utf8: secret.toString('utf8') },
    { base64url: secret.toString('base64url') },
    { base64: secret.toString('base64') },
    { hex: secret.toString('hex') },
  ];
}

function expectRefusedAtStart(options: GuardOptions): void {
  const error = configurationErrorOf(() => guardOf(options));
  expect(error?.problems.map(({ path }) => path)).toEqual([Object.keys(options)[0]]);
}

function expectNeverAdmitted(sharedSecrets: SharedSecret, published: Buffer): void {
  const error = configurationErrorOf(() => guardOf({ sharedSecrets }));
  // forge a token only if start-up passes by mistake, so that the failure shows the consequence
  if (error === undefined) throw new Error(`start-up accepted the secret, so anybody could send ${forgedWith(published)}`);
  expect(error.problems.map(({ path }) => path)).toEqual(['sharedSecrets']);
  expect(error.problems[0]!.message).toMatch(/a key that others may know|white space|is not |hexadecimal|U\+FFFD|, more than 8192$/);
}

function guardOf(options: GuardOptions): ResourceGuard {
  return createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, ...options });
}

function forgedWith(secret: Uint8Array): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer.issuer, aud: issuer.audience, sub: 'user-1', client_id: 'client-1', iat: now, exp: now + 300 };
  return compactJws(base64url('{"alg":"HS256","typ":"at+jwt"}'), base64url(JSON.stringify(claims)), (signed) =>
    createHmac('sha256', secret).update(signed).digest(),
  );
}

test('rule 166: refuses a token forged with a published key, if the guard uses another secret or public keys', async () => {
  for (const { bytes, jwk } of publicForms()) {
    for (const options of [{ sharedSecrets: randomBytes(32) }, { jwks: { keys: [jwk] } }]) {
      const guard = guardOf(options);
      expect(verdictOf(await ask(guard, forgedWith(bytes)))).not.toBe('allow');
      await guard.close();
    }
  }
});
