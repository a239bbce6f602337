import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startProxiedApp, type ProxiedApp } from './proxied-app.ts';

let app: ProxiedApp;

beforeAll(async () => {
  app = await startProxiedApp();
  app.proxy({ mountPath: '/api' });
  app.proxy({ mountPath: '/listed', paths: ['/orders', '/public/files/'], methods: ['GET'] });
  app.proxy({ mountPath: '/based', to: `${app.upstream.origin}/v1` });
  app.proxy({ mountPath: '/cookies', passSetCookie: true });
  app.proxy({ mountPath: '/forwarded', forwardedHeaders: true });
  app.proxy({ mountPath: '/impatient', timeoutSeconds: 0.3 });
});

afterAll(() => app.close());

afterEach(() => {
  app.upstream.answer = undefined;
  app.upstream.seen.length = 0;
});

/** Starts a server that answers each connection with these bytes. */
async function startRawServer(answer: string): Promise<string> {
  const server: Server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => void socket.end(answer, 'latin1'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

let mounts = 0;

/** Mounts a proxy to an address, and returns its path. */
function mount(to: string): string {
  const mountPath = `/extra${++mounts}`;
  app.proxy({ mountPath, to });
  return mountPath;
}

describe('what the API gets', () => {
  test('method, path below the mount path, query, headers and body pass, with the access token of the session', async () => {
    const headers = { 'content-type': 'text/plain', accept: 'application/json', 'x-mine': 'a', 'if-none-match': '"1"' };
    const { status, text } = await app.call('POST', '/api/orders/%C3%A9/?q=1&q=%2F', { headers, body: 'hello' });
    expect([status, JSON.parse(text)]).toEqual([200, { method: 'POST', url: '/orders/%C3%A9/?q=1&q=%2F', body: 'hello' }]);
    const [seen] = app.upstream.seen;
    expect(seen!.headers).toMatchObject({ ...headers, 'content-length': '5', host: new URL(app.upstream.origin).host });
    expect(seen!.headers.authorization).toMatch(/^Bearer ey[\w.-]{100,}$/);
  });

  test.each([
    ['/api', '/'],
    ['/api?x=1', '/?x=1'],
    ['/api/', '/'],
    ['/based/orders', '/v1/orders'],
    ['/based', '/v1/'],
  ])('%s becomes %s', async (path, url) => {
    await app.call('GET', path);
    expect(app.upstream.seen.map((seen) => seen.url)).toEqual([url]);
  });

  test('GHSA-vvg7-p7jw-8qr3: Cookie is never forwarded, whatever its spelling, and neither is the custom header', async () => {
    const headers = { cookie: [app.cookie, 'theme=dark'], cookie2: '$Version=1', COOKIE_: 'x', connection: 'cookie, x-tokenward-csrf' };
    expect((await app.call('GET', '/api/orders', { headers })).status).toBe(200);
    const names = Object.keys(app.upstream.seen[0]!.headers);
    expect(names.filter((name) => /^cookie2?$|csrf/.test(name))).toEqual([]);
    expect(JSON.stringify(app.upstream.seen[0])).not.toContain(app.cookie.split('=')[1]!.slice(0, 50));
  });

  test('hop-by-hop headers, and those that Connection names, end here', async () => {
    const headers = {
      connection: 'keep-alive, X-Secret, authorization, content-length, host',
      'x-secret': '1',
      'keep-alive': 'timeout=5',
      te: 'trailers',
      trailer: 'x',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAAQAAP__',
      'proxy-authorization': 'Basic x',
      'proxy-connection': 'keep-alive',
      expect: '100-continue',
    };
    expect((await app.call('PUT', '/api/orders', { headers, body: 'body' })).status).toBe(200);
    const { headers: seen, body } = app.upstream.seen[0]!;
    expect(Object.keys(seen).toSorted()).toEqual(['authorization', 'connection', 'host', 'transfer-encoding']);
    expect([seen.connection, seen.host, body]).toEqual(['keep-alive', new URL(app.upstream.origin).host, 'body']);
  });

  test("a client's own Authorization is dropped, and so are headers that replace method, path, host or address", async () => {
    const headers = {
      authorization: 'Bearer mine',
      forwarded: 'for=1.2.3.4',
      'x-forwarded-for': '1.2.3.4',
      X_Forwarded_Host: 'evil',
      'x-forwarded-anything': 'x',
      'x-real-ip': '1.2.3.4',
      'x-http-method-override': 'DELETE',
      x_method_override: 'DELETE',
      'x-original-url': '/admin',
      'x-rewrite-url': '/admin',
      via: '1.1 x',
      // servers with CGI in their past read it as the length of the body
      content_length: '7',
      // RFC 9440: only the server that terminates TLS knows the client's certificate
      'client-cert': ':x:',
      'client-cert-chain': ':x:',
      'x-original-host': 'evil',
      'x-client-ip': '1.2.3.4',
      'true-client-ip': '1.2.3.4',
    };
    await app.call('GET', '/api/orders', { headers });
    const { headers: seen } = app.upstream.seen[0]!;
    expect(Object.keys(seen).toSorted()).toEqual(['authorization', 'connection', 'host']);
    expect(seen.authorization).not.toContain('mine');
  });

  test('with forwardedHeaders the API gets the configured origin, the mount path and the address of the connection', async () => {
    await app.call('GET', '/forwarded/orders', { headers: { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-host': 'evil.example', host: 'evil.example' } });
    expect(app.upstream.seen[0]!.headers).toMatchObject({
      'x-forwarded-host': new URL(app.origin).host,
      'x-forwarded-proto': 'http',
      'x-forwarded-prefix': '/forwarded',
      'x-forwarded-for': '127.0.0.1',
    });
  });

  test('__proto__ is a header like any other', async () => {
    await app.call('GET', '/api/orders', { headers: JSON.parse('{ "__proto__": "x" }') as Record<string, string> });
    expect(app.upstream.seen[0]!.rawHeaders.join()).toContain('__proto__,x');
  });
});

describe('who may pass', () => {
  const KINDS = [
    ['GET', '/api/orders'],
    ['HEAD', '/api/orders'],
    ['POST', '/api/orders'],
    ['DELETE', '/api'],
    ['GET', '/listed/orders'],
    ['PUT', '/based/x?y'],
  ] as const;

  test.each(KINDS)('GHSA-4j63-5v5f-xcc4: %s %s needs the custom header, and a request of the same origin', async (method, path) => {
    const crossSite = [
      { 'x-tokenward-csrf': undefined },
      { 'x-tokenward-csrf': '' },
      { 'x-tokenward-csrf': '0' },
      { 'x-tokenward-csrf': ['1', '1'] },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: [app.origin, app.origin] },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
    ];
    for (const headers of crossSite) {
      // eslint-disable-next-line no-await-in-loop
      const { status, text, headers: answered } = await app.call(method, path, { headers });
      expect([status, answered['content-type']], JSON.stringify(headers)).toEqual([403, 'application/problem+json']);
      if (method !== 'HEAD') expect(JSON.parse(text)).toMatchObject({ error: 'cross_site_request', reason: 'cross_site_request' });
    }
    expect(app.upstream.seen).toEqual([]);
    const own = await app.call(method, path, { headers: { origin: app.origin, 'sec-fetch-site': 'same-origin' } });
    expect(own.status).toBe(200);
  });

  test.each([
    ['without a cookie', ''],
    ['with a cookie that nobody sealed', '__Host-session=abc'],
    ['with the cookie of another name', 'session=abc'],
  ])('%s the answer is 401, and a Bearer token of the client does not help', async (_title, cookie) => {
    const { status, text, headers } = await app.call('GET', '/api/orders', { headers: { cookie, authorization: 'Bearer x' } });
    expect([status, headers['cache-control'], JSON.parse(text)]).toMatchObject([401, 'no-store', { title: 'Unauthorized', status: 401 }]);
    expect(app.upstream.seen).toEqual([]);
  });

  test('other methods are refused with 405, and OPTIONS says which pass', async () => {
    const patch = await app.call('PATCH', '/api/orders');
    expect([patch.status, patch.headers.allow]).toEqual([405, 'GET, POST, PUT, DELETE, HEAD']);
    expect((await app.call('POST', '/listed/orders')).status).toBe(405);
    expect((await app.call('TRACE', '/api/orders')).status).toBe(405);
    const preflight = await app.call('OPTIONS', '/api/orders', { headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' } });
    expect([preflight.status, preflight.headers.allow]).toEqual([204, 'GET, POST, PUT, DELETE, HEAD']);
    expect(Object.keys(preflight.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(app.upstream.seen).toEqual([]);
  });

  test('only listed paths pass, and those below them', async () => {
    const statusOf = async (path: string): Promise<number> => (await app.call('GET', path)).status;
    const paths = ['/listed/orders', '/listed/orders/', '/listed/orders?x', '/listed/orders/1/lines', '/listed/%6Frders', '/listed/public/files/a'];
    expect(await Promise.all(paths.map(statusOf))).toEqual(paths.map(() => 200));
    app.upstream.seen.length = 0;
    const others = ['/listed', '/listed/', '/listed/ordersx', '/listed/orders;x', '/listed/orders%2fx', '/listed/ORDERS', '/listed/public', '/listed/x/orders'];
    expect(await Promise.all(others.map(statusOf))).toEqual(others.map(() => 404));
    expect(app.upstream.seen).toEqual([]);
  });

  test.each([
    '/listed/orders/../admin',
    '/listed/orders/%2e%2e/admin',
    '/listed/orders/..%2fadmin',
    '/listed/orders/..%5cadmin',
    '/listed/orders/%252e%252e/admin',
    '/listed/orders/..;x/admin',
    '/listed/orders/%c0%ae%c0%ae/admin',
    '/listed/orders\\..\\admin',
    '/listed/orders/./x',
    '/listed//evil.example/orders',
    '/listed/\\evil.example/orders',
    '/listed/orders/%00',
    '/api/../based/x',
    '/api/@evil.example',
    '/api/#fragment',
    'http://evil.example/api/../x',
  ])('%s reaches no other path and no other host', async (path) => {
    const answer = await app.exchange(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncookie: ${app.cookie}\r\nx-tokenward-csrf: 1\r\n\r\n`);
    if (path === '/api/@evil.example') expect(app.upstream.seen.map(({ url }) => url)).toEqual(['/@evil.example']);
    else {
      expect(answer).toMatch(/^HTTP\/1.1 40[04] /);
      expect(app.upstream.seen).toEqual([]);
    }
  });

  test('the host of a target in absolute form does not count', async () => {
    const answer = await app.exchange(
      `GET http://evil.example/api/orders HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\ncookie: ${app.cookie}\r\nx-tokenward-csrf: 1\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(app.upstream.seen.map(({ url, headers }) => [url, headers.host])).toEqual([['/orders', new URL(app.upstream.origin).host]]);
  });
});

describe('framing', () => {
  test.each([
    ['Content-Length and Transfer-Encoding', 'content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two Content-Lengths', 'content-length: 4\r\ncontent-length: 5\r\n\r\nabcd'],
    ['a list of Content-Lengths', 'content-length: 4, 5\r\n\r\nabcd'],
    ['an unknown Transfer-Encoding', 'transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n'],
    ['Transfer-Encoding that Connection hides', 'connection: transfer-encoding\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a header line that continues', 'x: a\r\n content-length: 4\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n'],
    ['a bare CR in a header', 'x: a\rcontent-length: 4\r\n\r\n'],
    // Node undoes only the chunks, and the API would not be told of the rest
    ['a Transfer-Encoding that Node leaves in the body', 'connection: close\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
  ])('%s: nothing reaches the API', async (_title, rest) => {
    const answer = await app.exchange(`POST /api/orders HTTP/1.1\r\nhost: x\r\ncookie: ${app.cookie}\r\nx-tokenward-csrf: 1\r\n${rest}`);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(app.upstream.seen).toEqual([]);
  });

  test.each(['DELETE', 'POST', 'PUT'])('a chunked body of %s is one request to the API', async (method) => {
    const smuggled = 'GET /admin HTTP/1.1\r\nhost: x\r\n\r\n';
    const headers = { 'transfer-encoding': 'chunked' };
    const { text } = await app.call(method, '/api/orders', { headers, body: Readable.from([smuggled, smuggled]) });
    expect(JSON.parse(text)).toEqual({ method, url: '/orders', body: smuggled + smuggled });
    await app.call('GET', '/api/next');
    expect(app.upstream.seen.map(({ url }) => url)).toEqual(['/orders', '/next']);
  });

  test('a body of GET ends here, with its length', async () => {
    await app.call('GET', '/api/orders', { headers: { 'content-length': '5' }, body: 'GET /' });
    expect(app.upstream.seen).toMatchObject([{ url: '/orders', body: '' }]);
    expect(app.upstream.seen[0]!.headers).not.toHaveProperty('content-length');
    await app.call('GET', '/api/next');
    expect(app.upstream.seen).toHaveLength(2);
  });

  test('a request whose body ends early does not look whole to the API', async () => {
    const outcome = new Promise<string>((resolve) => {
      app.upstream.answer = (request) => {
        request.resume();
        request.once('end', () => resolve('whole')).once('error', () => resolve('broken off'));
      };
    });
    const socket = app.connect();
    socket.write(`POST /api/orders HTTP/1.1\r\nhost: x\r\ncookie: ${app.cookie}\r\nx-tokenward-csrf: 1\r\ncontent-length: 10\r\n\r\nabc`);
    await once(app.upstream.server, 'request');
    socket.destroy();
    expect(await outcome).toBe('broken off');
  });
});

describe('what the browser gets', () => {
  test("status, headers and body pass, but nothing that rules this app's origin", async () => {
    app.upstream.answer = (_request, response) => {
      for (const [name, value] of [
        ['content-type', 'text/plain'],
        ['etag', '"1"'],
        ['x-mine', ['a', 'b']],
        ['vary', 'accept'],
        ['x-hop', '1'],
        ['connection', 'close, x-hop'],
        ['set-cookie', ['__Host-session=evil; Path=/', 'a=b']],
        ['set-cookie2', 'a=b'],
        ['access-control-allow-origin', '*'],
        ['access-control-allow-credentials', 'true'],
        ['refresh', '0; url=https://evil.example'],
        ['clear-site-data', '"*"'],
        ['alt-svc', 'h3=":1"'],
        ['strict-transport-security', 'max-age=1'],
        ['service-worker-allowed', '/'],
        ['accept-ch', 'Sec-CH-UA-Model'],
        ['origin-agent-cluster', '?1'],
        ['set-login', 'logged-out'],
        ['use-as-dictionary', 'match="/*"'],
        ['secure-session-registration', '(ES256);path="/x"'],
        ['x-accel-redirect', '/etc/passwd'],
        ['proxy-authenticate', 'Basic'],
        ['www-authenticate', 'Bearer error="invalid_token"'],
      ] as const) {
        response.setHeader(name, value);
      }
      response.statusCode = 418;
      response.end('tea');
    };
    const { status, headers, text } = await app.call('GET', '/api/orders');
    expect([status, text]).toEqual([418, 'tea']);
    const { date: _date, connection: _connection, 'transfer-encoding': _encoding, ...rest } = headers;
    expect(rest).toEqual({
      'content-type': 'text/plain',
      etag: '"1"',
      'content-length': '3',
      'x-mine': 'a, b',
      vary: 'accept, cookie, x-tokenward-csrf',
      'www-authenticate': 'Bearer error="invalid_token"',
      'cache-control': 'private',
    });
  });

  test('rule 194: no shared cache keeps an answer of the API for one user', async () => {
    app.upstream.answer = (_request, response) =>
      void response.writeHead(200, { 'cache-control': 'max-age=600', 'surrogate-control': 'max-age=600' }).end('{}');
    const { headers } = await app.call('GET', '/api/orders');
    expect([headers['cache-control'], headers['surrogate-control'], headers['vary']]).toEqual(['private, max-age=600', undefined, 'cookie, x-tokenward-csrf']);
    app.upstream.answer = (_request, response) => void response.writeHead(200, { 'cache-control': 'public, max-age=600' }).end('{}');
    const forAll = await app.call('GET', '/api/orders');
    expect([forAll.headers['cache-control'], forAll.headers['vary']]).toEqual(['public, max-age=600', undefined]);
  });

  test("the API's 401 passes", async () => {
    app.upstream.answer = (_request, response) => void response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end('{}');
    const { status, headers } = await app.call('GET', '/api/orders');
    expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer error="invalid_token"']);
  });

  test('with passSetCookie cookies pass, except those with the prefix __Host-', async () => {
    app.upstream.answer = (_request, response) => {
      // a cookie without a name looks in the next request like one with that name
      const nameless = ['=__Host-session=evil', ' = __host-session=evil', '__Host-session'];
      response.setHeader('set-cookie', ['a=b; Path=/', '__Host-session=evil', ' __host-session.1=evil', ...nameless, '__Secure-x=1']);
      response.end();
    };
    expect((await app.call('GET', '/cookies/orders')).headers['set-cookie']).toEqual(['a=b; Path=/', '__Secure-x=1']);
  });

  test.each([
    ['/orders/1', '/based/orders/1', '/v1/orders/1'],
    ['a relative address', '/based/orders/2?x=%20#y', '2?x=%20#y'],
    ['the address of the API', '/based/', '{to}/v1/'],
  ])('a redirect to %s stays under the mount path', async (_title, expected, location) => {
    app.upstream.answer = (_request, response) => void response.writeHead(303, { location: location.replace('{to}', app.upstream.origin) }).end();
    const { status, headers } = await app.call('GET', '/based/orders/1');
    expect([status, headers.location]).toEqual([303, expected]);
  });

  test.each([
    'https://evil.example/',
    '//evil.example/v1/',
    '/\\evil.example/',
    '/v2/orders',
    '/v10',
    '/v1/../admin',
    '/v1//evil.example',
    '/v1/%2e%2e%2fadmin',
    'javascript:alert(1)',
    '{to}@evil.example/v1/',
    'http://user@{host}/v1/',
    'https://{host}/v1/',
    'http://[',
  ])('a redirect to %s is 502, and nobody follows it', async (location) => {
    const { origin, host } = new URL(app.upstream.origin);
    let calls = 0;
    app.upstream.answer = (_request, response) => {
      calls++;
      response.writeHead(302, { location: location.replace('{to}', origin).replace('{host}', host) }).end('secret');
    };
    const { status, headers, text } = await app.call('GET', '/based/orders/1');
    expect([status, headers['content-type'], headers.location, calls]).toEqual([502, 'application/problem+json', undefined, 1]);
    expect(text).not.toMatch(/evil|secret/);
  });

  test.each([204, 205, 304])('an answer %i without a body passes', async (status) => {
    app.upstream.answer = (_request, response) => void response.writeHead(status, { etag: '"1"' }).end();
    const answer = await app.call('GET', '/api/orders');
    expect([answer.status, answer.text, answer.headers.etag]).toEqual([status, '', '"1"']);
  });

  test('an answer 205 with a body is not read on', async () => {
    const closed = new Promise<void>((resolve) => {
      app.upstream.answer = (_request, response) => {
        response.writeHead(205).write('x');
        response.once('close', resolve);
      };
    });
    expect((await app.call('GET', '/api/orders')).status).toBe(205);
    await closed;
  });

  test('an answer to HEAD keeps its length', async () => {
    app.upstream.answer = (_request, response) => void response.writeHead(200, { 'content-length': '1234' }).end();
    const { status, headers, text } = await app.call('HEAD', '/api/orders');
    expect([status, headers['content-length'], text]).toEqual([200, '1234', '']);
  });

  test('a compressed body passes as it is', async () => {
    app.upstream.answer = (_request, response) =>
      void response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': '4' }).end('\u001f\u008bxy', 'latin1');
    const { headers, text } = await app.call('GET', '/api/orders');
    expect([headers['content-encoding'], headers['content-length'], text.endsWith('xy')]).toEqual(['gzip', '4', true]);
  });
});

describe('streams', () => {
  test('streaming answers: headers arrive before the first event, and each event when it is sent', async () => {
    const asked = once(app.upstream.server, 'request');
    let response!: NodeJS.WritableStream;
    app.upstream.answer = (_request, answer) => {
      response = answer;
      answer.writeHead(200, { 'content-type': 'text/event-stream' });
      answer.flushHeaders();
    };
    const answer = await app.begin('GET', '/api/events');
    await asked;
    expect(answer.headers['content-type']).toBe('text/event-stream');
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      response.write(event);
      // eslint-disable-next-line no-await-in-loop
      expect(String((await once(answer, 'data'))[0])).toBe(event);
    }
    response.end();
    await once(answer, 'end');
  });

  test('a client that leaves an answer ends it at the API', async () => {
    const closed = new Promise<void>((resolve) => {
      app.upstream.answer = (_request, response) => {
        response.write('x');
        response.once('close', resolve);
      };
    });
    const answer = await app.begin('GET', '/api/events');
    answer.destroy();
    await closed;
  });

  test('a client that leaves before the answer ends the request at the API', async () => {
    const closed = new Promise<void>((resolve) => {
      app.upstream.answer = (_request, response) => void response.once('close', resolve);
    });
    const asked = once(app.upstream.server, 'request');
    const socket = app.connect();
    socket.write(`GET /api/orders HTTP/1.1\r\nhost: x\r\ncookie: ${app.cookie}\r\nx-tokenward-csrf: 1\r\n\r\n`);
    await asked;
    socket.destroy();
    await closed;
  });

  test('a client that reads slowly slows the API', async () => {
    const chunk = Buffer.alloc(65_536);
    let sent = 0;
    app.upstream.answer = (_request, response) => {
      function write(): void {
        while (sent < 100_000_000) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', write);
        }
        response.end();
      }
      write();
    };
    const answer = await app.begin('GET', '/api/big');
    answer.pause();
    const before = await settled(() => sent);
    expect(before).toBeLessThan(30_000_000);
    let bytes = 0;
    for await (const part of answer) bytes += (part as Buffer).length;
    expect(bytes).toBe(sent);
  });

  test('an upload of 100 MB streams: the API gets all of it, no faster than it reads', async () => {
    const chunk = Buffer.alloc(65_536);
    const count = 1600;
    let given = 0;
    const body = new Readable({
      read() {
        this.push(given++ < count ? chunk : null);
      },
    });
    let incoming!: IncomingMessage;
    const asked = new Promise<void>((resolve) => {
      app.upstream.answer = (request, response) => {
        incoming = request;
        request.once('end', () => response.end('done'));
        resolve();
      };
    });
    const answered = app.call('POST', '/api/upload', { body });
    await asked;
    expect((await settled(() => given)) * chunk.length).toBeLessThan(30_000_000);
    let bytes = 0;
    incoming.on('data', (part: Buffer) => (bytes += part.length));
    expect((await answered).text).toBe('done');
    expect(bytes).toBe(chunk.length * count);
  });

  test('an answer that comes before the end of the upload arrives, and the connection goes on', async () => {
    app.upstream.answer = (_request, response) => void response.writeHead(413).end('too long');
    const headers = { connection: 'keep-alive' };
    const { status, text } = await app.call('POST', '/api/upload', { headers, body: Readable.from(Array.from({ length: 200 }, () => Buffer.alloc(65_536))) });
    expect([status, text]).toEqual([413, 'too long']);
  });
});

describe('an API that fails', () => {
  test('that hangs is 504', async () => {
    app.upstream.answer = () => {};
    const { status, headers, text } = await app.call('POST', '/impatient/orders', { body: 'x' });
    expect([status, headers['content-type'], JSON.parse(text)]).toMatchObject([504, 'application/problem+json', { title: 'Gateway Timeout' }]);
  });

  test('that hangs or cannot be reached: operators read once why, and what to do', async () => {
    const warnings: string[] = [];
    const listener = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', listener);
    onTestFinished(() => void process.off('warning', listener));
    app.upstream.answer = () => {};
    // another origin than that of the other tests, which have warned before
    const to = app.upstream.origin.replace('127.0.0.1', 'localhost');
    app.proxy({ mountPath: '/late', to, timeoutSeconds: 0.3 });
    const down = mount('http://127.0.0.1:2');
    for (let call = 0; call < 2; call++) {
      expect((await app.call('GET', '/late/orders')).status).toBe(504);
      expect((await app.call('GET', down)).status).toBe(502);
    }
    await vi.waitFor(() =>
      expect(warnings).toEqual([
        `tokenward: session.proxy() got no answer from ${to} within 0.3 s. Pages get 504. If the API needs longer, raise timeoutSeconds of the proxy`,
        expect.stringMatching(
          /^tokenward: session\.proxy\(\) got no answer from http:\/\/127\.0\.0\.1:2: .*ECONNREFUSED.*\. Pages get 502\. Check the options to and tls/,
        ),
      ]),
    );
  });

  test('that takes no more of the body is 504', async () => {
    app.upstream.answer = (request) => void request.pause();
    const { status } = await app.call('POST', '/impatient/orders', { body: Readable.from(Array.from({ length: 500 }, () => Buffer.alloc(65_536))) });
    expect(status).toBe(504);
  });

  test('that cannot be reached is 502', async () => {
    const { status, text, headers } = await app.call('GET', mount('http://127.0.0.1:1'));
    expect([status, headers['cache-control'], JSON.parse(text)]).toMatchObject([502, 'no-store', { title: 'Bad Gateway', status: 502 }]);
  });

  test.each([
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n'],
    ['nothing', ''],
    ['half a status line', 'HTTP/1.1 2'],
    ['a switch of protocols that nobody wanted', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(40_000)}\r\n\r\n`],
    ['a line break in a header', 'HTTP/1.1 200 OK\r\nx: a\rset-cookie: __Host-session=evil\r\n\r\n'],
    ['an answer with two framings', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a status of no meaning', 'HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n'],
  ])('that answers with %s is 502', async (_title, answer) => {
    const { status, headers } = await app.call('GET', mount(await startRawServer(answer)));
    expect([status, headers['content-type'], headers['set-cookie']]).toEqual([502, 'application/problem+json', undefined]);
  });

  test.each([
    ['a length', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'],
    ['chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n'],
  ])('that breaks off an answer with %s does not look whole', async (_title, answer) => {
    await expect(app.call('GET', mount(await startRawServer(answer)))).rejects.toThrow();
  });

  test('that closed a kept connection is asked again, if the request has no body', async () => {
    await app.call('GET', '/api/first');
    // the API closes the connection at the moment of the next request
    app.upstream.answer = (request) => {
      app.upstream.answer = undefined;
      request.socket.resetAndDestroy();
    };
    expect((await app.call('GET', '/api/second')).status).toBe(200);
    app.upstream.answer = (request) => {
      app.upstream.answer = undefined;
      request.socket.resetAndDestroy();
    };
    expect((await app.call('POST', '/api/third', { body: 'x' })).status).toBe(502);
  });
});

test('a stateless refresh whose cookie must reach the browser: it goes with every answer, also with a failure, and no cache keeps it', async () => {
  app.clock.advance(290);
  app.upstream.answer = (_request, response) => void response.writeHead(200, { 'cache-control': 'public', 'cdn-cache-control': 'public', expires: '0' }).end();
  const fine = await app.call('GET', '/api/orders');
  const [line] = fine.headers['set-cookie']!;
  expect(line).toMatch(/^__Host-session=[^;]{100,}; Path=\/; Max-Age=\d+; Secure; HttpOnly; SameSite=Strict$/);
  expect([fine.headers['cache-control'], fine.headers['cdn-cache-control'], fine.headers['expires']]).toEqual(['no-store', undefined, undefined]);
  // the answer never arrived: the next one has the same cookie
  const failed = await app.call('GET', mount('http://127.0.0.1:1'));
  expect([failed.status, failed.headers['set-cookie'], failed.headers['cache-control']]).toEqual([502, [line], 'no-store']);
});

/** Returns a growing number when it no longer grows. */
async function settled(read: () => number): Promise<number> {
  let last = -1;
  for (let same = 0; same < 200;) {
    // eslint-disable-next-line no-await-in-loop
    await setImmediate();
    same = read() === last ? same + 1 : 0;
    last = read();
  }
  return last;
}
