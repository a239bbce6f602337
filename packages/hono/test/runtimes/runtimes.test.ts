import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestIssuer, expectBadRequest, expectForbidden, expectUnauthorized, type TestIssuer } from '@tokenward/testing';
import { bundle, portOf, start, workerdConfig, type Program } from './runtimes.js';
import { collectSuites, passes } from './suites.js';

const folder = mkdtempSync(join(tmpdir(), 'tokenward-runtimes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ALGORITHMS = ['RS256', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const;
const RUN: Readonly<Record<'bun' | 'deno', readonly string[]>> = { bun: [], deno: ['run', '--allow-all', '--no-config'] };

describe.each(['bun', 'deno'] as const)('rule 228: %s passes the adapter suites', (runtime) => {
  const results = new Map<string, string | undefined>();

  beforeAll(async () => {
    const program = start(runtime, [...RUN[runtime], await bundle('run-suites', folder)]);
    for await (const line of program.lines) {
      const { name, error } = JSON.parse(line) as { readonly name: string; readonly error?: string };
      results.set(name, error ?? 'passed');
    }
    await program.end();
    if (results.size === 0) throw new Error(await program.errors);
  }, 240_000);

  const names = [...collectSuites().tests.keys()];

  test.each(names.filter((name) => passes(runtime, name)))('%s', (name) => expect(results.get(name)).toBe('passed'));

  const failing = names.filter((name) => !passes(runtime, name));
  if (failing.length > 0)
    test.each(failing)('%s: not here, since the server does not tell the certificate of a client', (name) => {
      expect(results.get(name)).toBeTypeOf('string');
      expect(results.get(name)).not.toBe('passed');
    });
});

describe.each(['bun', 'deno', 'workerd'] as const)("rule 228: an app on %s's own server", (runtime) => {
  let issuer: TestIssuer;
  let program: Program;
  let origin: string;

  beforeAll(async () => {
    issuer = await createTestIssuer();
    // published before the guard fetches the keys
    for (const algorithm of ALGORITHMS) await issuer.issueToken({ algorithm });
    const variables = { ISSUER_BASE_URL: issuer.issuer, AUDIENCE: issuer.audience };
    const served = await bundle(`serve-${runtime}`, folder);
    program =
      runtime === 'workerd'
        ? start(runtime, ['serve', workerdConfig(served, variables), '--control-fd=1'])
        : start(runtime, [...RUN[runtime], served], variables);
    origin = `http://127.0.0.1:${await portOf(program)}`;
  }, 60_000);

  afterAll(async () => {
    await program?.end();
    await issuer?.close();
  });

  const ask = (path: string, token?: string, init: RequestInit = {}): Promise<Response> =>
    fetch(origin + path, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    });

  // the first test: the keys are not there yet
  test('answers all requests that arrive while the keys are fetched', async () => {
    const token = await issuer.issueToken();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask('/me', token)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });

  test.each(ALGORITHMS)('admits a token that is signed with %s, and refuses it with another signature', async (algorithm) => {
    const token = await issuer.issueToken({ algorithm, subject: 'user-7' });
    const admitted = await ask('/me', token);
    expect([admitted.status, await admitted.json()]).toEqual([200, { subject: 'user-7' }]);
    const other = await issuer.issueToken({ algorithm, subject: 'user-8' });
    const forged = `${token.slice(0, token.lastIndexOf('.'))}${other.slice(other.lastIndexOf('.'))}`;
    await expectUnauthorized(await ask('/me', forged), { error: 'invalid_token' });
  });

  test('challenges a request without a token, with the scope that the route needs', async () => {
    await expectUnauthorized(await ask('/orders'), { scopes: ['orders:read'] });
    expect(await (await ask('/optional')).json()).toEqual({ subject: null });
    expect((await ask('/public', 'x')).status).toBe(200);
  });

  test('refuses a token without the scope or the role', async () => {
    const token = await issuer.issueToken({ scopes: ['orders:read'] });
    await expectForbidden(await ask('/orders', token, { method: 'POST', body: '{}' }), { scopes: ['orders:write'] });
    expect((await ask('/orders/1', token, { method: 'DELETE' })).status).toBe(403);
    expect((await ask('/orders', token)).status).toBe(200);
  });

  test('hands the body to the handler', async () => {
    const answer = await ask('/orders', await issuer.issueToken({ scopes: ['orders:write'] }), { method: 'POST', body: '{"item":"tea"}' });
    expect([answer.status, await answer.json()]).toEqual([201, { item: 'tea' }]);
  });

  test('rule 1: refuses two Authorization lines', async () => {
    const token = await issuer.issueToken();
    await expectBadRequest(await ask('/me', `${token}, Bearer ${token}`));
  });

  test('refuses an expired token, and one for another audience', async () => {
    await expectUnauthorized(await ask('/me', await issuer.issueToken({ lifetimeSeconds: -3600 })), { error: 'invalid_token' });
    await expectUnauthorized(await ask('/me', await issuer.issueToken({ audience: 'https://other.example.test' })), { error: 'invalid_token' });
  });

  test('rule 94: takes a certificate from a header only if the server says which proxy sent it', async () => {
    const der = Buffer.from('the certificate of a client');
    const token = await issuer.issueToken({ claims: { cnf: { 'x5t#S256': createHash('sha256').update(der).digest('base64url') } } });
    const answer = await ask('/me', token, { headers: { 'client-cert': `:${der.toString('base64')}:` } });
    if (runtime === 'workerd') await expectUnauthorized(answer, { error: 'invalid_token' });
    else expect(answer.status).toBe(200);
    await expectUnauthorized(await ask('/me', token), { error: 'invalid_token' });
  });

  test('rule 110: serves its metadata', async () => {
    expect(await (await ask('/.well-known/oauth-protected-resource')).json()).toMatchObject({ resource: issuer.audience });
  });
});
