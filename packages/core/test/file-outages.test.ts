import { randomBytes } from 'node:crypto';
import { createResourceGuard, observe, type Events, type GuardOptions, type ResourceGuard } from '@tokenward/core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { collectOutageWarnings } from '../../testing/test/outage-warnings.js';
import { createKeyFile, fileLayouts, jwksOf, newKey } from './key-files.js';

/** How long the guard may take to notice a change. */
const WAIT = { timeout: 5000, interval: 20 };
const ISSUER = 'https://login.example.test';
const KEYS_PAGE = '(https://tokenward.github.io/tokenward/reasons/keys-unavailable/)';
const INTROSPECTION_PAGE = '(https://tokenward.github.io/tokenward/reasons/introspection-unavailable/)';

const key = await newKey('one');
const [keys, secrets, token] = [jwksOf(key), `${randomBytes(32).toString('base64url')}\n`, 'a-bearer-token\n'];

/** A guard with a file of each kind for one issuer. */
function guardOfFiles() {
  const files = { keys: createKeyFile(keys), secrets: createKeyFile(secrets), token: createKeyFile(token) };
  const options: GuardOptions = {
    issuer: ISSUER,
    audience: 'a',
    algorithms: ['HS256', 'ES256', 'RS256'],
    jwksFile: files.keys.path,
    sharedSecretsFile: { path: files.secrets.path, encoding: 'base64url' },
    introspection: { endpoint: 'https://login.example.test/introspect', bearerTokenFile: files.token.path },
  };
  const guard = createResourceGuard(options);
  onTestFinished(() => guard.close());
  return { guard, files, replace: (of: keyof typeof files, text: string) => fileLayouts[1]!.replace(files[of].folder, text) };
}

function errorsOf(guard: ResourceGuard): readonly (string | undefined)[] {
  const { issuers, introspection } = guard.health();
  return [issuers[0]!.lastError, introspection[0]!.lastError];
}

test('files of one issuer have outages of their own: the end of one does not end another', async () => {
  const { seen } = collectOutageWarnings();
  const { guard, files, replace } = guardOfFiles();
  const lines = {
    keys: `tokenward: jwksFile of ${ISSUER}: ${files.keys.path}: it is neither JSON nor PEM; the last keys stay in use ${KEYS_PAGE}`,
    secrets: `tokenward: sharedSecretsFile of ${ISSUER}: ${files.secrets.path}: `,
    token: `tokenward: introspection.bearerTokenFile of ${ISSUER}: ${files.token.path}: it does not contain a bearer token; the last bearer token stays in use ${INTROSPECTION_PAGE}`,
  };
  replace('keys', 'broken');
  await expect.poll(seen, WAIT).toEqual([lines.keys]);
  replace('secrets', 'broken');
  await expect.poll(seen, WAIT).toEqual([lines.keys, expect.stringContaining(lines.secrets)]);
  replace('token', 'two words');
  await expect.poll(seen, WAIT).toEqual([lines.keys, expect.stringContaining(lines.secrets), lines.token]);
  expect(errorsOf(guard)).toEqual([
    expect.stringMatching(`^${files.keys.path}: it is neither JSON nor PEM; ${files.secrets.path}: `),
    `${files.token.path}: it does not contain a bearer token`,
  ]);

  replace('keys', `${keys} `);
  await expect.poll(async () => (await seen()).at(-1), WAIT).toBe(`tokenward: jwksFile of ${ISSUER}: ${files.keys.path} can be read again`);
  expect(errorsOf(guard)).toEqual([expect.stringMatching(`^${files.secrets.path}: `), `${files.token.path}: it does not contain a bearer token`]);
  replace('secrets', `${secrets}\n`);
  await expect.poll(async () => (await seen()).at(-1), WAIT).toBe(`tokenward: sharedSecretsFile of ${ISSUER}: ${files.secrets.path} can be read again`);
  expect(errorsOf(guard)).toEqual([undefined, `${files.token.path}: it does not contain a bearer token`]);
  replace('token', token);
  await expect
    .poll(async () => (await seen()).at(-1), WAIT)
    .toBe(`tokenward: introspection.bearerTokenFile of ${ISSUER}: ${files.token.path} can be read again`);
  expect(errorsOf(guard)).toEqual([undefined, undefined]);
  expect(await seen()).toHaveLength(6);
});

test('the events about a file name its option, that of a bearer token too', async () => {
  const failed: Events['tokenward:keys-failed'][] = [];
  const refreshed: Events['tokenward:keys-refreshed'][] = [];
  // guards of other files may still retry
  onTestFinished(observe('tokenward:keys-failed', (event) => event.issuer === ISSUER && failed.push(event)));
  onTestFinished(observe('tokenward:keys-refreshed', (event) => event.issuer === ISSUER && refreshed.push(event)));
  const { files, replace } = guardOfFiles();
  for (const [of, source, good] of [
    ['keys', 'jwksFile', keys],
    ['secrets', 'sharedSecretsFile', secrets],
    ['token', 'introspection.bearerTokenFile', token],
  ] as const) {
    replace(of, 'PLANTED MARK');
    await vi.waitFor(() => expect(failed.at(-1)?.source).toBe(source), WAIT);
    expect(failed.at(-1)).toMatchObject({ issuer: ISSUER, usable: true, message: expect.stringMatching(`^${files[of].path}: `) });
    replace(of, good);
    await vi.waitFor(() => expect(refreshed.at(-1)?.source).toBe(source), WAIT);
  }
  expect(failed).toHaveLength(3);
  expect(refreshed.map(({ issuer, keyIds }) => [issuer, keyIds])).toEqual([
    [ISSUER, ['one']],
    [ISSUER, []],
    [ISSUER, []],
  ]);
  expect(JSON.stringify([failed, refreshed])).not.toMatch(/PLANTED|a-bearer-token/);
});
