import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync, brotliCompressSync, deflateSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buffer } from 'node:stream/consumers';
import { fetchTransport, nodeRequest } from './transport.js';

let port: number;
let connections = 0;
const encodings: Record<string, (text: string) => Buffer> = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync, identity: Buffer.from };
const server = createServer((request, response) => {
  const encoding = request.url!.slice(1);
  const encode = encodings[encoding];
  response.setHeader('content-encoding', encoding);
  response.end(encode ? encode('{"keys":[]}') : 'x');
});

beforeAll(async () => {
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

test.each(['127.0.0.1', 'localhost', '[::1]', '127.1', '2130706433', '[::ffff:127.0.0.1]'])(
  'rule 55: does not connect to %s if the request needs a public address',
  async (host) => {
    const before = connections;
    await expect(nodeRequest(`http://${host}:${port}/identity`, AbortSignal.timeout(5000), true, 5000)).rejects.toThrow(/private, loopback or link-local/);
    expect(connections).toBe(before);
  },
);

test.each(['127.0.0.1', 'localhost', 'localhost.', 'auth.localhost', '[::1]', '127.1', '[::ffff:10.0.0.1]', '10.0.0.1', '169.254.169.254'])(
  "rule 55: does not call the application's fetch for %s if the request needs a public address",
  async (host) => {
    const called: string[] = [];
    const transport = fetchTransport(async (url) => {
      called.push(url as string);
      return new Response('{}');
    });
    const url = `http://${host}/keys`;
    await expect(transport(url, AbortSignal.timeout(5000), true, 5000)).rejects.toThrow(/private, loopback or link-local/);
    expect(called).toEqual([]);
    expect((await transport(url, AbortSignal.timeout(5000), false, 5000)).status).toBe(200);
    expect((await transport('https://keys.example.test/', AbortSignal.timeout(5000), true, 5000)).status).toBe(200);
    expect(called).toEqual([url, 'https://keys.example.test/']);
  },
);

test('rule 55: connects to loopback if the request needs no public address', async () => {
  const { status } = await nodeRequest(`http://localhost:${port}/identity`, AbortSignal.timeout(5000), false, 5000);
  expect(status).toBe(200);
});

test.each(['gzip', 'br', 'deflate', 'identity'])('decodes a response with the content-encoding %s', async (encoding) => {
  const { body } = await nodeRequest(`http://127.0.0.1:${port}/${encoding}`, AbortSignal.timeout(5000), false, 5000);
  expect((await buffer(body)).toString()).toBe('{"keys":[]}');
});

test('throws for a response with an unknown content-encoding', async () => {
  const answer = await nodeRequest(`http://127.0.0.1:${port}/zstd-of-a-kind`, AbortSignal.timeout(5000), false, 5000);
  expect(() => answer.body).toThrow(/^the answer has an unknown content-encoding$/);
  answer.discard();
});

test("rule 54: tells a redirect that the user's own fetch has followed", async () => {
  const redirects = createServer((request, response) => {
    if (request.url === '/keys') response.writeHead(302, { location: '/elsewhere' }).end();
    else response.end('{}');
  });
  await new Promise<void>((resolve) => redirects.listen(0, '127.0.0.1', resolve));
  const transport = fetchTransport((url, init) => fetch(url, { ...init, redirect: 'follow' }));
  const origin = `http://127.0.0.1:${(redirects.address() as AddressInfo).port}`;
  expect((await transport(`${origin}/keys`, AbortSignal.timeout(5000), false, 5000)).status).toBe(302);
  expect((await transport(`${origin}/elsewhere`, AbortSignal.timeout(5000), false, 5000)).status).toBe(200);
  redirects.closeAllConnections();
  redirects.close();
});

test('rule 53: verifies certificates even if NODE_TLS_REJECT_UNAUTHORIZED is 0', async () => {
  const { createServer: createTlsServer } = await import('node:https');
  const { cert, key } = await selfSigned();
  const secure = createTlsServer({ cert, key }, (_request, response) => response.end('{}'));
  await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  try {
    const url = `https://localhost:${(secure.address() as AddressInfo).port}/`;
    await expect(nodeRequest(url, AbortSignal.timeout(5000), false, 5000)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  } finally {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    secure.close();
  }
});

async function selfSigned(): Promise<{ cert: string; key: string }> {
  const { readFile } = await import('node:fs/promises');
  const read = (name: string): Promise<string> => readFile(new URL(`../../test/self-signed/${name}`, import.meta.url), 'utf8');
  return { cert: await read('cert.pem'), key: await read('key.pem') };
}
