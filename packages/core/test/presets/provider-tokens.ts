import { ConfigurationError, createResourceGuard, type Decision, type GuardOptions, type Policy } from '@tokenward/core';
import { createTestClock, createTestIssuer } from '@tokenward/testing';
import { afterAll, expect } from 'vitest';
import { ask, verdictOf } from '../guarded.js';

/** A token as a provider's documentation shows it. */
export interface Shape {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

export const clock = createTestClock();
export const now = Math.floor(clock.now() / 1000);
export const times = { iat: now - 10, exp: now + 3600 };

const signer = await createTestIssuer({ clock });
afterAll(() => signer.close());

/** Options that tests add to a preset, so that it needs no keys of the real issuers. */
export const given = { jwks: signer.jwks, clock };

/** Signs a token with the claims of a shape, and without the default sub, client_id, aud and jti. */
export function sign({ header = { typ: 'JWT' }, claims }: Shape): Promise<string> {
  const none = { sub: undefined, client_id: undefined, aud: undefined, jti: undefined };
  return signer.issueToken({ header: { typ: undefined, ...header }, claims: { ...none, ...claims } });
}

export async function decide(options: GuardOptions, shape: Shape, policy?: Policy): Promise<Decision> {
  return ask(createResourceGuard(options), await sign(shape), policy && { policy });
}

export function changed(shape: Shape, claims: Shape['claims'], header?: Shape['header']): Shape {
  return { header: { ...(shape.header ?? { typ: 'JWT' }), ...header }, claims: { ...shape.claims, ...claims } };
}

export async function expectRefusals(options: GuardOptions, rows: readonly (readonly [string, Shape, string])[]): Promise<void> {
  for (const [name, shape, reason] of rows) expect([name, verdictOf(await decide(options, shape))]).toEqual([name, reason]);
}

/** Lists the problems that a preset, or a guard with its options, reports. */
export function problemsOf(make: () => GuardOptions): string[] {
  try {
    createResourceGuard(make());
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}
