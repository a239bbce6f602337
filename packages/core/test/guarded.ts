import {
  ConfigurationError,
  createResourceGuard,
  type RouteRequirements,
  type Decision,
  type GuardOptions,
  type Reason,
  type ResourceGuard,
} from '@tokenward/core';
import { createTestClock, createTestIssuer, type TestClock, type TestIssuer, type TestIssuerOptions, type TokenOptions } from '@tokenward/testing';
import { expect, onTestFinished } from 'vitest';

/** An issuer, a clock and a guard that belong together, for one test. */
export interface Scene {
  readonly issuer: TestIssuer;
  readonly clock: TestClock;
  readonly guard: ResourceGuard;
  /** What the guard says to a token that is issued as wished, or given. */
  decide(token: TokenOptions | string, access?: RouteRequirements): Promise<Decision>;
  /** `allow`, or the reason of a refusal. */
  verdict(token: TokenOptions | string, access?: RouteRequirements): Promise<'allow' | Reason>;
}

/** A test that runs beside others (`test.concurrent`) passes the `onTestFinished` of its own context. */
export async function createScene(options: GuardOptions = {}, issuerOptions: TestIssuerOptions = {}, atEnd = onTestFinished): Promise<Scene> {
  const clock = createTestClock();
  const issuer = await createTestIssuer({ clock, ...issuerOptions });
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, clock, ...options });
  atEnd(async () => {
    await guard.close();
    await issuer.close();
  });

  async function decide(token: TokenOptions | string, access?: RouteRequirements): Promise<Decision> {
    return ask(guard, typeof token === 'string' ? token : await issuer.issueToken(token), access);
  }

  return { issuer, clock, guard, decide, verdict: async (token, access) => verdictOf(await decide(token, access)) };
}

/** Two issuers, and one guard that takes the tokens of both. */
export async function createTwoIssuers(): Promise<{ readonly one: TestIssuer; readonly other: TestIssuer; readonly guard: ResourceGuard }> {
  const [one, other] = [await createTestIssuer(), await createTestIssuer()];
  const guard = createResourceGuard({ issuers: [one, other].map(({ issuer, audience }) => ({ issuer, audience })) });
  onTestFinished(async () => {
    await guard.close();
    await one.close();
    await other.close();
  });
  return { one, other, guard };
}

/** Asks a guard about a request that carries a token and nothing else. */
export async function ask(guard: ResourceGuard, token: string, access?: RouteRequirements): Promise<Decision> {
  return guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } }, access);
}

export function verdictOf(decision: Decision): 'allow' | Reason {
  return decision.outcome === 'allow' ? 'allow' : decision.reason;
}

export function expectAllowed(decision: Decision): Extract<Decision, { outcome: 'allow' }> {
  expect(verdictOf(decision)).toBe('allow');
  return decision as Extract<Decision, { outcome: 'allow' }>;
}

/** What is wrong with options, as whoever makes a guard of them is told; undefined where nothing is. */
export function configurationErrorOf(make: () => ResourceGuard): ConfigurationError | undefined {
  try {
    make();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return error as ConfigurationError;
  }
}
