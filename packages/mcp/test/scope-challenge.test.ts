import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { allOf, anyScope, createResourceGuard, role, scope, type Auth, type ResourceGuard } from '@tokenward/core';
import { scopeChallenge, toAuthInfo } from '@tokenward/mcp';
import { createTestIssuer, parseChallenge, type TestIssuer } from '@tokenward/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

const RESOURCE = 'https://orders.example.com/mcp';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await createTestIssuer({ audience: RESOURCE });
});
afterAll(() => issuer.close());

describe('rule 232: scopeChallenge, the policy beside the tool', () => {
  let guard: ResourceGuard;
  const ran: string[] = [];

  beforeEach(() => {
    ran.length = 0;
    guard = createResourceGuard({ issuer: issuer.issuer, audience: RESOURCE, scopes: { 'orders:admin': ['orders:write'] } });
    onTestFinished(() => guard.close());
  });

  async function authOf(scope: string | readonly string[]): Promise<Auth> {
    const headers = { authorization: `Bearer ${await issuer.issueToken({ roles: ['clerk'], claims: { scope } })}` };
    const decision = await guard.check({ method: 'POST', target: '/mcp', headers });
    if (decision.outcome !== 'allow') throw new Error(decision.reason);
    return decision.auth!;
  }

  async function call(names: readonly string[], authInfo: object | undefined): Promise<Response> {
    const server = (): McpServer => {
      const one = new McpServer({ name: 'orders', version: '1.0.0' });
      const tool = (name: string, challenge: ReturnType<typeof scopeChallenge>): void => {
        one.registerTool(name, { scopeChallenge: challenge }, () => {
          ran.push(name);
          return { content: [] };
        });
      };
      tool('delete_order', scopeChallenge(guard, scope('orders:write')));
      tool('refund_order', scopeChallenge(guard, allOf(scope('orders:refund'), role('manager'))));
      return one;
    };
    const messages = names.map((name, id) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {} } }));
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const request = new Request(RESOURCE, { method: 'POST', headers, body: JSON.stringify(messages.length === 1 ? messages[0] : messages) });
    const response = await createMcpHandler(server).fetch(request, authInfo === undefined ? {} : { authInfo: authInfo as never });
    await response.clone().text();
    return response;
  }

  async function scopesAskedOf(tool: string, scope: string | readonly string[]): Promise<string | undefined> {
    const refused = await call([tool], toAuthInfo(await authOf(scope)));
    expect(refused.status).toBe(403);
    return parseChallenge(refused.headers.get('www-authenticate')!).parameters['scope'];
  }

  test('the SDK answers 403 with all scopes that the next token needs and the metadata, and runs no tool of the batch', async () => {
    const refused = await call(['delete_order'], toAuthInfo(await authOf('orders:read')));
    expect(refused.status).toBe(403);
    expect(parseChallenge(refused.headers.get('www-authenticate')!).parameters).toMatchObject({
      error: 'insufficient_scope',
      scope: 'orders:read orders:write',
      resource_metadata: 'https://orders.example.com/.well-known/oauth-protected-resource/mcp',
    });
    expect((await call(['nothing', 'delete_order'], toAuthInfo(await authOf('orders:read')))).status).toBe(403);
    expect(ran).toEqual([]);
  });

  test('the next token keeps the scopes of this one, but for those of the authorization server', async () => {
    expect(await scopesAskedOf('delete_order', 'openid orders:read offline_access profile')).toBe('orders:read profile orders:write');
    expect(await scopesAskedOf('refund_order', 'orders:read orders:admin')).toBe('orders:read orders:admin orders:refund');
    expect(await scopesAskedOf('delete_order', [])).toBe('orders:write');
  });

  test('a challenge names no text that is not a scope, and stays short', async () => {
    expect(await scopesAskedOf('delete_order', ['two words', 'a"b', '', 'é', 'orders:read'])).toBe('orders:read orders:write');
    const many = Array.from({ length: 450 }, (_one, at) => `orders:${at}`);
    const asked = (await scopesAskedOf('delete_order', many.join(' ')))!;
    expect(asked.length).toBeLessThanOrEqual(4096);
    expect(asked.split(' ')).toEqual([...many.slice(0, asked.split(' ').length - 1), 'orders:write']);
    expect(asked.length).toBeGreaterThan(4000);
  });

  test('implied scopes count', async () => {
    expect((await call(['delete_order'], toAuthInfo(await authOf('orders:admin')))).status).toBe(200);
    expect(ran).toEqual(['delete_order']);
  });

  test('what is not about scopes, a revoked token, and a caller that no guard admitted are refused', async () => {
    expect((await call(['refund_order'], toAuthInfo(await authOf('orders:refund')))).status).toBe(500);
    const auth = await authOf('orders:write');
    await guard.revocations.revoke({ issuer: auth.issuer, subject: auth.subject! });
    expect((await call(['delete_order'], toAuthInfo(auth))).status).toBe(500);
    expect((await call(['delete_order'], undefined)).status).toBe(500);
    expect((await call(['delete_order'], { token: 'a', clientId: 'b', scopes: ['orders:write'] })).status).toBe(500);
    expect(ran).toEqual([]);
  });

  test('a policy that requires no scope throws at the start', () => {
    expect(() => scopeChallenge(guard, role('manager'))).toThrow(/requires no scope/);
    expect(() => scopeChallenge(guard, anyScope('a', 'b'))).toThrow(/requires no scope/);
    expect(() => scopeChallenge(guard, 'orders:write' as never)).toThrow(/needs a policy/);
  });
});
