import { createTestIssuer, type TestIssuer } from '@tokenward/testing';
import type { Auth, GuardOptions, Revocations } from '@tokenward/core';
import { expect, onTestFinished } from 'vitest';

/** What a framework's own server needs of an event stream: to write, and to end. */
export interface EventStream {
  write(text: string): unknown;
  end(): unknown;
}

/** An event stream that goes on until its token ends, as a handler writes it. */
export function streamUntilTheEnd({ signal, subject }: Auth, stream: EventStream): void {
  stream.write(`data: ${subject}\n\n`);
  signal.addEventListener('abort', () => stream.end(), { once: true });
}

/** Has an app whose GET /events is such a stream end one of two by a revocation. */
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
