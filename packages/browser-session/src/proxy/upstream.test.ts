import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { readProxyOptions } from './proxy-options.js';
import { createUpstream } from './upstream.js';

test('rule 53: verifies the certificate of the API even if NODE_TLS_REJECT_UNAUTHORIZED is 0', async () => {
  const pem = (name: string): string => readFileSync(new URL(`../../../core/test/self-signed/${name}.pem`, import.meta.url), 'utf8');
  const api = createServer({ cert: pem('cert'), key: pem('key') }, (_request, response) => response.end('{}'));
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  const { port } = api.address() as AddressInfo;
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  onTestFinished(() => {
    vi.unstubAllEnvs();
    api.closeAllConnections();
    api.close();
  });

  const words: string[] = [];
  async function statusOf(tls: object): Promise<unknown> {
    const config = readProxyOptions({ to: `https://localhost:${port}`, methods: ['GET'], paths: ['/'], tls });
    const upstream = createUpstream(config, (text) => void words.push(text));
    const request = new Request('https://app.example.com/');
    const answer = await upstream.call({ method: 'GET', path: '/', headers: {}, request });
    if (typeof answer === 'string') return answer;
    answer.resume();
    return answer.statusCode;
  }
  expect(await statusOf({})).toBe('unreachable');
  expect(words).toEqual([expect.stringContaining('self-signed certificate')]);
  expect(await statusOf({ ca: pem('cert') })).toBe(200);
  expect(words).toHaveLength(1);
});

describe('an API over http', () => {
  async function startApi(answer: RequestListener) {
    const api = createHttpServer({ keepAliveTimeout: 60_000 }, answer);
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      api.closeAllConnections();
      api.close();
    });
    const words: string[] = [];
    const to = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
    const upstream = createUpstream(readProxyOptions({ to, methods: ['GET', 'POST'], paths: ['/'] }), (text) => void words.push(text));
    return { api, upstream, words };
  }

  test('that answers before the end of an upload, and closes the connection, has answered', async () => {
    const { upstream, words } = await startApi((request, response) => {
      response.writeHead(413).end('too long', () => void setTimeout(50).then(() => request.socket.resetAndDestroy()));
    });
    let isLetGo = false;
    const chunk = Buffer.alloc(1024);
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => (await setTimeout(1), controller.enqueue(chunk)),
      cancel: () => void (isLetGo = true),
    });
    const request = new Request('https://app.example.com/', { method: 'POST', body, duplex: 'half' } as RequestInit);
    const answer = await upstream.call({ method: 'POST', path: '/', headers: {}, request });
    expect(answer).toMatchObject({ statusCode: 413 });
    if (typeof answer !== 'string') answer.on('error', () => {}).resume();
    await vi.waitFor(() => expect(isLetGo).toBe(true));
    expect(words).toEqual([]);
  });

  test('does not fail if the upload of the client breaks off', async () => {
    const { upstream, words } = await startApi((request) => void request.resume());
    let chunks = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => (chunks++ < 3 ? controller.enqueue(Buffer.alloc(1024)) : controller.error(new Error('broken off'))),
    });
    const request = new Request('https://app.example.com/', { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect(await upstream.call({ method: 'POST', path: '/', headers: {}, request })).toBe('body');
    expect(words).toEqual([]);
  });

  test('says by Keep-Alive how long a connection without a call is kept', async () => {
    const { api, upstream } = await startApi((_request, response) => response.setHeader('keep-alive', 'timeout=2').end('{}'));
    const closed = once(api, 'connection').then(async ([socket]) => once(socket as Socket, 'close'));
    const answer = await upstream.call({ method: 'GET', path: '/', headers: {}, request: new Request('https://app.example.com/') });
    if (typeof answer !== 'string') answer.resume();
    await closed;
  });
});
