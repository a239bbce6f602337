import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createResourceGuard, type ResourceGuard } from '@tokenward/core';
import { redisIntrospections, type RedisIntrospections } from '@tokenward/redis';
import { createTestIssuer } from '@tokenward/testing';
import { introspectionCacheSuite } from '@tokenward/testing/store-suite';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startRedis, type RedisServer } from './redis-server.js';

let server: RedisServer;
let opened = 0;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.close());

describe('a cache of introspection answers', () => {
  introspectionCacheSuite({ test }, async () => {
    const prefix = `suite-${opened++}`;
    const open = async (): Promise<RedisIntrospections> => {
      const cache = redisIntrospections({ url: server.url, timeoutSeconds: 20, prefix });
      await cache.warm();
      return cache;
    };
    const caches = [await open()];
    return {
      cache: caches[0]!,
      async openAnother() {
        caches.push(await open());
        return caches.at(-1)!;
      },
      async close() {
        for (const cache of caches) await cache.close();
      },
    };
  });
});

async function check(guard: ResourceGuard, token: string): Promise<string> {
  const decision = await guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } });
  return decision.outcome === 'deny' ? decision.reason : 'allow';
}

test('rule 74: processes share the answers about active tokens, and Redis has neither tokens nor claims', async () => {
  const issuer = await createTestIssuer();
  const prefix = `fleet-${opened++}`;
  const open = async (): Promise<ResourceGuard> => {
    const cache = redisIntrospections({ url: server.url, timeoutSeconds: 20, prefix });
    await cache.warm();
    const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, introspection: { ...issuer.introspectionClient, cache } });
    onTestFinished(async () => {
      await guard.close();
      await cache.close();
    });
    return guard;
  };
  onTestFinished(() => issuer.close());
  const token = issuer.issueOpaqueToken({ subject: 'somebody' });
  expect(await check(await open(), token)).toBe('allow');
  const client = await createClient({ url: server.url }).connect();
  onTestFinished(() => client.destroy());
  const keys = await vi.waitFor(async () => {
    const found = await client.keys(`*${prefix}*`);
    expect(found).toHaveLength(1);
    return found;
  });
  const value = await client.get(keys[0]!);
  for (const text of [keys[0]!, value!, Buffer.from(value!, 'base64url').toString('latin1')]) {
    expect(text).not.toContain(token);
    expect(text).not.toContain('somebody');
  }
  expect(await client.pTTL(keys[0]!)).toBeLessThanOrEqual(30_000);
  expect(await check(await open(), token)).toBe('allow');
  expect(issuer.introspections.active).toBe(1);
  // strangers cannot fill Redis
  expect(await check(await open(), 'junk')).toBe('inactive_token');
  expect(await client.keys(`*${prefix}*`)).toHaveLength(1);
});

test('rule 256: a value that somebody made too long is not loaded', async () => {
  const prefix = `long-${opened++}`;
  const cache = redisIntrospections({ url: server.url, timeoutSeconds: 20, prefix });
  onTestFinished(() => cache.close());
  const client = await createClient({ url: server.url }).connect();
  onTestFinished(() => client.destroy());
  await cache.set('name', 'x'.repeat(131_000), 60);
  expect(await cache.get('name')).toHaveLength(131_000);
  const [key] = (await client.keys(`*${prefix}*`)) as [string];
  await client.setRange(key, 64 * 1_048_576, 'x');
  const sent = async (): Promise<number> => Number(/total_net_output_bytes:(\d+)/.exec(await client.info('stats'))![1]);
  const before = await sent();
  expect(await cache.get('name')).toBeUndefined();
  expect((await sent()) - before).toBeLessThan(1_048_576);
  for (const write of [() => client.set(key, 'without the mark'), () => client.del(key), () => client.rPush(key, 'a list')]) {
    await write();
    expect(await cache.get('name').catch(() => undefined)).toBeUndefined();
  }
});

test('rule 306: key and value are those of the first release', async () => {
  const cache = redisIntrospections({ url: server.url, timeoutSeconds: 20 });
  onTestFinished(() => cache.close());
  await cache.set('name', 'value', 60);
  expect(await server.ask('GET', '{tokenward:introspections}:name')).toBe('=value');
});

test('an unreachable Redis delays a question, and is no outage', async () => {
  const issuer = await createTestIssuer();
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const cache = redisIntrospections({ url: `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`, timeoutSeconds: 0.2 });
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, introspection: { ...issuer.introspectionClient, cache } });
  onTestFinished(async () => {
    await guard.close();
    await cache.close();
    silent.closeAllConnections();
    silent.close();
    await issuer.close();
  });
  expect(await check(guard, issuer.issueOpaqueToken())).toBe('allow');
  expect(cache.health().usable).toBe(false);
});

test.each([
  [{}, /^url: is missing/m],
  [{ url: 'http://x' }, /^url: must have the form/m],
  [{ url: 'redis://x', ttl: 1 }, /^ttl: is not an option/m],
])('%j is reported', (options, message) => {
  let problems = '';
  try {
    redisIntrospections(options);
  } catch (error) {
    problems = (error as { problems: { path: string; message: string }[] }).problems.map(({ path, message }) => `${path}: ${message}`).join('\n');
  }
  expect(problems).toMatch(message);
});
