import { readFileSync } from 'node:fs';
import { createResourceGuard } from '@tokenward/core';
import { createTestIssuer, hostileTokens } from '@tokenward/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { ask } from './guarded.js';

const issuer = await createTestIssuer();
const rows = await hostileTokens(issuer);
const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience });
await guard.warm();

afterAll(() => issuer.close());

describe('hostile tokens', () => {
  test.for(rows)('rule $rule: refuses $name', async ({ token, status, reason }) => {
    expect(await ask(guard, token)).toMatchObject({ outcome: 'deny', status, reason });
  });

  test('has each row of the table once, and accepts good tokens', async () => {
    expect(new Set(rows.map(({ rule, name }) => `${rule} ${name}`)).size).toBe(rows.length);
    expect((await ask(guard, await issuer.issueToken({ algorithm: 'PS256' }))).outcome).toBe('allow');
  });

  test('are about as many as the README of @tokenward/testing says', () => {
    const [, said] = /returns about (\d+) tokens/.exec(readFileSync(new URL('../../testing/README.md', import.meta.url), 'utf8'))!;
    expect(Math.abs(rows.length - Number(said))).toBeLessThan(25);
  });

  test("rule 24: requests nothing but the issuer's own keys, whatever hostile token arrives", () => {
    expect(issuer.requests.metadata).toBe(1);
    expect(issuer.requests.jwks).toBeLessThanOrEqual(2);
  });
});
