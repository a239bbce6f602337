import Fastify from 'fastify';
import { scope, tokenward } from '@tokenward/fastify';
import { createTestIssuer } from '@tokenward/testing';
import { connect } from 'node:http2';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';

test("the app's logger prints refusals at debug and outages at warn, and no token", async () => {
  const issuer = await createTestIssuer();
  onTestFinished(() => issuer.close());
  const lines: { level: number; msg: string; tokenward?: { reason: string; status: number; docs: string } }[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line) as never) };
  const refusals = () => lines.filter(({ tokenward: details }) => details).map(({ level, tokenward: details }) => [level, details!.status, details!.reason]);
  for (const [level, debug] of [
    ['debug', [[20, 401, 'missing_token']]],
    ['info', []],
  ] as const) {
    lines.length = 0;
    const app = Fastify({ logger: { level, stream } });
    onTestFinished(() => app.close());
    await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience });
    app.get('/x', { onRequest: app.guard(scope('a')) }, async () => ({}));
    const token = await issuer.issueToken({ scopes: ['a'] });
    await app.inject('/x');
    expect(refusals()).toEqual(debug);
    issuer.misbehave('error');
    expect((await app.inject({ url: '/x', headers: { authorization: `Bearer ${token}` } })).statusCode).toBe(503);
    issuer.behave();
    expect(refusals()).toEqual([...debug, [40, 503, 'keys_unavailable']]);
    const outage = lines.find(({ tokenward: details }) => details?.status === 503);
    expect(outage?.msg).toMatch(/^request refused: /);
    expect(outage?.tokenward?.docs).toBe('https://tokenward.github.io/tokenward/reasons/keys-unavailable/');
    expect(JSON.stringify(lines)).not.toContain(token.slice(-20));
  }
});

test("the app's logger leaves out a refusal that the guard has printed on stderr", async () => {
  vi.stubEnv('TOKENWARD_HINTS', '1');
  onTestFinished(() => void vi.unstubAllEnvs());
  const lines: string[] = [];
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((line) => lines.push(String(line)) > 0);
  onTestFinished(() => write.mockRestore());
  const stream = { write: (line: string) => void (line.includes('request refused') && lines.push(line)) };
  const app = Fastify({ logger: { level: 'debug', stream } });
  onTestFinished(() => app.close());
  await app.register(tokenward, { issuer: 'https://login.example.test', audience: 'a' });
  app.get('/x', { onRequest: app.guard() }, async () => ({}));
  for (const headers of [{}, {}, { authorization: 'Bearer x' }]) await app.inject({ url: '/x', headers });
  expect(lines).toEqual([
    expect.stringMatching(/^tokenward: GET \/x -> 401 missing_token: /),
    expect.stringMatching(/"reason":"missing_token"/),
    expect.stringMatching(/^tokenward: GET \/x -> 401 malformed_token: /),
  ]);
});

test('rule 108: over HTTP/2, an OPTIONS request with an unannounced body is not a preflight', async () => {
  const issuer = await createTestIssuer();
  onTestFinished(() => issuer.close());
  const app = Fastify({ http2: true });
  onTestFinished(() => app.close());
  await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience });
  const handler = vi.fn(async () => ({}));
  app.options('/x', { onRequest: app.guard() }, handler);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const session = connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`);
  onTestFinished(() => session.destroy());

  async function statusOf(body: string | undefined): Promise<unknown> {
    const stream = session.request(
      { ':method': 'OPTIONS', ':path': '/x', origin: 'https://app.example.test', 'access-control-request-method': 'GET' },
      { endStream: body === undefined },
    );
    if (body !== undefined) stream.end(body);
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    stream.resume();
    return headers[':status'];
  }

  expect(await statusOf(undefined)).toBe(200);
  expect(handler).toHaveBeenCalledTimes(1);
  expect(await statusOf('{"a":1}')).toBe(401);
  expect(handler).toHaveBeenCalledTimes(1);
});
