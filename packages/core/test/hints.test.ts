import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/**
 * A user's program for a child process: three requests with one kind of bad token, one with another kind, and one with a good token. It takes the issuer's own file,
 * since the package does not load in production.
 */
const PROGRAM = `
  import { createResourceGuard } from '@tokenward/core';
  import { createTestIssuer } from '../../testing/dist/issuer.js';
  const issuer = await createTestIssuer();
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience });
  const ask = async (wanted) => guard.check({ method: 'GET', target: '/orders?secret=PLANTED', headers: { authorization: 'Bearer ' + (await issuer.issueToken(wanted)) } });
  for (let round = 0; round < 3; round++) await ask({ audience: 'https://other.example.test', claims: { planted: 'PLANTED' } });
  await ask({ claims: { iss: 'https://evil.example.test' } });
  await ask({});
  await guard.close();
  await issuer.close();
`;

function stderrOf(env: Readonly<Record<string, string>>): string[] {
  const { NODE_ENV: _environment, TOKENWARD_HINTS: _hints, NODE_DEBUG: _debug, ...rest } = process.env;
  const { status, stderr, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    encoding: 'utf8',
    env: { ...rest, ...env },
  });
  expect(stdout).toBe('');
  expect(status, stderr).toBe(0);
  return stderr.split('\n').filter((line) => line !== '');
}

test('rule 174: prints the first refusal of each reason on one line of stderr, outside production', () => {
  const lines = stderrOf({});
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^tokenward: GET \/orders -> 401 audience_mismatch: .* \[printed once for each reason, .*TOKENWARD_HINTS=0.*\]$/);
  expect(lines[1]).toMatch(/^tokenward: GET \/orders -> 401 issuer_mismatch: .*https:\/\/evil\.example\.test.*\/reasons\/issuer-mismatch\/\)$/);
  expect(lines.join('\n')).not.toMatch(/PLANTED|eyJ/);
});

test('rule 174: prints nothing in production, or if hints are switched off', () => {
  expect(stderrOf({ NODE_ENV: 'production' })).toEqual([]);
  expect(stderrOf({ TOKENWARD_HINTS: '0' })).toEqual([]);
});

test('rule 174: NODE_DEBUG=tokenward prints each refusal and each key fetch, in production too', () => {
  const lines = stderrOf({ NODE_ENV: 'production', NODE_DEBUG: 'tokenward' });
  expect(lines.filter((line) => /^TOKENWARD \d+: GET \/orders -> 401 audience_mismatch: /.test(line))).toHaveLength(3);
  expect(lines.filter((line) => /^TOKENWARD \d+: GET \/orders -> 401 issuer_mismatch: /.test(line))).toHaveLength(1);
  expect(
    lines.filter((line) => /^TOKENWARD \d+: tokenward:keys-refreshed issuer: "http:\/\/127\.0\.0\.1:\d+", source: "issuer", keyIds: \[/.test(line)),
  ).toHaveLength(1);
  expect(lines).toHaveLength(5);
  expect(lines.join('\n')).not.toMatch(/PLANTED|eyJ/);
});
