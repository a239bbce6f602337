import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { createIssuerHttp, IssuerCallError } from './http.js';

let server: Server | undefined;
let requests: string[] = [];

afterEach(async () => {
  requests = [];
  server?.closeAllConnections();
  server?.close();
  if (server) await once(server, 'close');
  server = undefined;
});

async function serve(listener: RequestListener): Promise<string> {
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function httpOf(
  issuer: string,
  more: { timeoutSeconds?: number; unsafeHttpHosts?: ReadonlySet<string>; fetch?: typeof globalThis.fetch; metadataUrl?: string } = {},
) {
  return createIssuerHttp({ issuer, metadataUrl: undefined, unsafeHttpHosts: new Set(), timeoutSeconds: 5, tls: undefined, fetch: undefined, ...more });
}

async function causeOf(call: Promise<Response>): Promise<string> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(IssuerCallError);
  expect((error as Error).cause).toBeUndefined();
  return (error as Error).message;
}

test('sends a form, and returns status, body and the headers that are read', async () => {
  let body = '';
  const issuer = await serve((request, response) => {
    void request.toArray().then((chunks) => {
      body = Buffer.concat(chunks as Uint8Array[]).toString();
      response.writeHead(201, { 'content-type': 'application/json', 'set-cookie': 'a=b', 'x-other': '1' }).end('{"a":1}');
    });
  });
  const response = await httpOf(issuer).fetch(`${issuer}/par`, {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: new URLSearchParams({ a: 'b c' }),
  });
  expect([response.status, await response.json(), [...response.headers]]).toEqual([201, { a: 1 }, [['content-type', 'application/json']]]);
  expect([requests, body]).toEqual([['POST /par'], 'a=b+c']);
});

test.each([301, 302, 303, 307, 308])('follows no redirect (%s)', async (status) => {
  const issuer = await serve((_request, response) => void response.writeHead(status, { location: '/elsewhere' }).end());
  expect(await causeOf(httpOf(issuer).fetch(`${issuer}/token`, { method: 'POST', body: 'x' }))).toContain('Redirects are not followed');
  expect(requests).toEqual(['POST /token']);
});

test('reads at most one megabyte, also of a compressed body', async () => {
  const large = Buffer.alloc(1_200_000, 'a');
  const issuer = await serve((request, response) => {
    if (request.url === '/plain') response.end(large);
    else response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(large));
  });
  for (const path of ['/plain', '/gzip']) expect(await causeOf(httpOf(issuer).fetch(`${issuer}${path}`, {}))).toContain('larger than 1048576 bytes');
});

test('waits for a complete answer, but not longer than timeoutSeconds', async () => {
  const issuer = await serve((request, response) => {
    if (request.url === '/begun') response.writeHead(200).write('{');
  });
  for (const path of ['/silent', '/begun'])
    expect(await causeOf(httpOf(issuer, { timeoutSeconds: 0.1 }).fetch(`${issuer}${path}`, {}))).toContain('no complete answer within 0.1 s');
});

test('connects to no private address that only metadata names, unless an option names it', async () => {
  const target = await serve((_request, response) => void response.end('{}'));
  const { hostname } = new URL(target);
  const issuer = 'https://login.example.com';
  expect(await causeOf(httpOf(issuer).fetch(`https://${hostname}/`, {}))).toContain("only the issuer's metadata names it");
  expect(await causeOf(httpOf(issuer).fetch('https://[::1]/', {}))).toContain('private');
  expect(await causeOf(httpOf(issuer).fetch('https://169.254.169.254/latest/meta-data', {}))).toContain('private');
  expect(await causeOf(httpOf(issuer).fetch('http://169.254.169.254/latest/meta-data', {}))).toContain('must use https');
  expect(requests).toEqual([]);
  expect((await httpOf(issuer, { unsafeHttpHosts: new Set([hostname]) }).fetch(target, {})).status).toBe(200);
  expect((await httpOf(issuer, { metadataUrl: `${target}/metadata` }).fetch(target, {})).status).toBe(200);
});

test("rule 54: a redirect that the user's own fetch has followed is refused all the same", async () => {
  const issuer = await serve((request, response) => {
    if (request.url === '/token') response.writeHead(302, { location: '/elsewhere' }).end();
    else response.end('{}');
  });
  const follows = (url: string, init: RequestInit) => fetch(url, { ...init, redirect: 'follow' });
  const { fetch: call } = httpOf(issuer, { fetch: follows as typeof globalThis.fetch });
  expect(await causeOf(call(`${issuer}/token`, {}))).toContain('Redirects are not followed');
  expect((await call(`${issuer}/elsewhere`, {})).status).toBe(200);
});

test("the limits hold for the user's own fetch too", async () => {
  const issuer = 'https://login.example.com';
  const over = (fetch: () => Promise<Response>) =>
    httpOf(issuer, { timeoutSeconds: 0.1, fetch: fetch as unknown as typeof globalThis.fetch }).fetch(`${issuer}/token`, {});
  expect(await causeOf(over(() => new Promise(() => {})))).toContain('no complete answer');
  expect(await causeOf(over(async () => new Response('a'.repeat(1_100_000))))).toContain('larger than');
  expect(await causeOf(over(async () => Response.redirect('https://evil.example/')))).toContain('Redirects are not followed');
  expect(await causeOf(over(async () => Response.error()))).toContain('redirect');
  expect(await causeOf(over(async () => Promise.reject(new Error('failed at https://user:password@proxy.example'))))).not.toContain('password');
  expect((await over(async () => new Response(null, { status: 204 }))).status).toBe(204);
});

test('refresh races: a process that stood still for longer than the limit reads the answer that waits in its socket', async () => {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  // answers from another thread, while this one stands still
  const worker = new Worker(ANSWERS_ON_COMMAND, { eval: true, workerData: shared });
  onTestFinished(() => void worker.terminate());
  const [port] = (await once(worker, 'message')) as [number];
  const issuer = `http://127.0.0.1:${port}`;
  const arrived = once(worker, 'message');
  const answer = httpOf(issuer, { timeoutSeconds: 0.2 }).fetch(issuer, { method: 'POST', body: 'a=b' });
  await arrived;
  Atomics.store(shared, 0, 1);
  Atomics.notify(shared, 0);
  Atomics.wait(shared, 1, 0, 5000);
  const end = performance.now() + 300;
  while (performance.now() < end) Atomics.wait(shared, 1, 1, 50);
  await expect(answer.then((response) => response.text())).resolves.toBe('rotated');
});

const ANSWERS_ON_COMMAND = `
  const { parentPort, workerData } = require('node:worker_threads');
  const server = require('node:http').createServer((_request, response) => {
    parentPort.postMessage('arrived');
    Atomics.wait(workerData, 0, 0, 5000);
    response.end('rotated', () => {
      Atomics.store(workerData, 1, 1);
      Atomics.notify(workerData, 1);
    });
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;
