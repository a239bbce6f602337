import { createResourceGuard, type GuardOptions, type ResourceGuard } from '@tokenward/core';
import { asSigningKey, createTestClock, generatePrivateKey } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, verdictOf } from './guarded.js';
import { AUDIENCE, createTenantServer, type TenantServer } from './tenant-server.js';

const TENANTS = Array.from({ length: 1200 }, (_, index) => `tenant-${index}`);
const STRANGERS = Array.from({ length: 2100 }, (_, index) => `stranger-${index}`);

const ways: [string, (server: TenantServer) => GuardOptions][] = [
  ['a resolver', () => ({ issuers: (issuer) => ({ issuer, audience: AUDIENCE }) })],
  ['a template', (server) => ({ issuer: server.template, tenants: [...TENANTS, ...STRANGERS], audience: AUDIENCE })],
  [
    'a template with a jwksUri',
    (server) => ({ issuer: server.template, jwksUri: server.jwksTemplate, tenants: [...TENANTS, ...STRANGERS], audience: AUDIENCE }),
  ],
];

async function createScene(tenants: readonly string[], options: (server: TenantServer) => GuardOptions, timeoutSeconds = 20) {
  const clock = createTestClock();
  const server = await createTenantServer(tenants, clock);
  const guard = createResourceGuard({ clock, keyFetching: { timeoutSeconds }, ...options(server) });
  onTestFinished(() => guard.close());
  return { clock, server, guard };
}

/** Returns a token of a tenant that nobody signed. */
function forged(server: TenantServer, tenant: string, kid = 'made-up'): string {
  const payload = { iss: server.issuerOf(tenant), tid: tenant, aud: AUDIENCE, exp: 9_999_999_999, iat: 0 };
  return [{ alg: 'ES256', kid }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.') + `.${'A'.repeat(86)}`;
}

async function verdictsOf(guard: ResourceGuard, tokens: readonly string[]): Promise<Set<string>> {
  return new Set((await Promise.all(tokens.map((token) => ask(guard, token)))).map(verdictOf));
}

function requestsOf(server: TenantServer, names: readonly string[]): number {
  return names.reduce((sum, name) => sum + server.requestsOf(name), 0);
}

describe.each(ways)('rule 161: many tenants of %s', (_name, options) => {
  test('2,100 forged tokens do not affect the tenants in use, and cause a bounded number of requests', async () => {
    const names = TENANTS.slice(0, 3);
    const { clock, server, guard } = await createScene(names, options, 3);
    for (const name of STRANGERS) server.publish(name, [server.keyOf(names[0]!)]);
    expect(await verdictsOf(guard, names.map((name) => server.token(name)))).toEqual(new Set(['allow'])); // prettier-ignore
    const before = requestsOf(server, names);
    for (let round = 0; round < 2; round++) {
      for (const name of STRANGERS) void ask(guard, forged(server, name));
      await verdictsOf(guard, STRANGERS.slice(0, 200).map((name) => forged(server, name, 'another'))); // prettier-ignore
    }
    expect(requestsOf(server, STRANGERS)).toBeGreaterThan(0);
    // within a cooldown, 100 of them cause fetches: metadata, keys, and metadata again for an unknown key
    expect(requestsOf(server, STRANGERS)).toBeLessThanOrEqual(300);

    // the keys of the tenants in use are not fetched again ...
    for (const name of names) expect(verdictOf(await ask(guard, server.token(name)))).toBe('allow');
    expect(requestsOf(server, names)).toBe(before);
    // ... but can be: the guard finds a new key, and drops the withdrawn one
    for (const name of names) {
      const young = asSigningKey('ES256', await generatePrivateKey('ES256'), `${name}-2`);
      const old = server.token(name);
      server.publish(name, [young]);
      expect(verdictOf(await ask(guard, server.token(name, {}, {}, young)))).toBe('allow');
      expect(verdictOf(await ask(guard, old))).toBe('unknown_key');
    }
    // a token signed with the key of another tenant is still refused
    clock.advance(30);
    expect(verdictOf(await ask(guard, server.token(names[0]!, {}, {}, server.keyOf(names[1]!))))).not.toBe('allow');
  }, 60_000);

  test('admits 1,200 simultaneous tenants in each round, and fetches the keys of each once', async () => {
    const { server, guard } = await createScene(TENANTS, options);
    for (let round = 0; round < 3; round++) {
      expect(await verdictsOf(guard, TENANTS.map((name) => server.token(name)))).toEqual(new Set(['allow'])); // prettier-ignore
    }
    const each = requestsOf(server, TENANTS.slice(0, 1));
    expect(requestsOf(server, TENANTS)).toBe(each * TENANTS.length);
    expect(guard.health().issuers).toHaveLength(TENANTS.length);
    // the guard also notices that the key of the oldest tenant was withdrawn
    const young = asSigningKey('ES256', await generatePrivateKey('ES256'), 'young');
    const old = server.token(TENANTS[0]!);
    expect(verdictOf(await ask(guard, old))).toBe('allow');
    server.publish(TENANTS[0]!, [young]);
    expect(verdictOf(await ask(guard, server.token(TENANTS[0]!, {}, {}, young)))).toBe('allow');
    expect(verdictOf(await ask(guard, old))).toBe('unknown_key');
  }, 60_000);

  test('an issuer keeps its cooldown, however many other issuers are named after it', async () => {
    const { server, guard } = await createScene(['stranger-0'], options, 3);
    expect(verdictOf(await ask(guard, forged(server, 'stranger-0')))).not.toBe('allow');
    const asked = server.requestsOf('stranger-0');
    for (const name of STRANGERS.slice(1)) void ask(guard, forged(server, name));
    for (let again = 0; again < 5; again++) await ask(guard, forged(server, 'stranger-0', `again-${again}`));
    // one more fetch for the first unknown key, from at most two URLs
    expect(server.requestsOf('stranger-0')).toBeLessThanOrEqual(asked + 2);
  }, 60_000);
});
