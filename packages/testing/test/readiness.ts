import { readFileSync } from 'node:fs';
import { createTestIssuer, type TestIssuer } from '@tokenward/testing';
import { expect, onTestFinished, vi } from 'vitest';

/** Returns the first JavaScript block of the section "Readiness" of a README, as a function of the names that it uses. */
export function readinessRecipe(readme: URL, ...names: readonly string[]): (...given: unknown[]) => void {
  const [, recipe] = /## Readiness\n.*?```js\n(.*?)```/s.exec(readFileSync(readme, 'utf8')) ?? [];
  if (!recipe) throw new Error(`${readme.pathname}: has no example in its section "Readiness"`);
  // eslint-disable-next-line typescript/no-implied-eval -- the test runs the README's own text
  return new Function(...names, recipe) as (...given: unknown[]) => void;
}

/** Expects `/ready` of an app to answer 503 while the issuer is down, and 200 once it is back, though no other request arrives. */
export async function expectReadyOnceIssuerIsBack(
  start: (issuer: TestIssuer, console: { error(...given: unknown[]): void }) => Promise<{ readonly origin: string; close(): Promise<void> }>,
): Promise<void> {
  const issuer = await createTestIssuer();
  onTestFinished(() => issuer.close());
  issuer.misbehave('error');
  const error = vi.fn();
  const { origin, close } = await start(issuer, { error });
  onTestFinished(close);
  await vi.waitFor(() => expect(error).toHaveBeenCalled());
  expect((await fetch(`${origin}/ready`)).status).toBe(503);
  issuer.behave();
  await vi.waitFor(async () => expect((await fetch(`${origin}/ready`)).status).toBe(200), { timeout: 10_000, interval: 20 });
}
