import { createHash, createHmac, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createResourceGuard, observe, type Events, type GuardOptions, type IssuerOptions, type SharedSecret } from '@tokenward/core';
import { base64url, compactJws } from '@tokenward/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ask, configurationErrorOf, verdictOf } from './guarded.js';
import { newFolder } from './key-files.js';

const ONE = 'https://one.example.test';
const TWO = 'https://two.example.test';
const TEXT = 'PLANTED-cool-hand-9-luke-never-shared';
const WORDS = 'a secret that another issuer has too: each could sign tokens of the other. Use different secrets';
/** How long the guard may take to notice a change. */
const WAIT = { timeout: 5000, interval: 20 };

const long = randomBytes(100);
const short = randomBytes(40);
const padded = (bytes: Uint8Array, zeros: number) => Buffer.concat([bytes, Buffer.alloc(zeros)]);

function fileOf(text: string): string {
  const path = join(newFolder(), 'secret');
  writeFileSync(path, text);
  return path;
}

function inFile(text: string, encoding: 'utf8' | 'hex' = 'utf8'): Partial<IssuerOptions> {
  return { sharedSecretsFile: { path: fileOf(text), encoding } };
}

function optionsOf(one: Partial<IssuerOptions>, two: Partial<IssuerOptions>): GuardOptions {
  return {
    audience: 'a',
    issuers: [
      { issuer: ONE, ...one },
      { issuer: TWO, ...two },
    ],
  };
}

function listed(...secrets: SharedSecret[]): Partial<IssuerOptions> {
  return { sharedSecrets: secrets };
}

describe('rule 181: refuses the same secret for two issuers, since each could sign for the other', () => {
  test.each<[string, () => [Partial<IssuerOptions>, Partial<IssuerOptions>]]>([
    ['the same bytes', () => [listed(short), listed(randomBytes(32), short)]],
    ['the same secret in another encoding', () => [listed({ hex: short.toString('hex') }), listed({ base64: short.toString('base64') })]],
    ['the same secret as an option and in a file', () => [listed({ utf8: TEXT }), inFile(`${TEXT}\n`)]],
    ['the same secret in two files', () => [inFile(`${TEXT}\n`), inFile(`${short.toString('hex')}\r\n${Buffer.from(TEXT).toString('hex')}`, 'hex')]],
    ['the same file for both', () => [inFile(TEXT), inFile(TEXT)]],
    ['secrets that differ in a zero byte at the end, which HMAC adds itself', () => [listed(short), listed(padded(short, 1))]],
    ['secrets that differ in zeros up to the block size of SHA-256', () => [listed(padded(short, 24)), listed(short)]],
    [
      'secrets that differ in zeros up to the block size of SHA-512',
      () => [
        { ...listed(padded(long, 28)), algorithms: ['HS512'] },
        { ...listed(long), algorithms: ['HS512'] },
      ],
    ],
    ['a long secret and its SHA-256 hash', () => [listed(long), listed(createHash('sha256').update(long).digest())]],
    ['a long secret and its SHA-512 hash', () => [listed(padded(long, 100)), listed(createHash('sha512').update(padded(long, 100)).digest())]],
    ['a text and its bytes with a line feed', () => [listed({ utf8: TEXT }), listed(Buffer.from(`${TEXT}\n`))]],
    ['the same secret for different algorithms', () => [{ ...listed(padded(short, 24)), algorithms: ['HS512'] }, listed(short)]],
    ['the same secret for a template and an issuer', () => [{ issuer: `${ONE}/{tenant}`, tenants: ['x'], ...listed(short) }, listed(short)]],
  ])('throws at start-up for %s', (_what, both) => {
    const problems = configurationErrorOf(() => createResourceGuard(optionsOf(...both())))?.problems;
    expect(problems).toEqual([{ path: expect.stringMatching(/^issuers\[1\]\.sharedSecrets/), message: expect.stringContaining(WORDS) }]);
    expect(JSON.stringify(problems)).not.toContain('PLANTED');
  });

  test('accepts different secrets, and two forms of one secret for the same issuer', async () => {
    const guard = createResourceGuard(optionsOf(listed(short, padded(short, 1)), inFile(TEXT)));
    onTestFinished(() => guard.close());
    expect(verdictOf(await ask(guard, tokenBy(TEXT, TWO)))).toBe('allow');
    expect(verdictOf(await ask(guard, tokenBy(TEXT, ONE)))).toBe('bad_signature');
  });

  test('ignores a changed file with the secret of another issuer, and reads it once that issuer has a new secret', async () => {
    const [first, second] = [fileOf('first-planted-secret-of-40-characters-12'), fileOf('second-planted-secret-of-41-characters-1')];
    const file = (path: string): Partial<IssuerOptions> => ({ sharedSecretsFile: { path, encoding: 'utf8' } });
    const guard = createResourceGuard(optionsOf(file(first), file(second)));
    const failed: Events['tokenward:keys-failed'][] = [];
    const warnings: string[] = [];
    const listen = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', listen);
    // guards of other files may still retry
    const end = observe('tokenward:keys-failed', (event) => event.issuer === TWO && failed.push(event));
    onTestFinished(async () => {
      end();
      process.off('warning', listen);
      await guard.close();
    });

    writeFileSync(second, 'first-planted-secret-of-40-characters-12\n');
    await vi.waitFor(
      () => expect(failed).toEqual([{ issuer: TWO, source: 'sharedSecretsFile', usable: true, message: `${second}: it contains ${WORDS}` }]),
      WAIT,
    );
    expect(guard.health().issuers[1]!.lastError).toContain(WORDS);
    expect(verdictOf(await ask(guard, tokenBy('first-planted-secret-of-40-characters-12', TWO)))).toBe('bad_signature');
    expect(verdictOf(await ask(guard, tokenBy('second-planted-secret-of-41-characters-1', TWO)))).toBe('allow');

    writeFileSync(first, 'third-planted-secret-of-42-characters-123');
    await vi.waitFor(async () => expect(verdictOf(await ask(guard, tokenBy('third-planted-secret-of-42-characters-123', ONE)))).toBe('allow'), WAIT);
    writeFileSync(second, 'first-planted-secret-of-40-characters-12');
    await vi.waitFor(async () => expect(verdictOf(await ask(guard, tokenBy('first-planted-secret-of-40-characters-12', TWO)))).toBe('allow'), WAIT);
    expect(verdictOf(await ask(guard, tokenBy('first-planted-secret-of-40-characters-12', ONE)))).toBe('bad_signature');
    expect(JSON.stringify([failed, warnings, guard.health()])).not.toMatch(/planted-secret/);
  });

  test('refuses the second issuer of a resolver with the same secret, until that secret changes', async () => {
    const secrets = new Map<string, SharedSecret>([[ONE, { utf8: TEXT }]]);
    const guard = createResourceGuard({ audience: 'a', issuers: (issuer) => ({ issuer, sharedSecrets: secrets.get(issuer)! }) });
    onTestFinished(() => guard.close());
    expect(verdictOf(await ask(guard, tokenBy(TEXT, ONE)))).toBe('allow');
    secrets.set(TWO, padded(Buffer.from(TEXT), 3));
    const refused = await ask(guard, tokenBy(TEXT, TWO));
    expect(refused).toMatchObject({ status: 503, reason: 'issuer_unavailable', cause: { message: expect.stringContaining(WORDS) } });
    expect(verdictOf(await ask(guard, tokenBy(TEXT, ONE)))).toBe('allow');
    secrets.set(TWO, { utf8: `${TEXT}-of-two` });
    expect(verdictOf(await ask(guard, tokenBy(`${TEXT}-of-two`, TWO)))).toBe('allow');
  });
});

function tokenBy(secret: string, issuer: string): string {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, aud: 'a', sub: 's', iat, exp: iat + 300 };
  return compactJws(base64url('{"alg":"HS256"}'), base64url(JSON.stringify(claims)), (signed) => createHmac('sha256', secret).update(signed).digest());
}

describe('rule 181: refuses an identifier that belongs to two entries', () => {
  const jwksUri = 'https://login.example.test/keys';

  test.each<[string, Partial<IssuerOptions>, Partial<IssuerOptions>, string]>([
    ['listed tenants in both', { issuer: `${ONE}/{tenant}/v2`, tenants: ['a'] }, { issuer: `${ONE}/a/{tenant}`, tenants: ['v2', 'b'] }, `${ONE}/a/v2`],
    [
      'any tenant in both',
      { issuer: `${ONE}/{tenant}/v2`, unsafeAcceptAnyTenant: true, jwksUri },
      { issuer: `${ONE}/a/{tenant}`, unsafeAcceptAnyTenant: true, jwksUri },
      `${ONE}/a/v2`,
    ],
    [
      'any tenant in one',
      { issuer: `${ONE}/{tenant}/v2/x`, unsafeAcceptAnyTenant: true, jwksUri },
      { issuer: `${ONE}/a/{tenant}/x`, tenants: ['v1', 'v2'] },
      `${ONE}/a/v2/x`,
    ],
  ])('throws at start-up for two templates that overlap: %s', (_what, one, two, both) => {
    for (const [issuers, told] of [
      [[one, two], one],
      [[two, one], two],
    ] as const) {
      const problems = configurationErrorOf(() => createResourceGuard({ audience: 'a', issuers: issuers as readonly IssuerOptions[] }))?.problems;
      const message = `and "${told.issuer}" both stand for "${both}", so it is ambiguous whose rules apply. Remove that tenant from one of them`;
      expect(problems).toEqual([{ path: 'issuers[1].issuer', message }]);
    }
  });

  test.each<[string, Partial<IssuerOptions>, Partial<IssuerOptions>]>([
    ['a listed tenant', { issuer: `${ONE}/{tenant}`, tenants: ['a', 'b'] }, { issuer: `${ONE}/b` }],
    ['any tenant', { issuer: `${ONE}/{tenant}/`, unsafeAcceptAnyTenant: true, jwksUri }, { issuer: `${ONE}/b/` }],
  ])('throws at start-up for a plain issuer that is also %s of a template, in either order', (_what, template, plain) => {
    for (const issuers of [
      [template, plain],
      [plain, template],
    ] as IssuerOptions[][]) {
      const problems = configurationErrorOf(() => createResourceGuard({ audience: 'a', issuers }))?.problems;
      expect(problems).toEqual([
        { path: `issuers[${issuers.indexOf(plain as IssuerOptions)}].issuer`, message: expect.stringContaining(`is also a tenant of "${template.issuer}"`) },
      ]);
    }
  });

  test.each<[string, Partial<IssuerOptions>, Partial<IssuerOptions>]>([
    [
      'the tenant of the first template differs from the segment of the second',
      { issuer: `${ONE}/{tenant}/v2`, tenants: ['a'] },
      { issuer: `${ONE}/b/{tenant}`, tenants: ['v2'] },
    ],
    [
      'the tenant of the second template differs from the segment of the first',
      { issuer: `${ONE}/{tenant}/v2`, tenants: ['a'] },
      { issuer: `${ONE}/a/{tenant}`, tenants: ['v1'] },
    ],
    ['different numbers of segments', { issuer: `${ONE}/{tenant}`, unsafeAcceptAnyTenant: true, jwksUri }, { issuer: `${ONE}/{tenant}/`, tenants: ['a'] }],
    [
      'a segment that is not a valid tenant name',
      { issuer: `${ONE}/{tenant}/v2`, unsafeAcceptAnyTenant: true, jwksUri },
      { issuer: `${ONE}/a.b/{tenant}`, tenants: ['v2'] },
    ],
    ['different hosts', { issuer: `${ONE}/{tenant}`, tenants: ['a'] }, { issuer: `${TWO}/{tenant}`, tenants: ['a'] }],
    ['a plain issuer that is not one of the tenants', { issuer: `${ONE}/{tenant}`, tenants: ['a'] }, { issuer: `${ONE}/b` }],
  ])('accepts entries that cannot overlap: %s', async (_what, one, two) => {
    for (const issuers of [
      [one, two],
      [two, one],
    ] as IssuerOptions[][]) {
      await createResourceGuard({ audience: 'a', issuers }).close();
    }
  });
});
