import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
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
