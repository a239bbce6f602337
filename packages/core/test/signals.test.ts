import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createResourceGuard, type ProtectedRequest } from '@tokenward/core';
import { createTestIssuer } from '@tokenward/testing';
import { expect, onTestFinished, test } from 'vitest';
import { expectAllowed } from './guarded.js';
import type { SignalFigures } from './heap-of-signals.js';

async function heapOf(...args: readonly (number | string)[]): Promise<SignalFigures> {
  const program = fileURLToPath(new URL('heap-of-signals.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--no-warnings', program, ...args.map(String)], { timeout: 60_000 });
  return JSON.parse(stdout) as SignalFigures;
}

test.each(['cache', 'no-cache'])(
  'rule 172: frees the signals of closed responses, and aborts those of open responses with their token: %s',
  { timeout: 60_000 },
  async (cache) => {
    const figures = await heapOf(500, cache);
    // the last connection may not have been released yet
    expect(figures.leftOfClosed).toBeLessThan(5);
    // far less than the token's 8 KB alone
    expect(figures.bytesOfEach).toBeLessThan(4000);
    expect(figures.bytesOfUnheld).toBeLessThan(4000);
    expect(figures.open).toBe(4);
    expect(figures.ended).toBe(4);
  },
);

test.each([{ tokenCache: undefined }, { tokenCache: false as const }])('rule 172: gives each request of a token its own signal, %j', async (options) => {
  const issuer = await createTestIssuer();
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, ...options });
  onTestFinished(async () => {
    await guard.close();
    await issuer.close();
  });
  const token = await issuer.issueToken({ claims: { jti: 'jti-1' } });
  const requests = Array.from({ length: 4 }, (): ProtectedRequest => ({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } }));
  const ended: number[] = [];

  async function listen(number: number): Promise<void> {
    const { auth } = expectAllowed(await guard.check(requests[number]!));
    // eslint-disable-next-line unicorn/prefer-add-event-listener -- the test checks that the handler of one request does not replace another's
    auth!.signal.onabort = () => ended.push(number);
    expect(auth!.signal).toBe(auth!.signal);
    expect(auth).toBe(expectAllowed(await guard.check(requests[number]!)).auth);
    expect(Object.isFrozen(auth)).toBe(true);
    expect(auth).toMatchObject({ subject: 'user-1', tokenId: 'jti-1' });
  }

  // two requests are admitted before the first signal is read, and two afterwards
  await guard.check(requests[0]!);
  await guard.check(requests[1]!);
  for (let number = 0; number < 4; number++) await listen(number);
  await guard.revocations.revoke({ tokenId: 'jti-1' });
  await expect.poll(() => ended.toSorted((one, other) => one - other)).toEqual([0, 1, 2, 3]);
});

test('rule 172: requests of one token share its Auth if none reads the signal', async () => {
  const issuer = await createTestIssuer();
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience });
  onTestFinished(async () => {
    await guard.close();
    await issuer.close();
  });
  const token = await issuer.issueToken();
  const admit = async () => expectAllowed(await guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } })).auth;
  expect(await admit()).toBe(await admit());
});
