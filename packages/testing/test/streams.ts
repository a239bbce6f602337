import { createTestIssuer, type TestIssuer } from '@tokenward/testing';
import type { GuardOptions, Revocations } from '@tokenward/core';
import { expect, onTestFinished } from 'vitest';

/** Opens two streams at GET /events and revokes the token of one. Expects that stream to end and the other to stay open. */
export async function expectStreamEnds(
  start: (options: GuardOptions) => Promise<{ readonly origin: string; readonly revocations: Revocations }>,
): Promise<void> {
  const issuer: TestIssuer = await createTestIssuer();
  onTestFinished(() => issuer.close());
  const { origin, revocations } = await start({ issuer: issuer.issuer, audience: issuer.audience });

  async function open(subject: string) {
    const controller = new AbortController();
    onTestFinished(() => controller.abort());
    const headers = { authorization: `Bearer ${await issuer.issueToken({ subject })}` };
    const { body } = await fetch(`${origin}/events`, { headers, signal: controller.signal });
    const reader = body!.getReader();
    const decoder = new TextDecoder();
    let heard = '';
    while (!heard.includes(`data: ${subject}\n`)) heard += decoder.decode((await reader.read()).value, { stream: true });
    return reader;
  }

  const [mine, other] = [await open('user-1'), await open('user-2')];
  await revocations.revoke({ subject: 'user-1' });
  while (!(await mine.read()).done);
  const waited = new Promise((resolve) => setTimeout(resolve, 100, 'goes on'));
  expect(await Promise.race([other.read(), waited])).toBe('goes on');
}
