import { getEventListeners, once } from 'node:events';
import { execFile } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { inspect, promisify } from 'node:util';
import { createResourceGuard, rawToken, TokenwardError, type Auth, type ConfigurationError } from '@tokenward/core';
import { createTokenExchange, TokenExchangeError, type ExchangeTarget, type TokenExchangeOptions } from '@tokenward/core/token-exchange';
import { createDpopClient, createTestClock, createTestIssuer, type TestClock, type TokenOptions } from '@tokenward/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ask, expectAllowed } from './guarded.js';

const execFileAsync = promisify(execFile);
const SECRET = 'PLANTED-client-secret';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Starts a server that answers as a test says, and remembers what it received. */
async function startServer(answer: (received: Received, response: ServerResponse) => unknown) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void text(request).then(async (body) => {
      const one = { method: request.method, url: request.url, headers: request.headers, body };
      received.push(one);
      const content = await answer(one, response);
      if (content !== undefined) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(content));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin, received };
}

interface SceneOptions {
  readonly options?: Partial<TokenExchangeOptions>;
  readonly target?: Partial<ExchangeTarget>;
  readonly token?: TokenOptions;
  /** The answer of the token endpoint. Default: a new token that is valid for 300 s. */
  readonly exchanged?: (received: Received, response: ServerResponse, count: number) => unknown;
  readonly called?: (received: Received, response: ServerResponse) => unknown;
}

/** An issuer with a token endpoint, an API of its own, another API, and the Auth of an admitted request. */
async function createScene({ options = {}, target = {}, token: wanted = {}, exchanged = issueToken, called = () => ({ ok: true }) }: SceneOptions = {}) {
  const clock = createTestClock();
  const issuer = await createTestIssuer({ clock });
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, clock });
  const endpoint = await startServer((received, response) => exchanged(received, response, endpoint.received.length));
  const api = await startServer(called);
  const exchange = createTokenExchange({
    issuer: issuer.issuer,
    clientId: 'orders-api',
    clientSecret: SECRET,
    tokenEndpoint: `${endpoint.origin}/token`,
    audiences: { billing: { origins: [api.origin], ...target } },
    clock,
    ...options,
  });
  onTestFinished(async () => {
    exchange.close();
    await guard.close();
    await issuer.close();
  });
  const admit = async (more: TokenOptions = {}): Promise<Auth<object>> =>
    expectAllowed(await ask(guard, await issuer.issueToken({ ...wanted, ...more }))).auth!;
  const auth = await admit();
  return { clock, issuer, guard, endpoint, api, exchange, admit, auth, call: exchange.fetchAs(auth, { audience: 'billing' }) };
}

/** An issuer whose metadata names the endpoint: at `/old`, the first exchange alone succeeds. */
async function createMovingScene(fail: (response: ServerResponse) => unknown) {
  const scene = await createScene({
    exchanged: (received, response, count) => (received.url === '/old' && count > 1 ? void fail(response) : issueToken(received, response, count)),
    options: { tokenEndpoint: undefined },
  });
  const { issuer, endpoint, api, exchange, auth } = scene;
  return {
    ...scene,
    naming: (path: string) => issuer.misbehave({ document: { issuer: issuer.issuer, token_endpoint: `${endpoint.origin}${path}` } }, 'metadata'),
    // each scope needs an exchange
    callFor: (scope: string) => exchange.fetchAs(auth, { audience: 'billing', scope })(api.origin),
  };
}

function issueToken(_received: Received, _response: ServerResponse, count: number): object {
  return { access_token: `PLANTED-exchanged-${count}`, issued_token_type: ACCESS_TOKEN, token_type: 'Bearer', expires_in: 300 };
}

function bearerOf({ headers }: Received): string | undefined {
  return headers.authorization;
}

/** The error of a call that must fail. It shows neither tokens nor secrets. */
async function failureOf(call: Promise<unknown>, ...secrets: readonly string[]): Promise<TokenExchangeError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TokenExchangeError);
  expect(error).toBeInstanceOf(TokenwardError);
  const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error);
  for (const secret of ['PLANTED', ...secrets]) expect(shown).not.toContain(secret);
  return error as TokenExchangeError;
}

async function misuseOf(call: Promise<unknown>): Promise<string> {
  const error = (await call.catch((reason: unknown) => reason)) as ConfigurationError;
  expect(error.code).toBe('TOKENWARD_CONFIGURATION');
  return error.message;
}

describe('exchanges the received token (RFC 8693)', () => {
  test('and calls the API with the new one', async () => {
    const { issuer, endpoint, api, auth, call } = await createScene({ target: { scope: 'invoices:read invoices:write' } });
    const response = await call(`${api.origin}/invoices?year=2026`, { method: 'POST', headers: { 'x-id': '7' }, body: 'hello' });
    expect(await response.json()).toEqual({ ok: true });
    const [asked] = endpoint.received;
    expect(asked).toMatchObject({ method: 'POST', url: '/token' });
    expect(asked!.headers).toMatchObject({
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from(`orders-api:${SECRET}`).toString('base64')}`,
    });
    expect(Object.fromEntries(new URLSearchParams(asked!.body))).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: rawToken(auth),
      subject_token_type: ACCESS_TOKEN,
      requested_token_type: ACCESS_TOKEN,
      audience: 'billing',
      scope: 'invoices:read invoices:write',
    });
    expect(api.received).toMatchObject([
      { method: 'POST', url: '/invoices?year=2026', body: 'hello', headers: { 'x-id': '7', authorization: 'Bearer PLANTED-exchanged-1' } },
    ]);
    expect(issuer.requests.metadata).toBe(1);
  });

  test('names a resource instead of an audience, and another scope', async () => {
    const { endpoint, api, exchange, auth } = await createScene({ target: { resource: 'https://billing.example.com/', scope: 'a' } });
    await exchange.fetchAs(auth, { audience: 'billing', scope: 'b c' })(api.origin);
    const form = new URLSearchParams(endpoint.received[0]!.body);
    expect([form.get('resource'), form.get('audience'), form.get('scope')]).toEqual(['https://billing.example.com/', null, 'b c']);
  });

  test('finds the token endpoint in the metadata', async () => {
    const { issuer, exchange } = await createScene({ options: { tokenEndpoint: undefined } });
    await exchange.warm();
    expect(exchange.health()).toEqual({ endpoint: `${issuer.issuer}/token`, entries: 0, exchanging: 0, waiting: 0, lastError: undefined });
  });
});

describe('rule 246: a token is sent to listed origins only', () => {
  test.each([
    ['another host', 'https://billing.example.com/'],
    ['another port', 'http://127.0.0.1:1/'],
    ['another scheme', 'https://127.0.0.1/'],
    ['a name that begins with the origin', 'http://127.0.0.1.example.com/'],
    ['a user that looks like the origin', 'http://127.0.0.1@example.com/'],
    ['a file', 'file:///etc/passwd'],
    ['data', 'data:text/plain,x'],
    ['another host behind backslashes', 'https:\\\\example.com\\'],
  ])('not to %s', async (_name, url) => {
    const { endpoint, api, call } = await createScene();
    const error: TokenwardError = (await call(url).catch((reason: unknown) => reason as TokenwardError)) as TokenwardError;
    expect(['TOKENWARD_TOKEN_EXCHANGE', 'TOKENWARD_CONFIGURATION']).toContain(error.code);
    expect([endpoint.received.length, api.received.length]).toEqual([0, 0]);
  });

  test('with the audience that belongs to them, as a string or a URL', async () => {
    const other = await startServer(() => ({}));
    const { api, exchange, auth } = await createScene({ options: {} });
    const two = createTokenExchange({
      audiences: { one: { origins: [api.origin], unsafeRelayReceivedToken: true }, two: { origins: [other.origin], unsafeRelayReceivedToken: true } },
    });
    expect((await failureOf(two.fetchAs(auth, { audience: 'one' })(`${other.origin}/secret-path`), 'secret-path')).reason).toBe('origin_not_listed');
    expect((await failureOf(two.fetchAs(auth, { audience: 'one' })(`blob:${api.origin}/x`))).reason).toBe('origin_not_listed');
    expect((await two.fetchAs(auth, { audience: 'two' })(new URL('/x', other.origin))).status).toBe(200);
    expect(exchange.health().entries).toBe(0);
  });

  test('not by a redirect, which is returned', async () => {
    const thief = await startServer(() => ({}));
    const { api, call } = await createScene({ called: (_received, response) => void response.writeHead(307, { location: `${thief.origin}/` }).end() });
    expect((await call(api.origin)).status).toBe(307);
    expect(await misuseOf(call(api.origin, { redirect: 'follow' }))).toMatch(/redirect/);
    expect((await failureOf(call(api.origin, { redirect: 'error' }))).reason).toBe('unreachable');
    expect(thief.received).toHaveLength(0);
  });

  test("and no answer is returned for which the app's own fetch has followed a redirect", async () => {
    const other = await startServer(() => ({ of: 'another page' }));
    let cancelled = 0;
    const apiFetch: typeof fetch = async (url, init) => {
      const response = await fetch(url, { ...init, redirect: 'follow' });
      response.body!.cancel = () => Promise.reject(new Error(`cancelled ${++cancelled}`));
      return response;
    };
    const { api, call } = await createScene({
      options: { apiFetch },
      called: ({ url }, response) => (url === '/moved' ? void response.writeHead(302, { location: `${other.origin}/secret-path` }).end() : {}),
    });
    const error = await failureOf(call(`${api.origin}/moved`), 'secret-path', 'another page', other.origin);
    expect(error).toMatchObject({ reason: 'unreachable', message: expect.stringMatching(/:\d+: apiFetch has followed a redirect/) as unknown });
    expect(cancelled).toBe(1);
    expect((await call(api.origin)).status).toBe(200);
  });

  test("also if the other fetch's bodies cannot be cancelled", async () => {
    const apiFetch = async () => ({ status: 200, redirected: true, body: {} }) as Response;
    const { api, call } = await createScene({ options: { apiFetch } });
    expect((await failureOf(call(api.origin))).reason).toBe('unreachable');
    const statuses = [200, 401, 200];
    const other = await createScene({ options: { apiFetch: async () => ({ status: statuses.shift(), headers: new Headers(), body: {} }) as Response } });
    for (const status of [200, 200]) expect((await other.call(other.api.origin)).status).toBe(status);
  });

  test.each(['authorization', 'Authorization', 'dpop', 'proxy-authorization'])('not beside a header %s of the caller', async (name) => {
    const { api, call } = await createScene();
    expect(await misuseOf(call(api.origin, { headers: { [name]: 'x' } }))).toMatch(/headers must not contain/);
    expect(api.received).toHaveLength(0);
  });

  test.each(['', '/invoices', 'not a url', 'http://user:PLANTED@127.0.0.1/'])('and not to %j, which is misuse', async (url) => {
    const { call } = await createScene();
    expect(await misuseOf(call(url))).not.toContain('PLANTED');
    expect(await misuseOf(call({ href: url } as never))).toMatch(/absolute URL/);
  });

  test('not by what fetch would convert to "follow", nor by an answer of a getter that changes', async () => {
    const elsewhere = await startServer(() => ({ stolen: true }));
    const { api, call } = await createScene({ called: (_received, response) => void response.writeHead(307, { location: elsewhere.origin }).end() });
    for (const redirect of [new String('manual'), new String('follow'), ['follow'], 'FOLLOW', null, 1])
      expect(await misuseOf(call(api.origin, { redirect: redirect as never }))).toMatch(/redirect must be/);
    expect(api.received).toHaveLength(0);
    let reads = 0;
    const changing = {
      get redirect() {
        return reads++ === 0 ? ('manual' as const) : ('follow' as const);
      },
    };
    await call(api.origin, changing).catch(() => {});
    expect(elsewhere.received).toHaveLength(0);
    expect(await misuseOf(call(api.origin, new Request(api.origin, { method: 'POST', redirect: 'manual' })))).toMatch(/not a Request/);
    expect(await misuseOf(call(api.origin, { body: 'x' }))).toMatch(/has no body/);
  });

  test('not for another host on the same server, and not with a host of the caller', async () => {
    const seen: (string | null)[] = [];
    const apiFetch: typeof fetch = async (_url, init) => (seen.push(new Headers(init!.headers).get('host')), new Response());
    const { api, call } = await createScene({ options: { apiFetch } });
    await call(api.origin, { headers: { Host: 'tenant-2.example' } });
    expect(seen).toEqual([null]);
    for (const spelling of [api.origin.replace('127.0.0.1', 'localhost'), api.origin.replace('//', '//x@')])
      await expect(call(spelling)).rejects.toThrow(/not one of the origins|user name/);
    // other spellings of the same address lead nowhere else
    expect((await call(api.origin.replace('127.0.0.1', '0x7f.1'))).status).toBe(200);
  });

  test('to a loopback address not by a proxy, which could read it', async () => {
    const seen: string[] = [];
    const proxy = createServer((request) => void seen.push(String(request.headers.authorization))).on('connect', (_request, socket: Socket) => {
      socket.on('data', (data) => seen.push(String(data))).write('HTTP/1.1 200 OK\r\n\r\n');
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    onTestFinished(() => void proxy.close());
    const { issuer, api } = await createScene();
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const script = `
      import { createResourceGuard } from '@tokenward/core';
      import { createTokenExchange } from '@tokenward/core/token-exchange';
      const guard = createResourceGuard({ issuer: '${issuer.issuer}', audience: '${issuer.audience}' });
      const headers = { authorization: 'Bearer ${await issuer.issueToken()}' };
      const { auth } = await guard.check({ method: 'GET', target: '/', headers });
      const { fetchAs } = createTokenExchange({ audiences: { a: { origins: ['${api.origin}'], unsafeRelayReceivedToken: true } } });
      console.log(await fetchAs(auth, { audience: 'a' })('${api.origin}').then((answer) => answer.status, (error) => error.message));
      process.exit();`;
    const run = async (env: Record<string, string>): Promise<string> =>
      (
        await execFileAsync(process.execPath, ['--input-type=module', '-e', script], {
          cwd: import.meta.dirname,
          env: { ...env, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: address },
        })
      ).stdout;
    expect(await run({})).toMatch(/Add 127\.0\.0\.1 to NO_PROXY/);
    expect(api.received).toHaveLength(0);
    expect(await run({ NO_PROXY: 'localhost,127.0.0.1' })).toMatch(/^200/);
    expect(seen).toEqual([]);
  });

  test('and not while certificates are not checked', async () => {
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    onTestFinished(
      () => void (before === undefined ? delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'] : (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before)),
    );
    const { exchange, auth } = await createScene({ target: { origins: ['https://127.0.0.1:1'] } });
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    expect(await misuseOf(exchange.fetchAs(auth, { audience: 'billing' })('https://127.0.0.1:1'))).toMatch(/NODE_EXTRA_CA_CERTS/);
  });
});

describe('rule 247: exchanged tokens are kept for a time', () => {
  test('per received token, audience and scope; calls that come together share an exchange', async () => {
    const { endpoint, api, exchange, auth, admit, call } = await createScene();
    await Promise.all([call(api.origin), call(api.origin), exchange.fetchAs(auth, { audience: 'billing' })(api.origin)]);
    expect(endpoint.received).toHaveLength(1);
    await exchange.fetchAs(auth, { audience: 'billing', scope: 'a' })(api.origin);
    expect(endpoint.received).toHaveLength(2);
    await exchange.fetchAs(await admit(), { audience: 'billing' })(api.origin);
    expect(endpoint.received).toHaveLength(3);
    await call(api.origin);
    expect(endpoint.received).toHaveLength(3);
    expect(api.received.map(bearerOf)).toEqual([1, 1, 1, 2, 3, 1].map((count) => `Bearer PLANTED-exchanged-${count}`));
    expect(exchange.health().entries).toBe(3);
  });

  test.each<[string, object, TokenOptions, number]>([
    ['cacheSeconds', { cacheSeconds: 60 }, {}, 60],
    ['300 seconds by default', {}, { lifetimeSeconds: 3600 }, 300],
    ['the expiry of the received token', {}, { lifetimeSeconds: 100 }, 95],
    ['the expiry of the new token', { expiresIn: 30 }, {}, 25],
  ])('never beyond %s', async (_name, { expiresIn = 10_000, ...options }: { expiresIn?: number } & Partial<TokenExchangeOptions>, token, seconds) => {
    const exchanged = (...[, , count]: [Received, ServerResponse, number]): object => ({
      ...issueToken({} as Received, {} as ServerResponse, count),
      expires_in: expiresIn,
    });
    const { endpoint, api, clock, call } = await createScene({ options, token, exchanged });
    await call(api.origin);
    clock.advance(seconds - 1);
    await call(api.origin);
    expect(endpoint.received).toHaveLength(1);
    clock.advance(1);
    await call(api.origin);
    expect(endpoint.received).toHaveLength(2);
  });

  test.each<[string, (clock: TestClock) => void]>([
    ['while the process was suspended, and the monotonic clock with it', (clock) => clock.skewWall(25)],
    ['although the wall clock was set back', (clock) => (clock.skewWall(-20), clock.advance(25))],
  ])('never beyond the expiry of the new token, %s', async (_name, pass) => {
    const exchanged = (...[received, response, count]: [Received, ServerResponse, number]): object => ({
      ...issueToken(received, response, count),
      expires_in: 30,
    });
    const { endpoint, api, clock, call } = await createScene({ token: { lifetimeSeconds: 3600 }, exchanged });
    await call(api.origin);
    pass(clock);
    await call(api.origin);
    expect(api.received.map(bearerOf)).toEqual([1, 2].map((count) => `Bearer PLANTED-exchanged-${count}`));
    expect(endpoint.received).toHaveLength(2);
  });

  test.each([undefined, '300', null, -1, 4])('not at all if expires_in is %j', async (expiresIn) => {
    const exchanged = (...[received, response, count]: [Received, ServerResponse, number]): object => ({
      ...issueToken(received, response, count),
      expires_in: expiresIn,
    });
    const { endpoint, api, exchange, call } = await createScene({ exchanged });
    await call(api.origin);
    await call(api.origin);
    expect(endpoint.received).toHaveLength(2);
    expect(exchange.health().entries).toBe(0);
  });

  test('and no more than maxEntries', async () => {
    const { endpoint, api, exchange, auth } = await createScene({ options: { maxEntries: 2 } });
    for (const scope of ['a', 'b', 'c', 'a']) await exchange.fetchAs(auth, { audience: 'billing', scope })(api.origin);
    expect(endpoint.received).toHaveLength(4);
    expect(exchange.health().entries).toBe(2);
  });

  test('a failure is not kept', async () => {
    const { endpoint, api, call } = await createScene({
      exchanged: (received, response, count) => (count === 1 ? void response.writeHead(500).end() : issueToken(received, response, count)),
    });
    expect((await failureOf(call(api.origin))).reason).toBe('unavailable');
    expect((await call(api.origin)).status).toBe(200);
    expect(endpoint.received).toHaveLength(2);
  });
});

describe('rule 248: which tokens are exchanged or relayed', () => {
  test('none that has expired or was revoked', async () => {
    const { clock, guard, issuer, endpoint, api, exchange, admit, call } = await createScene({ token: { lifetimeSeconds: 600 } });
    expect((await call(api.origin)).status).toBe(200);
    const other = await admit();
    await guard.revocations.revoke({ tokenId: other.tokenId!, issuer: issuer.issuer });
    expect((await failureOf(exchange.fetchAs(other, { audience: 'billing' })(api.origin))).reason).toBe('token_ended');
    clock.advance(700);
    expect((await failureOf(call(api.origin))).reason).toBe('token_ended');
    expect([endpoint.received.length, api.received.length]).toEqual([1, 1]);
  });

  test('a revocation and the end of the guard end calls at once, though signals are told later', async () => {
    for (const end of ['revocation', 'close'] as const) {
      const { guard, issuer, api, auth, call } = await createScene();
      expect(auth.signal.aborted).toBe(false);
      // after this, the next check of all signals is a moment away
      await guard.revocations.revoke({ subject: 'somebody-else', issuer: issuer.issuer });
      expect((await call(api.origin)).status).toBe(200);
      await (end === 'close' ? guard.close() : guard.revocations.revoke({ subject: auth.subject!, issuer: issuer.issuer }));
      expect((await failureOf(call(api.origin))).reason).toBe('token_ended');
      expect(api.received).toHaveLength(1);
    }
  });

  test('none of another issuer', async () => {
    const { endpoint, api, call } = await createScene({ options: { issuer: 'https://login.example.com' } });
    expect((await failureOf(call(api.origin))).reason).toBe('other_issuer');
    expect(endpoint.received).toHaveLength(0);
  });

  test('none without a guard', async () => {
    const { exchange, auth } = await createScene();
    for (const value of [{ ...auth }, structuredClone(auth), {}, null])
      expect(() => exchange.fetchAs(value as Auth<object>, { audience: 'billing' })).toThrow();
  });

  test('a received token is relayed only by an option, and only if it is not bound', async () => {
    const { api, auth, guard, issuer } = await createScene();
    const relay = createTokenExchange({ audiences: { legacy: { origins: [api.origin], unsafeRelayReceivedToken: true } } });
    expect((await relay.fetchAs(auth, { audience: 'legacy' })(api.origin)).status).toBe(200);
    expect(api.received.map(bearerOf)).toEqual([`Bearer ${rawToken(auth)}`]);
    await relay.warm();
    expect(relay.health()).toMatchObject({ endpoint: undefined, entries: 0 });
    relay.close();
    expect(guard.health().ready).toBe(true);
    for (const cnf of [{ jkt: 'x' }, { 'x5t#S256': 'y' }, {}, 'odd']) {
      const bound = boundAuth(auth, cnf);
      expect((await failureOf(relay.fetchAs(bound, { audience: 'legacy' })(api.origin))).reason).toBe('sender_constrained');
    }
    expect(issuer.requests.jwks).toBe(1);
    expect(api.received).toHaveLength(1);
  });

  test('a token that a guard admitted with its DPoP proof is exchanged, and never forwarded', async () => {
    const { clock, issuer, guard, endpoint, api, exchange } = await createScene();
    const client = await createDpopClient({ clock });
    const token = await issuer.issueToken({ claims: client.claims });
    const request = { method: 'GET', target: '/', origin: 'https://api.example.test' };
    const headers = { ...client.authorizationHeaders({ url: `${request.origin}/` }, token) };
    const bound = expectAllowed(await guard.check({ ...request, headers })).auth!;
    expect((await exchange.fetchAs(bound, { audience: 'billing' })(api.origin)).status).toBe(200);
    expect(new URLSearchParams(endpoint.received[0]!.body).get('subject_token')).toBe(token);
    expect(api.received.map(bearerOf)).toEqual(['Bearer PLANTED-exchanged-1']);
    expect(api.received[0]!.headers).not.toHaveProperty('dpop');
    const relay = createTokenExchange({ audiences: { legacy: { origins: [api.origin], unsafeRelayReceivedToken: true } } });
    onTestFinished(() => relay.close());
    expect((await failureOf(relay.fetchAs(bound, { audience: 'legacy' })(api.origin))).reason).toBe('sender_constrained');
    expect([endpoint.received.length, api.received.length]).toEqual([1, 1]);
  });
});

/** An Auth whose token has a `cnf`. Proofs are not what this is about. */
function boundAuth(auth: Auth<object>, cnf: unknown): Auth<object> {
  const claims = { ...auth.claims, cnf };
  return {
    ...auth,
    signal: auth.signal,
    [Symbol.for('tokenward.rawClaims')]: () => claims,
    [Symbol.for('tokenward.rawToken')]: () => rawToken(auth),
  };
}

describe('rule 249: answers of the authorization server', () => {
  const good = issueToken({} as Received, {} as ServerResponse, 0);

  test.each<[string, object | string]>([
    ['no token', { ...good, access_token: undefined }],
    ['a token that cannot be sent', { ...good, access_token: 'PLANTED\r\nx: y' }],
    ['a token that is too long', { ...good, access_token: 'x'.repeat(20_000) }],
    ['a token that is a list', { ...good, access_token: ['PLANTED'] }],
    ['no issued_token_type', { ...good, issued_token_type: undefined }],
    ['a refresh token', { ...good, issued_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
    ['an ID token', { ...good, issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' }],
    ['a DPoP token', { ...good, token_type: 'DPoP' }],
    ['a token that is not for access', { ...good, token_type: 'N_A' }],
    ['no token_type', { ...good, token_type: undefined }],
    ['a list', [good]],
    ['a duplicated member', `{"access_token":"PLANTED-a","access_token":"PLANTED-b","issued_token_type":"${ACCESS_TOKEN}","token_type":"Bearer"}`],
    ['no JSON', 'PLANTED'],
  ])('%s is of no use', async (_name, content) => {
    const { api, call } = await createScene({
      exchanged: (_received, response) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end(typeof content === 'string' ? content : JSON.stringify(content)),
    });
    expect(await failureOf(call(api.origin))).toMatchObject({ reason: 'unusable_answer', status: 200 });
    expect(api.received).toHaveLength(0);
  });

  test.each<[number, object, Readonly<Record<string, string>>, object]>([
    [400, { error: 'invalid_target', error_description: 'PLANTED' }, {}, { reason: 'refused', error: 'invalid_target' }],
    [400, { error: 'invalid_grant' }, {}, { reason: 'refused', error: 'invalid_grant' }],
    [400, { error: 'PLANTED <script>' }, {}, { reason: 'refused', error: undefined }],
    [401, { error: 'invalid_client' }, {}, { reason: 'refused', error: 'invalid_client' }],
    [403, {}, {}, { reason: 'refused' }],
    [404, {}, {}, { reason: 'unavailable' }],
    [302, {}, { location: 'https://thief.example/' }, { reason: 'unavailable' }],
    [429, { error: 'slow_down' }, { 'retry-after': '7' }, { reason: 'unavailable', retryAfterSeconds: 7 }],
    [503, { error: 'temporarily_unavailable' }, { 'retry-after': 'soon' }, { reason: 'unavailable', retryAfterSeconds: undefined }],
  ])('status %i with %j', async (status, content, headers, expected) => {
    const { endpoint, api, exchange, call } = await createScene({
      exchanged: (_received, response) => void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(content)),
    });
    const error = await failureOf(call(api.origin));
    expect(error).toMatchObject({ ...expected, status });
    expect(exchange.health().lastError).toBe(error.message);
    expect([endpoint.received.length, api.received.length]).toEqual([1, 0]);
  });

  test('an answer that is too large, and one that does not come', async () => {
    const large = await createScene({ exchanged: (received, response, count) => ({ ...issueToken(received, response, count), more: 'x'.repeat(70_000) }) });
    expect((await failureOf(large.call(large.api.origin))).reason).toBe('unavailable');
    const silent = await createScene({ exchanged: () => undefined, options: { timeoutSeconds: 0.1 } });
    expect((await failureOf(silent.call(silent.api.origin))).message).toMatch(/no complete answer within 0.1 s/);
  });

  test.each<[string, (response: ServerResponse) => unknown]>([
    ['answers 404', (response) => response.writeHead(404, { 'content-type': 'application/json' }).end('{}')],
    ['resets the connection', ({ socket }) => socket!.resetAndDestroy()],
  ])(
    'rule 61: after the endpoint %s, no call waits for metadata that hangs',
    async (_name, fail) => {
      let isDown = false;
      const { issuer, endpoint, api, exchange, auth } = await createScene({
        exchanged: (received, response, count) => (isDown && received.url === '/old' ? void fail(response) : issueToken(received, response, count)),
        options: { tokenEndpoint: undefined, timeoutSeconds: 30 },
      });
      const naming = (path: string) => issuer.misbehave({ document: { issuer: issuer.issuer, token_endpoint: `${endpoint.origin}${path}` } }, 'metadata');
      // each scope needs an exchange
      const callFor = (scope: string) => exchange.fetchAs(auth, { audience: 'billing', scope })(api.origin);
      naming('/old');
      expect((await callFor('a')).status).toBe(200);
      issuer.misbehave('hang', 'metadata');
      isDown = true;
      expect((await failureOf(callFor('b'))).reason).toBe('unavailable');
      isDown = false;
      expect((await callFor('b')).status).toBe(200);
      expect(exchange.health().endpoint).toBe(`${endpoint.origin}/old`);
    },
    10_000,
  );

  test.each<[string, (response: ServerResponse) => unknown]>([
    ['404', (response) => response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not_found"}')],
    ['a redirect', (response) => response.writeHead(302, { location: 'https://elsewhere.example/' }).end()],
    ['500', (response) => response.writeHead(500).end()],
    ['502', (response) => response.writeHead(502).end()],
    ['503', (response) => response.writeHead(503, { 'content-type': 'application/json' }).end('{"error":"temporarily_unavailable"}')],
    ['a page', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Moved')],
    ['an answer without a token', (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"up"}')],
  ])('rule 61: an endpoint that has moved is found after one call that got %s', async (_what, fail) => {
    const { naming, endpoint, callFor, exchange } = await createMovingScene(fail);
    naming('/old');
    expect((await callFor('a')).status).toBe(200);
    naming('/new');
    await failureOf(callFor('b'));
    await vi.waitFor(() => expect(exchange.health().endpoint).toBe(`${endpoint.origin}/new`));
    expect((await callFor('b')).status).toBe(200);
  });

  test('rule 61: an endpoint that refuses has not moved', async () => {
    const { issuer, naming, callFor } = await createMovingScene((response) =>
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_target"}'),
    );
    naming('/old');
    expect((await callFor('a')).status).toBe(200);
    const read = issuer.requests.metadata;
    for (const scope of ['b', 'c']) expect((await failureOf(callFor(scope))).reason).toBe('refused');
    expect(issuer.requests.metadata).toBe(read);
  });

  test('rule 61: however many calls fail, the metadata is read once in 10 seconds, and health() says why it cannot be read', async () => {
    const { issuer, clock, naming, endpoint, callFor, exchange } = await createMovingScene((response) => response.writeHead(502).end());
    naming('/old');
    expect((await callFor('a')).status).toBe(200);
    issuer.misbehave('error', 'metadata');
    const before = issuer.requests.metadata;
    const fail = async (): Promise<void> => {
      for (const scope of ['b', 'c', 'd']) expect((await failureOf(callFor(scope))).status).toBe(502);
      // so that a search which they began would have ended
      await vi.waitFor(() => expect(exchange.health().lastError).toMatch(/answered with status 502; .*openid-configuration: answered with status 500/));
    };
    await fail();
    clock.advance(9.9);
    await fail();
    expect([issuer.requests.metadata - before, exchange.health().endpoint]).toEqual([1, `${endpoint.origin}/old`]);
    naming('/new');
    clock.advance(0.1);
    expect((await failureOf(callFor('b'))).status).toBe(502);
    await vi.waitFor(() => expect(exchange.health().endpoint).toBe(`${endpoint.origin}/new`));
    expect(issuer.requests.metadata - before).toBe(2);
    expect((await callFor('b')).status).toBe(200);
    expect(exchange.health().lastError).toBeUndefined();
  });

  test('rule 61: while the endpoint was never found, and the metadata cannot be read, calls pause between attempts', async () => {
    const { issuer, clock, endpoint, api, exchange, auth } = await createScene({ options: { tokenEndpoint: undefined } });
    // each scope needs an exchange
    const callFor = (scope: string) => exchange.fetchAs(auth, { audience: 'billing', scope })(api.origin);
    issuer.misbehave('error', 'metadata');
    const before = issuer.requests.metadata;
    const failures: TokenExchangeError[] = [];
    for (let at = 0; at < 10; at++) failures.push(await failureOf(callFor(`s${at}`)));
    expect(issuer.requests.metadata - before).toBe(3);
    for (const { reason, message } of failures)
      expect([reason, message]).toEqual(['unavailable', expect.stringMatching(/openid-configuration: answered with status 500/)]);
    expect(failures[9]!.retryAfterSeconds).toBe(1);
    clock.advance(1);
    for (let at = 0; at < 3; at++) await failureOf(callFor(`s${at}`));
    expect(issuer.requests.metadata - before).toBe(4);
    issuer.misbehave({ document: { issuer: issuer.issuer, token_endpoint: `${endpoint.origin}/token` } }, 'metadata');
    clock.advance(1.9);
    expect((await failureOf(callFor('a'))).retryAfterSeconds).toBe(1);
    await exchange.warm();
    expect((await callFor('a')).status).toBe(200);
    expect(issuer.requests.metadata - before).toBe(5);
  });

  test('exchanges are limited, and end when the exchange is closed', async () => {
    const { endpoint, api, exchange, auth } = await createScene({
      exchanged: () => undefined,
      options: { maxConcurrent: 2, maxQueued: 1, timeoutSeconds: 30 },
    });
    const calls = ['a', 'b', 'c', 'd'].map((scope) => failureOf(exchange.fetchAs(auth, { audience: 'billing', scope })(api.origin)));
    expect(await calls[3]).toMatchObject({ reason: 'unavailable', retryAfterSeconds: 1 });
    expect(exchange.health()).toMatchObject({ exchanging: 2, waiting: 1 });
    exchange.close();
    for (const error of await Promise.all(calls)) expect(error.reason).toBe('unavailable');
    expect(exchange.health()).toMatchObject({ exchanging: 0, waiting: 0, entries: 0 });
    expect((await failureOf(exchange.fetchAs(auth, { audience: 'billing' })(api.origin))).message).toMatch(/closed/);
    expect(endpoint.received.length).toBeLessThanOrEqual(2);
  });
});

describe('the called API', () => {
  test('that answers 401 to a kept token gets a new one, once', async () => {
    let accepted = 'Bearer PLANTED-exchanged-1';
    const { endpoint, api, call } = await createScene({
      called: (received, response) =>
        bearerOf(received) === accepted ? {} : void response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end(),
    });
    expect((await call(api.origin)).status).toBe(200);
    accepted = 'Bearer PLANTED-exchanged-2';
    expect((await call(api.origin, { method: 'POST', body: 'again' })).status).toBe(200);
    expect(api.received.map(({ body }) => body)).toEqual(['', 'again', 'again']);
    expect(endpoint.received).toHaveLength(2);
    accepted = 'none';
    expect((await call(api.origin)).status).toBe(401);
    expect([endpoint.received.length, api.received.length]).toEqual([3, 5]);
  });

  test('is not called again with a new token, a stream, or if it asks for another login', async () => {
    const answers: Record<string, string>[] = [{}, {}, {}, { 'www-authenticate': 'Bearer error="insufficient_user_authentication", acr_values="high"' }];
    let status = 401;
    const { endpoint, api, call } = await createScene({ called: (_received, response) => void response.writeHead(status, answers.shift()).end() });
    expect((await call(api.origin)).status).toBe(401);
    status = 200;
    await call(api.origin);
    status = 401;
    const body = new ReadableStream({ start: (controller) => (controller.enqueue(Buffer.from('x')), controller.close()) });
    expect((await call(api.origin, { method: 'POST', body, duplex: 'half' })).status).toBe(401);
    expect((await call(api.origin)).status).toBe(401);
    expect([endpoint.received.length, api.received.length]).toEqual([1, 4]);
  });

  test('that cannot be reached, or is silent, is an error that names only its origin', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const origin = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`;
    closed.close();
    const gone = await createScene({ target: { origins: [origin] } });
    const error = await failureOf(gone.exchange.fetchAs(gone.auth, { audience: 'billing' })(`${origin}/secret-path?secret=1`), 'secret');
    expect(error).toMatchObject({ reason: 'unreachable', message: expect.stringMatching(/^tokenward: http:\/\/127.0.0.1:\d+: .*ECONNREFUSED/) as unknown });
    const silent = await createScene({ called: () => undefined, options: { callTimeoutSeconds: 0.1 } });
    expect((await failureOf(silent.call(silent.api.origin))).message).toMatch(/no answer within 0.1 s/);
    const odd = await createScene({ options: { apiFetch: () => Promise.reject(new Error('PLANTED')) } });
    expect((await failureOf(odd.call(odd.api.origin))).reason).toBe('unreachable');
  });

  test('rule 249: a replaced global fetch may quote the request in its errors, the error does not', async () => {
    const { api, call } = await createScene();
    const quoting = (async (url: string, init: RequestInit) => {
      const told = `no route for ${url} with ${new Headers(init.headers).get('authorization')}`;
      throw new TypeError(told, { cause: new Error(told) });
    }) as typeof fetch;
    vi.stubGlobal('fetch', quoting);
    onTestFinished(() => void vi.unstubAllGlobals());
    expect((await failureOf(call(`${api.origin}/secret-path`), 'secret-path')).reason).toBe('unreachable');
  });

  test("the caller's signal ends the call with its reason, and not the exchange", async () => {
    let finish!: () => void;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const { endpoint, api, call } = await createScene({
      exchanged: async (received, response, count) => {
        await finished;
        return issueToken(received, response, count);
      },
    });
    const aborting = new AbortController();
    const aborted = call(api.origin, { signal: aborting.signal });
    const other = call(api.origin);
    aborting.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await expect(call(api.origin, { signal: aborting.signal })).rejects.toThrow('enough');
    while (endpoint.received.length === 0) await new Promise(setImmediate);
    finish();
    expect((await other).status).toBe(200);
    expect(getEventListeners(aborting.signal, 'abort')).toHaveLength(0);
    const lasting = new AbortController();
    await call(api.origin, { signal: lasting.signal });
    expect(getEventListeners(lasting.signal, 'abort')).toHaveLength(0);
  });

  test("gets the token by the app's own fetch, which is asked not to follow redirects", async () => {
    const seen: RequestInit[] = [];
    const { api, call } = await createScene({ options: { apiFetch: async (_url, init) => (seen.push(init!), new Response('own')) } });
    expect(await (await call(`${api.origin}/x`)).text()).toBe('own');
    expect(seen).toMatchObject([{ redirect: 'manual' }]);
    expect(new Headers(seen[0]!.headers).get('authorization')).toBe('Bearer PLANTED-exchanged-1');
  });
});

describe('options that cannot be right stop the start, and show no secret', () => {
  const good = { issuer: 'https://login.example.com', clientId: 'c', clientSecret: SECRET, audiences: { a: { origins: ['https://a.example.com'] } } };
  const target = (more: object): object => ({ audiences: { a: { origins: ['https://a.example.com'], ...more } } });

  test.each<[string, object, RegExp]>([
    ['no audiences', { audiences: {} }, /audiences: must be an object with 1 to 100/],
    ['a list of audiences', { audiences: ['a'] }, /audiences: must be an object/],
    ['no origins', { audiences: { a: {} } }, /audiences.a.origins: is missing/],
    ['an empty list', target({ origins: [] }), /audiences.a.origins: must be a list of one or more/],
    ['plain http', target({ origins: ['http://a.example.com'] }), /origins: .*https/],
    ['a path', target({ origins: ['https://a.example.com/x'] }), /must be an origin/],
    ['a slash at the end', target({ origins: ['https://a.example.com/'] }), /must be an origin/],
    ['a default port', target({ origins: ['https://a.example.com:443'] }), /must be an origin/],
    ['a name under localhost by plain http', target({ origins: ['http://billing.localhost:8080'] }), /may lead to another machine/],
    ['a pattern', target({ origins: ['https://*.example.com'] }), /audiences.a.origins/],
    ['an odd scope', target({ scope: 'a  b' }), /scope: must be one or more scopes/],
    ['a relative resource', target({ resource: 'billing' }), /resource: must be an absolute URI/],
    ['an unknown member', target({ scopes: 'a' }), /scopes: is not an option: did you mean scope/],
    [
      'a scope for a relay',
      { ...target({ scope: 'a', unsafeRelayReceivedToken: true }), issuer: undefined, clientId: undefined, clientSecret: undefined },
      /scope: has no effect/,
    ],
    ['a client for relays only', target({ unsafeRelayReceivedToken: true }), /issuer: has no effect/],
    ['no issuer', { issuer: undefined }, /issuer: is missing/],
    ['no client', { clientId: undefined }, /clientId: is missing/],
    ['no secret', { clientSecret: undefined }, /clientSecret: is missing/],
    ['two kinds of credentials', { authentication: 'none' }, /clientSecret: cannot be combined/],
    ['an issuer that is no URL', { issuer: 'PLANTED' }, /issuer: is not an absolute URL/],
    ['an unknown option', { secret: SECRET }, /secret: is not an option/],
    ['a negative time', { cacheSeconds: -1 }, /cacheSeconds: must be a number/],
  ])('%s', (_name, more, message) => {
    const make = (): unknown => createTokenExchange({ ...good, ...more });
    expect(make).toThrow(message);
    expect(make).not.toThrow(/PLANTED/);
    expect(createTokenExchange(good as TokenExchangeOptions).health().entries).toBe(0);
  });

  test('nor does what they create show one', async () => {
    const { api, exchange, call, auth } = await createScene();
    await call(api.origin);
    for (const value of [exchange, call]) expect(inspect(value, { depth: 20, showHidden: true })).not.toMatch(/PLANTED|eyJ/);
    for (const wanted of [{ audience: 'other' }, { audience: 7 }, { audience: 'billing', scope: '"' }, {}, undefined, { audience: 'billing', more: 1 }])
      expect(() => exchange.fetchAs(auth, wanted as never)).toThrow(/fetchAs/);
  });
});
