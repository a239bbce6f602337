import { once } from 'node:events';
import { createServer, request as requestHttp, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { connect, createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import { importJWK, SignJWT, type JWK } from 'jose';
import { createTestClock, type TestClock } from '@tokenward/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { FrameworkApp } from './frameworks/app-parts.ts';
import { frameworks } from './frameworks.ts';
import { API, signingKey, startProvider, type RunningProvider } from './provider.ts';
import { startUpstream, type Upstream } from './upstream.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

interface Call {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
}

const CSRF = { 'x-tokenward-csrf': '1' };
const JSON_TYPE = { 'content-type': 'application/json' };
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' };

describe.each(frameworks)('$name', ({ http2, create }) => {
  let server: Server | Http2Server;
  let origin: string;
  let app: FrameworkApp;
  let provider: RunningProvider;
  let upstream: Upstream;
  let clock: TestClock;
  let key: JWK;
  const jar = new Map<string, string>();

  beforeAll(async () => {
    server = http2 ? createHttp2Server() : createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    clock = createTestClock();
    key = await signingKey();
    [provider, upstream] = await Promise.all([startProvider({ appOrigin: origin, keys: [key] }), startUpstream()]);
    const { issuer, clientId, clientSecret } = provider;
    const secrets = ['a secret of a test that has more than 32 characters'];
    const options = { issuer, clientId, clientSecret, origin, clock, secrets, resource: API, scope: 'openid offline_access orders:read' };
    app = await create({ options, audience: API, api: upstream.origin, server });
    if (app.listener) server.on('request', app.listener as RequestListener);
    server.on('upgrade', (request: IncomingMessage, socket, head) => void app.upgrade(request, socket, head));
  });

  afterAll(async () => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
    await Promise.all([app.close(), provider.close(), upstream.close()]);
  });

  beforeEach(() => {
    upstream.seen.length = 0;
    upstream.answer = undefined;
  });

  /** Calls the app as its own page does, and keeps the cookies. */
  async function call(method: string, path: string, { headers = {}, body }: Call = {}): Promise<Answer> {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const sent = { ...(cookie !== '' && { cookie }), ...CSRF, ...headers };
    const given = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== undefined)) as Record<string, string>;
    const answer = await (http2 ? callHttp2 : callHttp1)(origin, method, path, given, body);
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (/max-age=0/i.test(line)) jar.delete(name!);
      else jar.set(name!, value!);
    }
    return answer;
  }

  const navigate = async (path: string): Promise<Answer> => call('GET', path, { headers: { 'x-tokenward-csrf': undefined } });

  async function logIn(login = 'alice', returnTo = '/page'): Promise<Answer> {
    const started = await navigate(`/session/login?returnTo=${encodeURIComponent(returnTo)}`);
    expect(started.status).toBe(302);
    const callback = await logInAt(String(started.headers['location']), origin, login);
    return navigate(callback.slice(origin.length));
  }

  const setCookiesOf = ({ headers }: Answer): string[] => [headers['set-cookie'] ?? []].flat().filter((line) => line.startsWith('__Host-'));

  const sessionCookie = (): string | undefined => jar.get('__Host-session');

  test('login, call, refresh and logout', async () => {
    expect(JSON.parse((await call('GET', '/session/user')).text)).toEqual({ user: null });
    expect((await call('GET', '/me')).status).toBe(401);
    expect((await call('GET', '/api/orders')).status).toBe(401);

    const landing = await logIn();
    expect([landing.status, landing.headers['content-type'], landing.text.includes('/page')]).toEqual([200, 'text/html; charset=utf-8', true]);
    expect([...jar.keys()].filter((name) => name !== 'theme')).toEqual(['__Host-session']);
    expect(JSON.parse((await call('GET', '/session/user')).text)).toMatchObject({ user: { subject: 'alice', scopes: ['orders:read'] } });
    // a page that the server renders: a navigation has no custom header
    expect(JSON.parse((await call('GET', '/page', { headers: { 'x-tokenward-csrf': undefined } })).text)).toMatchObject({ user: { subject: 'alice' } });
    expect(JSON.parse((await call('GET', '/me')).text)).toEqual({ subject: 'alice' });
    expect(JSON.parse((await call('GET', '/api/orders/1?x=%2F')).text)).toEqual({ method: 'GET', url: '/orders/1?x=%2F', body: '' });
    const first = upstream.seen[0]!.headers.authorization;

    const before = sessionCookie();
    clock.advance(290);
    expect((await call('GET', '/api/orders')).status).toBe(200);
    expect(upstream.seen[1]!.headers.authorization).not.toBe(first);
    expect(sessionCookie()).not.toBe(before);
    expect((await call('GET', '/me')).status).toBe(200);

    const copy = new Map(jar);
    const out = await call('POST', '/session/logout');
    expect([out.status, JSON.parse(out.text)]).toEqual([200, { location: expect.stringContaining(`${provider.issuer}/session/end`) as string }]);
    expect(sessionCookie()).toBeUndefined();
    // a copy of the cookie is dead, too
    for (const [name, value] of copy) jar.set(name, value);
    expect((await call('GET', '/api/orders')).status).toBe(401);
    expect((await call('GET', '/me')).status).toBe(401);
  });

  test('a logout token of the issuer ends the session, though a body parser may have read it before', async () => {
    jar.clear();
    await logIn('bob');
    const now = Math.floor(clock.now() / 1000);
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
    const logoutToken = await new SignJWT({
      iss: provider.issuer,
      aud: provider.clientId,
      sub: 'bob',
      iat: now,
      exp: now + 60,
      jti: crypto.randomUUID(),
      events,
    })
      .setProtectedHeader({ alg: 'ES256', kid: key.kid!, typ: 'logout+jwt' })
      .sign(await importJWK(key));
    const send = (body: string): Promise<Answer> =>
      call('POST', '/session/backchannel-logout', { headers: { ...FORM_TYPE, 'x-tokenward-csrf': undefined }, body });
    expect((await send('logout_token=a.b.c')).status).toBe(400);
    expect((await send('')).status).toBe(400);
    expect(JSON.parse((await call('GET', '/me')).text)).toEqual({ subject: 'bob' });
    const { status, text } = await send(`logout_token=${logoutToken}`);
    expect([status, text]).toEqual([200, '']);
    expect((await call('GET', '/me')).status).toBe(401);
    expect((await call('GET', '/api/orders')).status).toBe(401);
  });

  test('rules 122 and 128: the cookies of a login and of a session are strict, change at each login, and are really deleted', async () => {
    jar.clear();
    const started = await navigate('/session/login');
    const landing = await logIn();
    const first = sessionCookie();
    const again = await logIn('carol');
    expect(sessionCookie()).not.toBe(first);
    expect(JSON.parse((await call('GET', '/me')).text)).toEqual({ subject: 'carol' });
    const out = await call('POST', '/session/logout');
    const lines = [started, landing, again, out].map(setCookiesOf);
    for (const line of lines.flat()) {
      const attributes = line.split('; ').slice(1);
      expect(attributes).toEqual(expect.arrayContaining(['Path=/', 'Secure', 'HttpOnly', expect.stringMatching(/^SameSite=(?:Strict|Lax)$/) as string]));
      expect(attributes.join()).not.toMatch(/domain/i);
    }
    expect(lines.map((some) => some.length > 0)).toEqual([true, true, true, true]);
    expect(lines[3]!.find((line) => line.startsWith('__Host-session='))).toMatch(/^__Host-session=;.*Max-Age=0/);
  });

  test('rules 124 and 137: a callback with a wrong state, or with HTML as its error, shows a fixed sentence and starts no session', async () => {
    jar.clear();
    const html = '<script>alert(1)</script>';
    const { searchParams } = new URL(String((await navigate('/session/login')).headers['location']));
    const own = { state: searchParams.get('state')!, iss: provider.issuer };
    for (const query of [
      { ...own, code: 'x', state: 'of-somebody-else' },
      { ...own, error: html, error_description: html, error_uri: 'javascript:alert(1)' },
    ]) {
      // eslint-disable-next-line no-await-in-loop
      const { status, text } = await navigate(`/session/callback?${new URLSearchParams(query)}`);
      expect(status).toBeGreaterThanOrEqual(300);
      expect(text).not.toMatch(/alert|of-somebody-else/);
      expect(sessionCookie()).toBeUndefined();
    }
  });

  test.each(['//evil.example', '/\\evil.example', '/%09/evil.example', 'https:evil.example', 'javascript:alert(1)'])(
    'rule 127, returnTo: %j leads to nobody else',
    async (returnTo) => {
      jar.clear();
      const { status, text } = await logIn('alice', returnTo);
      expect(status).toBe(200);
      expect(text).toContain('<a href="/">');
    },
  );

  test('rules 130 and 132: ten calls with an ended token make one refresh, and a cookie that was changed is no session', async () => {
    jar.clear();
    await logIn();
    clock.advance(290);
    const before = provider.requests.length;
    const statuses = await Promise.all(Array.from({ length: 10 }, async (_, at) => (await call('GET', at % 2 ? '/me' : '/api/orders')).status));
    expect(statuses).toEqual(Array.from({ length: 10 }, () => 200));
    expect(provider.requests.slice(before).filter((request) => request === 'POST /token')).toHaveLength(1);
    const cookie = sessionCookie()!;
    jar.set('__Host-session', (cookie.startsWith('A') ? 'B' : 'A') + cookie.slice(1));
    expect((await call('GET', '/me')).status).toBe(401);
  });

  describe('logged in', () => {
    beforeAll(async () => {
      jar.clear();
      await logIn();
    });

    test('rule 129, GHSA-4j63-5v5f-xcc4: the session, its guard and the proxy need the custom header, for every method', async () => {
      for (const [method, path] of [
        ['GET', '/session/user'],
        ['POST', '/session/logout'],
        ['GET', '/me'],
        ['GET', '/api/orders'],
        ['POST', '/api/orders'],
        ['DELETE', '/api/orders/1'],
      ] as const) {
        for (const headers of [{ 'x-tokenward-csrf': undefined }, { 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
          // eslint-disable-next-line no-await-in-loop
          const { status, text } = await call(method, path, { headers });
          expect([status, (JSON.parse(text) as { reason?: string }).reason], `${method} ${path}`).toEqual([403, 'cross_site_request']);
        }
      }
      expect(upstream.seen).toEqual([]);
      expect((await call('GET', '/api/orders', { headers: { origin, 'sec-fetch-site': 'same-origin' } })).status).toBe(200);
    });

    test('rule 189: a page that shows the user shows nobody to another site that loads it into a page of its own', async () => {
      const userOf = async (headers: Record<string, string>): Promise<string | undefined> =>
        (JSON.parse((await call('GET', '/page', { headers })).text) as { user: { subject: string } | null }).user?.subject;
      const visit = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
      for (const site of ['same-site', 'cross-site']) {
        for (const [mode, dest] of [
          ['no-cors', 'image'],
          ['no-cors', 'empty'],
          ['navigate', 'iframe'],
          ['navigate', 'object'],
          ['cors', 'empty'],
        ] as const) {
          // eslint-disable-next-line no-await-in-loop
          expect(await userOf({ 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest }), `${site} ${mode} ${dest}`).toBeUndefined();
        }
        // a link there is followed
        // eslint-disable-next-line no-await-in-loop
        expect(await userOf({ 'sec-fetch-site': site, ...visit })).toBe('alice');
      }
      for (const headers of [{}, visit, { 'sec-fetch-site': 'none', ...visit }, { 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'iframe' }]) {
        // eslint-disable-next-line no-await-in-loop
        expect(await userOf(headers)).toBe('alice');
      }
    });

    test('GHSA-vvg7-p7jw-8qr3: Cookie is never forwarded', async () => {
      jar.set('other', 'cookie');
      await call('GET', '/api/orders');
      jar.delete('other');
      expect(upstream.seen[0]!.headers.cookie).toBeUndefined();
      expect(JSON.stringify(upstream.seen)).not.toContain(sessionCookie()!.slice(0, 40));
      expect(upstream.seen[0]!.rawHeaders.filter((text) => text.startsWith(':'))).toEqual([]);
    });

    test('bodies reach the API, though a body parser may have read them before', async () => {
      const bodies: readonly (readonly [Record<string, string>, string])[] = [
        [JSON_TYPE, '{"a":[1,"é"]}'],
        [{ 'content-type': 'application/json; charset=utf-8' }, '{"a":1}'],
        [FORM_TYPE, 'a=1&b=%C3%A9&b=2'],
        [{ 'content-type': 'text/plain' }, 'text'],
        [{ 'content-type': 'application/octet-stream' }, 'bytes'],
        [{}, 'without a type'],
        [JSON_TYPE, ''],
      ];
      for (const [headers, body] of bodies) {
        // eslint-disable-next-line no-await-in-loop
        const { status, text } = await call('POST', '/api/orders', { headers, body });
        expect([status, (JSON.parse(text) as { body: string }).body], JSON.stringify(headers)).toEqual([200, body]);
      }
      const parsed = await call('POST', '/echo', { headers: JSON_TYPE, body: '{"a":1}' });
      expect([parsed.status, parsed.text]).toEqual([200, '{"a":1}']);
    });

    test('Set-Cookie of the session and Vary of the proxy do not replace those of the app', async () => {
      clock.advance(290);
      const { headers } = await call('GET', '/api/orders');
      const lines = [headers['set-cookie'] ?? []].flat().map((line) => line.split('=')[0]);
      expect(lines).toContain('__Host-session');
      if (jar.has('theme')) expect(lines).toContain('theme');
      expect(headers['cache-control']).toBe('no-store');
      const next = await call('GET', '/api/orders');
      expect(next.headers['vary']).toBe(`${jar.has('theme') ? 'origin, ' : ''}cookie, x-tokenward-csrf`);
    });

    test('only the routes of the session are answered by it, whatever the spelling', async () => {
      const statusOf = async (method: string, path: string): Promise<number> => (await call(method, path)).status;
      const under = ['/session/', '/session/nothing', '/session/user/', '/session/USER', '/session/%75ser', '/session/../me', '/session//user'];
      expect(await Promise.all(under.map((path) => statusOf('GET', path)))).toEqual(under.map(() => 404));
      expect(await statusOf('HEAD', '/session/user')).toBe(405);
      expect(await statusOf('GET', '/session/logout')).toBe(405);
      const options = await call('OPTIONS', '/session/user', { headers: { origin: 'https://evil.example', 'access-control-request-method': 'GET' } });
      expect([options.status, options.headers['allow'], options.headers['access-control-allow-origin']]).toEqual([405, 'GET', undefined]);
      // the app's own
      const others = ['/session', '/sessions/user', '/x/session/user', '/nothing'];
      expect(await Promise.all(others.map((path) => statusOf('GET', path)))).toEqual(others.map(() => 404));
      expect(await statusOf('GET', '/me?/session/user')).toBe(200);
    });

    test('the proxy answers the whole of its mount path, and nothing else', async () => {
      const statusOf = async (method: string, path: string): Promise<number> => (await call(method, path)).status;
      for (const path of ['/api', '/api/', '/api?x', '/api/orders/']) {
        // eslint-disable-next-line no-await-in-loop
        expect(await statusOf('GET', path), path).toBe(200);
      }
      expect(upstream.seen.map(({ url }) => url)).toEqual(['/', '/', '/?x', '/orders/']);
      upstream.seen.length = 0;
      for (const path of ['/apis', '/x/api/orders', '/api2/orders']) {
        // eslint-disable-next-line no-await-in-loop
        expect(await statusOf('GET', path), path).toBe(404);
      }
      for (const path of ['/api/../me', '/api/%2e%2e/me', '/api/..%2fme']) {
        // eslint-disable-next-line no-await-in-loop
        expect(await statusOf('GET', path), path).not.toBe(200);
      }
      expect(upstream.seen).toEqual([]);
      expect(await statusOf('PATCH', '/api/orders')).toBe(405);
      const options = await call('OPTIONS', '/api/orders');
      expect([options.status, options.headers['allow']]).toEqual([204, 'GET, POST, PUT, DELETE, HEAD']);
      expect(await statusOf('HEAD', '/api/orders')).toBe(200);
    });

    test('answers of the API pass: statuses without a body, lengths, headers without a type, redirects', async () => {
      for (const [status, headers, body] of [
        [204, {}, ''],
        [304, { etag: '"1"' }, ''],
        [200, { 'content-length': '0' }, ''],
        [201, { location: '/orders/1' }, 'made'],
        [303, { location: '/orders/1' }, ''],
        [418, { 'x-mine': 'a' }, 'tea'],
      ] as const) {
        upstream.answer = (_request, response) => void response.writeHead(status, headers).end(body);
        // eslint-disable-next-line no-await-in-loop
        const answer = await call('POST', '/api/orders', { headers: JSON_TYPE, body: '{}' });
        expect([answer.status, answer.text, answer.headers['content-type']]).toEqual([status, body, undefined]);
        for (const [name, value] of Object.entries(headers)) expect(answer.headers[name]).toBe(name === 'location' ? '/api/orders/1' : value);
      }
      upstream.answer = (_request, response) => void response.writeHead(200, { 'content-length': '1234', 'content-type': 'image/png' }).end();
      const head = await call('HEAD', '/api/orders');
      expect([head.status, head.headers['content-length'], head.headers['content-type']]).toEqual([200, '1234', 'image/png']);
    });

    test('an API that breaks off, hangs up or is not HTTP never looks like an answer', async () => {
      upstream.answer = (request) => void request.socket.destroy();
      expect((await call('POST', '/api/orders', { headers: JSON_TYPE, body: '{}' })).status).toBe(502);
      upstream.answer = (request, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('half', () => void request.socket.destroy());
      };
      await expect(call('GET', '/api/orders')).rejects.toThrow();
      upstream.answer = (request, response) => {
        response.writeHead(200).write('half', () => void request.socket.destroy());
      };
      await expect(call('GET', '/api/orders')).rejects.toThrow();
    });

    test('streaming answers: headers and each event arrive when they are sent, and a client that leaves ends them', async () => {
      const left = new Promise<void>((resolve) => {
        upstream.answer = (_request, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.flushHeaders();
          response.once('close', resolve);
          events = response;
        };
      });
      let events!: NodeJS.WritableStream;
      const stream = await (http2 ? beginHttp2 : beginHttp1)(origin, '/api/events', { ...CSRF, cookie: `__Host-session=${sessionCookie()}` });
      expect(stream.type).toBe('text/event-stream');
      for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
        events.write(event);
        // eslint-disable-next-line no-await-in-loop
        expect(await stream.next()).toBe(event);
      }
      stream.leave();
      await left;
    });

    test('an upload of 100 MB passes', async () => {
      let bytes = 0;
      upstream.answer = (request, response) => {
        request.on('data', (chunk: Buffer) => (bytes += chunk.length)).once('end', () => response.end(String(bytes)));
      };
      const headers = { ...CSRF, cookie: `__Host-session=${sessionCookie()}`, 'content-type': 'application/octet-stream' };
      expect(await (http2 ? uploadHttp2 : uploadHttp1)(origin, '/api/upload', headers, 1600)).toBe(String(1600 * 65_536));
    });

    if (http2)
      test('a method in other letters is another one, and a request with it ends nothing, with a body or without', async () => {
        const headers = { ...CSRF, cookie: `__Host-session=${sessionCookie()}` };
        for (const [method, path] of [
          ['get', '/session/user'],
          ['Post', '/session/logout'],
          ['get', '/api/orders'],
          ['hEAD', '/api/orders'],
        ] as const)
          for (const body of [undefined, '{}'])
            // eslint-disable-next-line no-await-in-loop
            expect([404, 405], `${method} ${path}`).toContain((await callHttp2(origin, method, path, headers, body)).status);
        expect(upstream.seen).toEqual([]);
        expect((await callHttp2(origin, 'GET', '/session/user', headers)).text).toContain('alice');
      });

    if (http2)
      test('a pseudo header of HTTP/2 brings no second request and no other host', async () => {
        const headers = { ...CSRF, cookie: `__Host-session=${sessionCookie()}` };
        const paths = ['/api/x HTTP/1.1', '/api/ x', '/api/x#y', '/api/\\x', '/api/\u00e9', 'http://evil.example/api/../x'];
        // Node's own client may refuse to send some
        const statuses = await Promise.all(
          paths.map((path) =>
            callHttp2(origin, 'GET', path, headers).then(
              ({ status }) => status,
              () => 400,
            ),
          ),
        );
        expect(statuses.filter((status) => status < 400)).toEqual([]);
        expect(upstream.seen).toEqual([]);
        await callHttp2(origin, 'GET', '/api/orders', { ...headers, ':authority': 'evil.example', ':scheme': 'gopher' });
        expect(upstream.seen.map(({ url, headers: { host } }) => [url, host])).toEqual([['/orders', new URL(upstream.origin).host]]);
      });

    if (!http2)
      test('no adapter reads Host, or the host of a target', async () => {
        const lines = `host: evil.example\r\nx-forwarded-host: evil.example\r\nconnection: close\r\ncookie: __Host-session=${sessionCookie()}\r\nx-tokenward-csrf: 1`;
        const user = await exchange(origin, `GET /session/user HTTP/1.1\r\n${lines}\r\norigin: ${origin}\r\n\r\n`);
        expect(user).toMatch(/^HTTP\/1.1 200 [^]*"alice"/);
        const login = await exchange(origin, `GET /session/login HTTP/1.1\r\n${lines}\r\n\r\n`);
        expect(login).toContain(encodeURIComponent(`${origin}/session/callback`));
        expect(login).not.toContain('evil.example');
      });

    if (!http2)
      test('a WebSocket reaches the API, from a page of the app alone', async () => {
        const echo = new WebSocketServer({ server: upstream.server });
        echo.on('connection', (client) => client.on('message', (data) => client.send(`${(data as Buffer).toString()}!`)));
        const headers = { cookie: `__Host-session=${sessionCookie()}` };
        const url = `${origin.replace('http', 'ws')}/api/feed`;
        const socket = new WebSocket(url, { headers: { ...headers, origin } });
        await once(socket, 'open');
        socket.send('hello');
        expect(String((await once(socket, 'message'))[0])).toBe('hello!');
        socket.close();
        await once(socket, 'close');
        const other = new WebSocket(url, { headers: { ...headers, origin: 'https://evil.example' } });
        expect(String((await once(other, 'error'))[0])).toContain('403');
        echo.close();
      });
  });
});

/** Logs in at the provider, and returns the address of the callback. */
async function logInAt(url: string, origin: string, login: string): Promise<string> {
  const jar = new Map<string, string>();
  let next = url;
  let init: RequestInit = {};
  for (let hop = 0; hop < 10 && !next.startsWith(origin); hop++) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    // eslint-disable-next-line no-await-in-loop -- one page after the other
    const answer = await fetch(next, { ...init, redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) jar.set(/^[^=]+/.exec(line)![0], /=([^;]*)/.exec(line)![1]!);
    // eslint-disable-next-line no-await-in-loop
    await answer.body?.cancel();
    const location = answer.headers.get('location');
    init = location === null ? { method: 'POST', body: new URLSearchParams({ login }) } : {};
    if (location !== null) next = new URL(location, next).href;
  }
  return next;
}

async function callHttp1(origin: string, method: string, path: string, headers: Record<string, string>, body?: string): Promise<Answer> {
  const { port } = new URL(origin);
  const framing = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const sent = requestHttp({ host: '127.0.0.1', port, method, path, headers: { ...headers, ...framing } }).end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const text = Buffer.concat(await answer.toArray()).toString();
  return { status: answer.statusCode!, headers: answer.headers, text };
}

async function callHttp2(origin: string, method: string, path: string, headers: Record<string, string>, body?: string): Promise<Answer> {
  const client = connect(origin);
  try {
    const stream = client.request({ ':method': method, ':path': path, ...headers });
    stream.end(body);
    const [answered] = (await once(stream, 'response')) as [Record<string, string | undefined>];
    const text = Buffer.concat(await stream.toArray()).toString();
    return { status: Number(answered[':status']), headers: answered, text };
  } finally {
    client.close();
  }
}

interface Begun {
  readonly type: string | undefined;
  next(): Promise<string>;
  leave(): void;
}

async function beginHttp1(origin: string, path: string, headers: Record<string, string>): Promise<Begun> {
  const { port } = new URL(origin);
  const sent = requestHttp({ host: '127.0.0.1', port, path, headers }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { type: answer.headers['content-type'], next: async () => String((await once(answer, 'data'))[0]), leave: () => void answer.destroy() };
}

async function beginHttp2(origin: string, path: string, headers: Record<string, string>): Promise<Begun> {
  const client = connect(origin);
  const stream = client.request({ ':path': path, ...headers });
  const [answered] = (await once(stream, 'response')) as [Record<string, string | undefined>];
  return { type: answered['content-type'], next: async () => String((await once(stream, 'data'))[0]), leave: () => void client.destroy() };
}

const CHUNK = Buffer.alloc(65_536);

async function uploadHttp1(origin: string, path: string, headers: Record<string, string>, count: number): Promise<string> {
  const { port } = new URL(origin);
  const sent = requestHttp({ host: '127.0.0.1', port, method: 'POST', path, headers });
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  await writeAll(sent, count);
  return Buffer.concat(await (await answered)[0].toArray()).toString();
}

async function uploadHttp2(origin: string, path: string, headers: Record<string, string>, count: number): Promise<string> {
  const client = connect(origin);
  const stream = client.request({ ':method': 'POST', ':path': path, ...headers });
  await writeAll(stream, count);
  const text = Buffer.concat(await stream.toArray()).toString();
  client.close();
  return text;
}

async function writeAll(stream: NodeJS.WritableStream, count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    // eslint-disable-next-line no-await-in-loop
    if (!stream.write(CHUNK)) await once(stream, 'drain');
  }
  stream.end();
}

async function exchange(origin: string, text: string): Promise<string> {
  const socket = connectTcp(Number(new URL(origin).port), '127.0.0.1');
  socket.write(text);
  return Buffer.concat(await socket.toArray()).toString();
}
