import { createResourceGuard, type Decision, type ResourceGuard } from '@tokenward/core';
import { asSigningKey, type SigningKey } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, verdictOf } from './guarded.js';
import { AUDIENCE, createTenantServer, type TenantServer } from './tenant-server.js';

const NAMES = Array.from({ length: 100 }, (_, index) => `tenant-${index}`);
const TROUBLED = NAMES[0]!;
const HEALTHY = NAMES.slice(1);

/** Creates a hundred tenants, and fetches the keys of all but the troubled one. */
async function createScene(): Promise<{ server: TenantServer; guard: ResourceGuard }> {
  const server = await createTenantServer(NAMES);
  const guard = createResourceGuard({
    issuer: server.template,
    tenants: NAMES,
    audience: AUDIENCE,
    keyFetching: { timeoutSeconds: 60, freshSeconds: 3600 },
  });
  onTestFinished(() => guard.close());
  for (const tenant of HEALTHY) expect(verdictOf(await ask(guard, server.token(tenant)))).toBe('allow');
  return { server, guard };
}

/** Starts the trouble of one tenant. The returned function creates tokens of that tenant, to send between those of the others. */
type Trouble = (server: TenantServer, guard: ResourceGuard) => () => readonly string[];

const check = (guard: ResourceGuard, token: string) => guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } });

const troubles: [string, Trouble][] = [
  [
    'hangs',
    (server) => {
      server.slow(TROUBLED, Infinity);
      return () => [server.token(TROUBLED)];
    },
  ],
  [
    'is slow',
    (server) => {
      server.slow(TROUBLED, 0.3);
      return () => [server.token(TROUBLED)];
    },
  ],
  [
    'is flooded with unknown kids',
    (server, guard) => {
      void check(guard, server.token(TROUBLED));
      const [, payload, signature] = server.token(TROUBLED).split('.');
      let made = 0;
      const forged = () => Buffer.from(JSON.stringify({ alg: 'ES256', kid: `made-up-${made++}` })).toString('base64url');
      return () => Array.from({ length: 10 }, () => [forged(), payload, signature].join('.'));
    },
  ],
];

describe('one of a hundred tenants is in trouble', () => {
  test.each(troubles)('a tenant that %s does not delay the decisions for the others', async (_name, begin) => {
    const { server, guard } = await createScene();
    const make = begin(server, guard);
    for (let round = 0; round < 3; round++) {
      for (const tenant of HEALTHY) {
        for (const token of make()) void check(guard, token);
        // not a promise: the decision waits for nothing
        expect(check(guard, server.token(tenant))).toMatchObject({ outcome: 'allow' });
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const tenant of HEALTHY) expect(server.requestsOf(tenant)).toBe(2);
    expect(server.requestsOf(TROUBLED)).toBeLessThanOrEqual(3);
  });

  test('a tenant that hangs does not stop the others from fetching their first keys and new ones', async () => {
    const server = await createTenantServer(NAMES);
    const guard = createResourceGuard({ issuer: server.template, tenants: NAMES, audience: AUDIENCE, keyFetching: { timeoutSeconds: 60 } });
    server.slow(TROUBLED, Infinity);
    let isSettled = false;
    const stuck = ask(guard, server.token(TROUBLED)).finally(() => (isSettled = true));
    const first = await Promise.all(HEALTHY.map((tenant) => ask(guard, server.token(tenant))));
    expect(new Set(first.map(verdictOf))).toEqual(new Set(['allow']));
    for (const tenant of HEALTHY) {
      const young: SigningKey = asSigningKey('ES256', server.keyOf(tenant).privateKey, `${tenant}-2`);
      server.publish(tenant, [young]);
      expect(verdictOf(await ask(guard, server.token(tenant, {}, {}, young)))).toBe('allow');
    }
    expect(isSettled).toBe(false);
    await guard.close();
    expect(verdictOf(await stuck)).toBe('keys_unavailable');
  });
});

/** `FIGURES=1` prints how long decisions for the other tenants take before and during the trouble, in microseconds. It asserts no times. */
if (process.env['FIGURES'])
  describe('figures', () => {
    const REQUESTS = 6000;

    test.each(troubles)(
      'prints the figures for a tenant that %s',
      async (name, begin) => {
        const { server, guard } = await createScene();
        await measure(server, guard, () => []);
        const before = await measure(server, guard, () => []);
        const during = await measure(server, guard, begin(server, guard));
        const row = (of: number[]) => [0.5, 0.99, 0.999].map((share) => `${at(of, share).toFixed(0)} µs`).join(' / ');
        process.stdout.write(
          `one of 100 tenants ${name}: the others' first sight of a token, p50 / p99 / p99.9: before ${row(before)}, during ${row(during)}\n`,
        );
      },
      120_000,
    );

    /** Sends one request of the others per turn of the event loop, after those of the troubled tenant. Times it from the arrival of all to its decision. */
    async function measure(server: TenantServer, guard: ResourceGuard, make: () => readonly string[]): Promise<number[]> {
      const tokens = Array.from({ length: REQUESTS }, (_, index) => server.token(HEALTHY[index % HEALTHY.length]!));
      const micros: number[] = [];
      for (const token of tokens) {
        await new Promise((resolve) => setImmediate(resolve));
        const others = make();
        const begun = performance.now();
        for (const other of others) void check(guard, other);
        const decision: Decision = await check(guard, token);
        micros.push((performance.now() - begun) * 1000);
        if (decision.outcome !== 'allow') throw new Error(decision.reason);
      }
      return micros.toSorted((a, b) => a - b);
    }

    function at(sorted: number[], share: number): number {
      return sorted[Math.floor(sorted.length * share)]!;
    }
  });
