import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connect2, createServer as createServer2 } from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { acr, anyOf, scope } from '@tokenward/core';
import { createMcpGuard, type AdmittedRequest, type McpGuardOptions } from '@tokenward/mcp';
import { createTestIssuer, type TestIssuer } from '@tokenward/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';

const RESOURCE = 'https://orders.example.com/mcp';
const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list"}}';

type Body = NonNullable<ConstructorParameters<typeof Response>[0]>;

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await createTestIssuer({ audience: RESOURCE });
});
afterAll(() => issuer.close());

async function start(
  options: Partial<McpGuardOptions> = {},
  create: typeof createServer | typeof createServer2 = createServer,
): Promise<{ url: string; admitted: (AdmittedRequest | undefined)[]; arrived: Promise<unknown> }> {
  const guard = createMcpGuard({ issuer: issuer.issuer, audience: RESOURCE, tools: { list: 'authenticated', delete: scope('write') }, ...options });
  const admitted: (AdmittedRequest | undefined)[] = [];
  const server = (create as typeof createServer)((req, res) => {
    void guard.admit(req, res).then((one) => {
      admitted.push(one);
      if (one) res.end(JSON.stringify(one.body ?? null));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections?.();
    await guard.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, admitted, arrived: once(server, 'request') };
}

async function post(url: string, body: Body, headers: Record<string, string> = {}): Promise<Response> {
  const authorization = `Bearer ${await issuer.issueToken()}`;
  // undici demands it for a stream
  const init: RequestInit & { duplex: 'half' } = {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', authorization, ...headers },
    duplex: 'half',
  };
  return fetch(url, init);
}

describe('rule 233: the body on plain node:http', () => {
  test.each([
    ['application/json', 200],
    ['Application/JSON ; charset=utf-8', 200],
    ['application/json-patch+json', 415],
    ['application/jsonp', 415],
    ['text/plain', 415],
    ['text/plain; application/json', 415],
    ['', 415],
  ])('of the type "%s" gets %i', async (type, status) => {
    const { url } = await start();
    expect((await post(url, CALL, { 'content-type': type })).status).toBe(status);
  });

  test.each<[string, Body, number]>([
    ['is cut off', CALL.slice(0, -1), 400],
    ['is empty', '', 400],
    ['begins with a byte order mark', `\uFEFF${CALL}`, 400],
    ['is not UTF-8', Buffer.from(CALL.replace('list', 'li\xFFst'), 'latin1'), 400],
    ['is UTF-16', Buffer.from(CALL, 'utf16le'), 400],
    ['is two texts', CALL + CALL, 400],
    ['has the longest length', CALL.padEnd(2000), 200],
    ['is too long', CALL.padEnd(2001), 413],
    ['is too long, without a length', new Blob([CALL.padEnd(2001)]).stream(), 413],
  ])('that %s', async (_what, body, status) => {
    const { url, admitted } = await start({ maxBodyBytes: 2000 });
    const response = await post(url, body);
    expect(response.status).toBe(status);
    if (status !== 200) expect(admitted).toEqual([undefined]);
  });

  test('in pieces of one byte is read', async () => {
    const { url } = await start();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const pieces = [...CALL.padEnd(20_000)].map((one) => `1\r\n${one}\r\n`).join('');
    const head = `Host: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nAuthorization: Bearer ${await issuer.issueToken()}`;
    socket.write(`POST /mcp HTTP/1.1\r\n${head}\r\n\r\n${pieces}0\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(String(answer)).toMatch(/^HTTP\/1.1 200 [^]*"name":"list"/);
  });

  test('over HTTP/2 is held to the same rules, and its refusal has no field of HTTP/1', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    onTestFinished(() => warned.mockRestore());
    const { url } = await start({ maxBodyBytes: 2000 }, createServer2);
    const client = connect2(url);
    onTestFinished(() => client.destroy());
    const authorization = `Bearer ${await issuer.issueToken()}`;
    const send = async (body: string, type = 'application/json'): Promise<unknown> => {
      const stream = client.request({ ':method': 'POST', ':path': '/mcp', 'content-type': type, authorization });
      stream.on('error', () => {}).end(body);
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
      stream.resume();
      return headers[':status'];
    };
    expect(await send(CALL)).toBe(200);
    expect(await send(CALL.padEnd(5000))).toBe(413);
    expect(await send(CALL, 'text/plain')).toBe(415);
    expect(await send(CALL.replace('list', 'delete'))).toBe(403);
    expect(await send(CALL.replace('list', 'constructor'))).toBe(403);
    expect(await send('{}')).toBe(400);
    expect(await send(CALL)).toBe(200);
    expect(warned.mock.calls.filter(([text]) => String(text).includes('connection header'))).toEqual([]);
  });

  test('that is compressed is not read', async () => {
    const { url } = await start();
    expect((await post(url, gzipSync(CALL), { 'content-encoding': 'gzip' })).status).toBe(415);
  });

  test('that ends with its connection', async () => {
    const { url, admitted, arrived } = await start();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const token = await issuer.issueToken();
    socket.write(`POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\nAuthorization: Bearer ${token}\r\n\r\n{`);
    await arrived;
    socket.destroy();
    await vi.waitFor(() => expect(admitted).toEqual([undefined]));
  });

  test('is not read without a token', async () => {
    const { url } = await start();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write('POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 401 /);
  });
});

test('the request has the AuthInfo of the SDK, and onRefused and onDenied are called as everywhere', async () => {
  const refused: string[] = [];
  const { url, admitted } = await start({
    onRefused: ({ reason }) => refused.push(reason),
    onDenied: (_decision, _request, response) => void response.writeHead(418).end(),
  });
  await post(url, CALL);
  expect(admitted[0]?.request.auth).toMatchObject({ clientId: 'client-1', extra: { subject: 'user-1' } });
  expect(admitted[0]?.auth.subject).toBe('user-1');
  expect((await post(url, CALL.replace('list', 'delete'))).status).toBe(418);
  expect(refused).toEqual(['insufficient_scope']);
  expect(admitted[1]).toBeUndefined();
});

test('an onDenied that throws or answers half is a 500 or the end of the connection, and admits nobody', async () => {
  const { url, admitted } = await start({
    onDenied() {
      throw new Error('a secret');
    },
  });
  const response = await post(url, CALL, { authorization: 'Bearer nonsense' });
  expect({ status: response.status, text: await response.text() }).toEqual({ status: 500, text: '' });
  expect(admitted).toEqual([undefined]);
  const half = await start({
    onDenied(_decision, _request, started) {
      started.writeHead(401).write('half');
      throw new Error('a secret');
    },
  });
  await expect(post(half.url, CALL, { authorization: 'Bearer nonsense' }).then((one) => one.text())).rejects.toThrow();
  expect(half.admitted).toEqual([undefined]);
});

test('a tool that is not listed cannot be called, unless otherTools says what it requires', async () => {
  const unlisted = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'unlisted' } });
  for (const [otherTools, status] of [
    [undefined, 403],
    [scope('admin'), 403],
    ['authenticated', 200],
  ] as const) {
    const { url } = await start({ otherTools });
    expect((await post(url, unlisted)).status).toBe(status);
  }
});

test('rule 103: a tool or method whose policy accepts no acr in common with that of the endpoint throws', () => {
  const options = { issuer: issuer.issuer, audience: RESOURCE, policy: acr('gold') };
  const [tools, silver] = [{ list: 'authenticated' as const }, acr('silver')];
  const message = 'refuses every token, because a login has one acr, and these policies accept none in common: acr("gold"); acr("silver")';
  for (const [more, where] of [
    [{ tools: { ...tools, delete: silver } }, 'createMcpGuard({ tools }) "delete"'],
    [{ tools: new Map([['delete', silver]]) }, 'createMcpGuard({ tools }) "delete"'],
    [{ tools, methods: { 'resources/read': silver } }, 'createMcpGuard({ methods }) "resources/read"'],
    [{ tools, otherTools: silver }, 'createMcpGuard "otherTools"'],
  ] as const)
    expect(() => createMcpGuard({ ...options, ...more })).toThrow(`${where}: ${message}`);
  const guard = createMcpGuard({ ...options, tools: { ...tools, delete: anyOf(silver, scope('write')) }, otherTools: acr('gold', 'silver') });
  onTestFinished(() => guard.close());
});

test('misuse throws', async () => {
  const options = { issuer: issuer.issuer, audience: RESOURCE, tools: { list: 'authenticated' as const } };
  expect(() => createMcpGuard(undefined as never)).toThrow(/must list requirements by name/);
  expect(() => createMcpGuard({ ...options, tools: undefined as never })).toThrow(/must list requirements by name/);
  expect(() => createMcpGuard({ ...options, policy: 'orders:read' as never })).toThrow(/is not a policy/);
  for (const maxBodyBytes of [0, 1e12])
    expect(() => createMcpGuard({ ...options, maxBodyBytes })).toThrow(/must be a whole number of bytes, from 1 to 536870912/);
  expect(() => createMcpGuard({ ...options, tool: {} } as never)).toThrow(/did you mean tools/);
  const guard = createMcpGuard(options);
  onTestFinished(() => guard.close());
  await expect(guard.admit(undefined as never, undefined as never)).rejects.toThrow(/is not a request/);
  await expect(guard.admit({ headers: {} } as IncomingMessage, {} as ServerResponse)).rejects.toThrow(/needs the response/);
});

test('rule 230: metadata without an authorization server is refused at start-up, since no client could get a token', () => {
  const given = { audience: RESOURCE, tools: { list: 'authenticated' as const } };
  const listed = { metadata: { authorizationServers: ['https://login.example.com'] } };
  const unknown: Partial<McpGuardOptions>[] = [
    { issuers: () => undefined },
    { issuer: 'https://login.example.com/{tenant}/v2', jwksUri: 'https://login.example.com/jwks', unsafeAcceptAnyTenant: true },
    { issuer: 'urn:example:issuer', jwksUri: 'https://login.example.com/jwks' },
  ];
  for (const options of unknown) {
    expect(() => createMcpGuard({ ...given, ...options })).toThrow(/metadata\.authorizationServers/);
    for (const more of [listed, { resourceMetadataUrl: 'https://mcp.example.com/metadata' }]) {
      const guard = createMcpGuard({ ...given, ...options, ...more });
      onTestFinished(() => guard.close());
    }
  }
});

describe('rule 157: a caller of admit that does not wait', () => {
  /** A server whose handler goes on without `await`. */
  async function startCareless(handle: (result: Promise<AdmittedRequest | undefined>, req: IncomingMessage, res: ServerResponse) => void): Promise<string> {
    const guard = createMcpGuard({ issuer: issuer.issuer, audience: RESOURCE, tools: { list: 'authenticated', delete: scope('write') } });
    const server = createServer((req, res) => handle(guard.admit(req, res), req, res)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(async () => {
      server.closeAllConnections();
      server.close();
      await guard.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  }

  test.each([
    ['at once', (answer: () => void) => answer()],
    ['later', (answer: () => void) => void setTimeout(answer, 5)],
  ])('gets no answer of its own to the client of a refused request, %s', async (_when, schedule) => {
    const url = await startCareless((_result, _req, res) => schedule(() => void res.writeHead(200, { 'x-mine': '1' }).end('secret')));
    const refused = [
      [await fetch(url, { method: 'GET' }), 401],
      [await post(url, CALL, { authorization: '' }), 400],
      [await post(url, CALL, { authorization: 'Bearer nonsense' }), 401],
      [await post(url, CALL.replace('list', 'delete')), 403],
      [await post(url, '{'), 400],
    ] as const;
    for (const [response, status] of refused) {
      expect([response.status, response.headers.get('x-mine')]).toEqual([status, null]);
      expect(await response.text()).not.toContain('secret');
    }
    const admitted = await post(url, CALL);
    expect([admitted.status, await admitted.text()]).toEqual([200, 'secret']);
  });

  test('cannot read the promise, whether the request is admitted or not', async () => {
    const read: unknown[] = [];
    const url = await startCareless((result, req) => {
      for (const member of ['request', 'body', 'auth'] as const) {
        try {
          read.push((result as unknown as AdmittedRequest)[member]);
        } catch (error) {
          read.push((error as Error).message);
        }
      }
      read.push((req as { auth?: unknown }).auth);
    });
    const refusal = await fetch(url);
    expect(refusal.status).toBe(401);
    const message = 'tokenward: guard.admit(request, response): returned a promise. Write const admitted = await guard.admit(request, response)';
    expect(read).toEqual([message, message, message, undefined]);
  });
});
