import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  createDpopClient,
  createTestIssuer,
  expectForbidden,
  expectUnauthorized,
  expectUnavailable,
  type TestIssuer,
  type TokenOptions,
} from '@tokenward/testing';
import { places, type RunningMcp } from './servers.js';

const JSON_RPC = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

function call(name: unknown, id: number | undefined = 1): object {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {} } };
}

describe.each(Object.entries(places))('%s', (_place, start) => {
  let issuer: TestIssuer;
  let mcp: RunningMcp;

  beforeAll(async () => {
    issuer = await createTestIssuer();
    mcp = await start((resource) => ({ issuer: issuer.issuer, audience: resource }));
  });
  afterAll(async () => {
    await mcp.close();
    await issuer.close();
  });
  beforeEach(() => {
    mcp.ran.length = 0;
  });

  async function send(body: unknown, wanted: TokenOptions | undefined = {}, init: RequestInit = {}): Promise<Response> {
    const token = await issuer.issueToken({ audience: mcp.url, scopes: ['orders:read'], ...wanted });
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return fetch(mcp.url, { method: 'POST', headers: { ...JSON_RPC, authorization: `Bearer ${token}` }, body: text, ...init });
  }

  test('rule 230: a client without a token is led to the metadata of /mcp, and from there to the authorization server', async () => {
    const refused = await fetch(mcp.url, { method: 'POST', headers: JSON_RPC, body: JSON.stringify(call('list_orders')) });
    const { parameters } = await expectUnauthorized(refused, { scopes: ['orders:read'] });
    const { origin } = new URL(mcp.url);
    expect(parameters['resource_metadata']).toBe(`${origin}/.well-known/oauth-protected-resource/mcp`);
    for (const path of ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource']) {
      const document: unknown = await (await fetch(origin + path)).json();
      // the scopes of single tools are not offered: a client would ask for all of them at once
      expect(document).toMatchObject({ resource: mcp.url, authorization_servers: [issuer.issuer], scopes_supported: ['orders:read'] });
    }
  });

  test.each(['POST', 'GET', 'DELETE'])('rule 230: %s needs a token', async (method) => {
    await expectUnauthorized(await fetch(mcp.url, { method, headers: { accept: 'text/event-stream' } }), { scopes: ['orders:read'] });
  });

  test('rule 231: refuses a token that was issued for another API', async () => {
    await expectUnauthorized(await send(call('list_orders'), { audience: 'https://other.example.com/mcp' }), { error: 'invalid_token' });
    const { origin } = new URL(mcp.url);
    await expectUnauthorized(await send(call('list_orders'), { audience: origin }), { error: 'invalid_token' });
    expect(mcp.ran).toEqual([]);
  });

  test('a tool knows its caller', async () => {
    const response = await send(call('list_orders'), { subject: 'user-7' });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('list_orders for user-7');
    expect(mcp.ran).toEqual(['list_orders for user-7']);
  });

  test('rule 232: a call without the scope of its tool is a 403 that names all scopes and the metadata', async () => {
    const refused = await send(call('delete_order'));
    const { parameters } = await expectForbidden(refused, { scopes: ['orders:read', 'orders:write'] });
    expect(parameters['resource_metadata']).toMatch(/\/\.well-known\/oauth-protected-resource\/mcp$/);
    expect(mcp.ran).toEqual([]);
    const admitted = await send(call('delete_order'), { scopes: ['orders:read', 'orders:write'] });
    expect(await admitted.text()).toContain('delete_order for user-1');
  });

  test('rule 232: the next token keeps the scopes that other tools need', async () => {
    await expectForbidden(await send(call('refund_order'), { scopes: ['orders:read', 'orders:write', 'profile'] }), {
      scopes: ['orders:read', 'orders:write', 'orders:refund'],
    });
  });

  test('rule 233: of a batch, every call counts', async () => {
    await expectForbidden(await send([call('list_orders', 1), call('delete_order', 2)]), { scopes: ['orders:read', 'orders:write'] });
    await expectForbidden(await send([call('delete_order', 1), call('refund_order', 2)]), { scopes: ['orders:read', 'orders:write', 'orders:refund'] });
    expect(mcp.ran).toEqual([]);
    const both = await send([call('list_orders', 1), call('delete_order', 2)], { scopes: ['orders:read', 'orders:write'] });
    expect(both.status).toBe(200);
    await both.text();
    expect(mcp.ran.toSorted()).toEqual(['delete_order for user-1', 'list_orders for user-1']);
  });

  const params = { name: 'delete_order', arguments: {} };
  const odd: Readonly<Record<string, unknown>> = {
    'a tool that is not listed': call('unlisted'),
    'a tool that does not exist': call('nothing'),
    'the tool __proto__': call('__proto__'),
    'the tool constructor': call('constructor'),
    'the name in other letters': call('DELETE_ORDER'),
    'the name with a blank': call('delete_order '),
    'a name that is a list': call(['delete_order']),
    'a name that is a number': call(1),
    'no name': { jsonrpc: '2.0', id: 1, method: 'tools/call', params: {} },
    'no params': { jsonrpc: '2.0', id: 1, method: 'tools/call' },
    'params that are a list': { jsonrpc: '2.0', id: 1, method: 'tools/call', params: ['delete_order'] },
    'the name twice, the forbidden tool last':
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_orders","name":"delete_order","arguments":{}}}',
    'params twice, the forbidden tool last':
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_orders"},"params":{"name":"delete_order","arguments":{}}}',
    'the method twice': '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"delete_order","arguments":{}}}',
    'the method in escapes': '{"jsonrpc":"2.0","id":1,"method":"tools\\u002fcall","params":{"name":"delete_\\u006frder","arguments":{}}}',
    'a name in the prototype of params': '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"__proto__":{"name":"delete_order"},"arguments":{}}}',
    'another name in the prototype of params':
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"__proto__":{"name":"delete_order"},"name":"list_orders","arguments":{}}}',
    'the call in the prototype of the message': '{"jsonrpc":"2.0","id":1,"__proto__":{"method":"tools/call","params":{"name":"delete_order"}},"result":{}}',
    'a notification': { jsonrpc: '2.0', method: 'tools/call', params },
    'a message with a method and a result': { jsonrpc: '2.0', id: 1, method: 'tools/call', params, result: {} },
    'a batch in a batch': [[call('delete_order')]],
    'an empty batch': [],
    'a batch of 101 messages': Array.from({ length: 101 }, (_, id) => call('list_orders', id)),
    'an empty object': {},
    'an object with a number as its method': { jsonrpc: '2.0', id: 1, method: 1, params },
    'an object with a list as its method': { jsonrpc: '2.0', id: 1, method: ['tools/call'], params },
  };

  /** Calls of tools that no scope opens. */
  const unlisted = new Set([
    'a tool that is not listed',
    'a tool that does not exist',
    'the tool __proto__',
    'the tool constructor',
    'the name in other letters',
    'the name with a blank',
  ]);
  /** Calls of `delete_order`, however they are written. */
  const withoutScope = new Set([
    'the name twice, the forbidden tool last',
    'params twice, the forbidden tool last',
    'the method twice',
    'the method in escapes',
    'a notification',
    'a message with a method and a result',
  ]);

  test.each(Object.entries(odd))('rule 233: refuses %s, and runs no tool', async (name, body) => {
    const response = await send(body);
    expect(response.status).toBe(unlisted.has(name) || withoutScope.has(name) ? 403 : 400);
    // a client of the SDK asks for more scopes if the challenge has this error
    const isDemand = response.headers.get('www-authenticate')?.includes('error="insufficient_scope"') ?? false;
    expect(isDemand).toBe(withoutScope.has(name));
    expect(mcp.ran).toEqual([]);
  });

  test.each(['"tools/call"', '1', 'null', 'true'])('rule 233: refuses the JSON text %s', async (body) => {
    expect((await send(body)).status).toBe(400);
  });

  test('rule 233: refuses a body that no parser has read, since the SDK would read it', async () => {
    for (const type of ['text/plain', 'application/json-patch+json', 'application/x-www-form-urlencoded', 'application/octet-stream']) {
      const token = await issuer.issueToken({ audience: mcp.url, scopes: ['orders:read'] });
      const headers = { ...JSON_RPC, 'content-type': type, authorization: `Bearer ${token}` };
      const response = await fetch(mcp.url, { method: 'POST', headers, body: JSON.stringify(call('delete_order')) });
      // the servers on Hono and Fetch parse every body as JSON, so they find a call without its scope
      expect([400, 403, 415]).toContain(response.status);
    }
    expect(mcp.ran).toEqual([]);
  });

  test('other messages pass: the handshake, lists, and answers to the server', async () => {
    const initialize = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'a', version: '1' } };
    expect((await send({ jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize })).status).toBe(200);
    expect((await send({ jsonrpc: '2.0', method: 'notifications/initialized' })).status).toBe(202);
    const list = await send({ jsonrpc: '2.0', id: 2, method: 'tools/list' });
    // all tools, since a client asks for more scopes only for a tool that it sees
    expect(await list.text()).toContain('refund_order');
    expect((await send({ jsonrpc: '2.0', id: 3, result: {} })).status).toBeLessThan(300);
  });

  test('a stream and the end of a session need no body', async () => {
    const token = await issuer.issueToken({ audience: mcp.url, scopes: ['orders:read'] });
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` };
    const abort = new AbortController();
    const stream = await fetch(mcp.url, { headers, signal: abort.signal });
    abort.abort();
    expect([200, 405]).toContain(stream.status);
    const end = await fetch(mcp.url, { method: 'DELETE', headers });
    expect([200, 405]).toContain(end.status);
  });

  test('rule 230: a token that is bound to a key needs a proof for each request, though two guards check it', async () => {
    const client = await createDpopClient();
    const token = await issuer.issueToken({ audience: mcp.url, scopes: ['orders:read', 'orders:write'], claims: client.claims });
    const proven = { method: 'POST', url: mcp.url };
    const body = JSON.stringify(call('delete_order'));
    const headers = { ...JSON_RPC, ...client.authorizationHeaders(proven, token) };
    expect((await fetch(mcp.url, { method: 'POST', headers, body })).status).toBe(200);
    expect(mcp.ran).toEqual(['delete_order for user-1']);
    for (const refused of [
      headers,
      { ...JSON_RPC, authorization: `Bearer ${token}` },
      { ...headers, dpop: client.createProof({ ...proven, method: 'GET' }, token) },
    ]) {
      expect((await fetch(mcp.url, { method: 'POST', headers: refused, body })).status).toBe(401);
    }
    const more = await issuer.issueToken({ audience: mcp.url, scopes: ['orders:read'], claims: client.claims });
    const denied = await fetch(mcp.url, { method: 'POST', headers: { ...JSON_RPC, ...client.authorizationHeaders(proven, more) }, body });
    expect(denied.status).toBe(403);
    // the scheme that the request used comes first
    expect(denied.headers.get('www-authenticate')).toMatch(/^DPoP .*error="insufficient_scope".*scope="orders:read orders:write".*resource_metadata=/);
    expect(mcp.ran).toHaveLength(1);
  });

  test('rule 234: an outage is a 503 with Retry-After', async () => {
    const other = await createTestIssuer();
    other.misbehave('error');
    const waiting = await start((resource) => ({ issuer: other.issuer, audience: resource }));
    const token = await other.issueToken({ audience: waiting.url, scopes: ['orders:read'] });
    const response = await fetch(waiting.url, {
      method: 'POST',
      headers: { ...JSON_RPC, authorization: `Bearer ${token}` },
      body: JSON.stringify(call('list_orders')),
    });
    expect(await expectUnavailable(response)).toBeGreaterThan(0);
    await waiting.close();
    await other.close();
  });

  // the last one, since the server ends the connection
  test('rule 233: a huge body is refused', async () => {
    const huge = { ...call('list_orders'), params: { name: 'list_orders', arguments: { text: 'x'.repeat(3_000_000) } } };
    expect((await send(huge)).status).toBe(413);
    expect(mcp.ran).toEqual([]);
  });
});
