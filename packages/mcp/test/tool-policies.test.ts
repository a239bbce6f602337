import { acr, createResourceGuard, role, scope, type Decision } from '@tokenward/core';
import { createTestIssuer, type TestIssuer } from '@tokenward/testing';
import { toolPolicies, type Requirements, type ToolPoliciesOptions } from '@tokenward/mcp';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

const RESOURCE = 'https://orders.example.com/mcp';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await createTestIssuer({ audience: RESOURCE });
});
afterAll(() => issuer.close());

async function decide(
  tools: Requirements,
  body: unknown,
  given: { scope?: string; options?: ToolPoliciesOptions<object>; request?: object } = {},
): Promise<Decision> {
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: RESOURCE, scopes: { 'orders:admin': ['orders:write'] } });
  onTestFinished(() => guard.close());
  const token = await issuer.issueToken({ scopes: [given.scope ?? 'orders:read'] });
  const policy = toolPolicies<object>(tools, given.options)({ method: 'POST', body, ...given.request });
  return guard.check({ method: 'POST', target: '/mcp', headers: { authorization: `Bearer ${token}` } }, { policy });
}

function call(name: string, method = 'tools/call'): object {
  return { jsonrpc: '2.0', id: 1, method, params: { name, uri: 'file:///a' } };
}

const tools: Requirements = { list: 'authenticated', delete: scope('orders:write'), audit: role('auditor') };

describe('rule 232: toolPolicies', () => {
  test.each([
    [undefined, 'the body was not parsed as JSON before this guard'],
    ['tools/call', 'the body is not a JSON-RPC message'],
    [[], 'the batch is empty'],
    [Array.from({ length: 101 }, () => call('list')), 'the batch has more than 100 messages'],
    [{ jsonrpc: '2.0', id: 1, method: 'tools/call' }, 'tools/call names no tool'],
  ])('rule 233: a message that cannot be read is a 400 that no client takes for a demand for scopes: %#', async (body, cause) => {
    const refused = await decide(tools, body);
    expect(refused).toMatchObject({ outcome: 'deny', status: 400, reason: 'malformed_message', cause, body: { error: 'invalid_request' } });
    expect(refused).not.toHaveProperty(['headers', 'www-authenticate']);
    expect(refused.outcome === 'deny' && refused.explain().summary).toContain(cause);
  });

  test('takes any policy, and implied scopes count', async () => {
    expect(await decide(tools, call('audit'))).toMatchObject({ outcome: 'deny', status: 403, reason: 'insufficient_role' });
    expect(await decide(tools, call('delete'))).toMatchObject({ outcome: 'deny', status: 403, reason: 'insufficient_scope', body: { scope: 'orders:write' } });
    expect(await decide(tools, call('delete'), { scope: 'orders:admin' })).toMatchObject({ outcome: 'allow' });
  });

  test('a tool that is not listed is refused, or requires what otherTools says', async () => {
    const refused = await decide(tools, call('new_tool'));
    // no scope would help: a client that asked for more would be refused again
    expect(refused).toMatchObject({ outcome: 'deny', status: 403, reason: 'unlisted_tool', headers: { 'cache-control': 'no-store' } });
    expect(refused).not.toHaveProperty(['headers', 'www-authenticate']);
    expect(refused).not.toHaveProperty('body.error');
    // neither the name, which the client chose, nor anything else of the body is shown
    expect(JSON.stringify(refused.outcome === 'deny' && refused.explain())).not.toContain('new_tool');
    expect(await decide(tools, call('new_tool'), { options: { otherTools: scope('tools:use') } })).toMatchObject({ body: { scope: 'tools:use' } });
    expect(await decide(tools, call('new_tool'), { options: { otherTools: 'authenticated' } })).toMatchObject({ outcome: 'allow' });
    expect(await decide({}, call('new_tool'), { options: { otherTools: 'authenticated' } })).toMatchObject({ outcome: 'allow' });
  });

  test('a batch with tools that need different logins is a 403 that names no login', async () => {
    const body = [call('first'), call('second')];
    const refused = await decide({ first: acr('gold'), second: acr('silver') }, body);
    expect(refused).toMatchObject({ outcome: 'deny', status: 403, reason: 'policy_refused', cause: expect.stringContaining('acr("gold"); acr("silver")') });
    expect(refused.headers['www-authenticate']).not.toContain('acr_values');
  });

  test('what no scope can solve comes before missing scopes', async () => {
    for (const [body, status, reason] of [
      [[call('delete'), call('new_tool')], 403, 'unlisted_tool'],
      [[call('audit'), call('new_tool')], 403, 'unlisted_tool'],
      [[call('delete'), {}], 400, 'malformed_message'],
    ] as const) {
      const refused = await decide(tools, body);
      expect(refused).toMatchObject({ outcome: 'deny', status, reason });
      expect(refused).not.toHaveProperty(['headers', 'www-authenticate']);
      expect(refused).not.toHaveProperty('body.scope');
    }
  });

  test('other methods require what methods says', async () => {
    const options = { methods: { 'resources/read': scope('files:read') } };
    expect(await decide(tools, call('', 'resources/read'), { options })).toMatchObject({ outcome: 'deny', body: { scope: 'files:read' } });
    expect(await decide(tools, call('', 'resources/list'), { options })).toMatchObject({ outcome: 'allow' });
    expect(await decide(tools, call('delete'), { options })).toMatchObject({ outcome: 'deny', body: { scope: 'orders:write' } });
  });

  test('a Map lists names that an object cannot', async () => {
    const map = new Map([['__proto__', scope('a')]]);
    expect(await decide(map, call('__proto__'))).toMatchObject({ outcome: 'deny', body: { scope: 'a' } });
    expect(await decide(map, call('constructor'))).toMatchObject({ outcome: 'deny', reason: 'unlisted_tool' });
  });

  test('finds the body where Koa has it, or where an option says', async () => {
    expect(await decide(tools, undefined, { request: { request: { body: call('delete') } } })).toMatchObject({ body: { scope: 'orders:write' } });
    // ctx.body is the response's
    expect(await decide(tools, { result: {} }, { request: { request: { body: call('delete') } } })).toMatchObject({ body: { scope: 'orders:write' } });
    expect(await decide(tools, call('list'), { options: { body: () => call('delete') } })).toMatchObject({ body: { scope: 'orders:write' } });
  });

  test('a request without a parsed body is refused, unless its method has none', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'QUERY', 'get', undefined]) {
      expect(await decide(tools, undefined, { request: { method } }), method).toMatchObject({ outcome: 'deny', status: 400, reason: 'malformed_message' });
    }
    for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS']) {
      expect(await decide(tools, undefined, { request: { method } }), method).toMatchObject({ outcome: 'allow' });
      expect(await decide(tools, {}, { request: { method } }), method).toMatchObject({ outcome: 'allow' });
      expect(await decide(tools, call('delete'), { request: { method } }), method).toMatchObject({ outcome: 'deny' });
    }
  });
});

test.each([
  [() => toolPolicies(undefined as never), /must list requirements by name/],
  [() => toolPolicies([] as never), /must list requirements by name/],
  [() => toolPolicies(scope('a') as never), /must list requirements by name/],
  [() => toolPolicies({}), /lists no tool/],
  [() => toolPolicies({ list: undefined as never }), /requires neither a policy nor 'authenticated'/],
  [() => toolPolicies({ list: 'orders:read' as never }), /requires neither a policy nor 'authenticated'/],
  [() => toolPolicies({ list: [] as never }), /requires neither a policy nor 'authenticated'/],
  [() => toolPolicies({ list: scope as never }), /requires neither a policy nor 'authenticated'/],
  [() => toolPolicies({ list: 'authenticated' }, { othertools: scope('a') } as never), /has no option .*othertools.*otherTools/],
  [() => toolPolicies({ list: 'authenticated' }, { otherTools: true } as never), /otherTools: requires neither/],
  [() => toolPolicies({ list: 'authenticated' }, { methods: { 'tools/call': scope('a') } }), /lists "tools\/call"/],
  [() => toolPolicies({ list: 'authenticated' }, { body: 'body' } as never), /must be a function/],
])('misuse throws at the start: %s', (start, message) => {
  expect(start).toThrow(message);
});
