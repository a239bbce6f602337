import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { createResourceGuard, observe, type Events, type IntrospectionOptions } from '@tokenward/core';
import type { IntrospectionCache } from '@tokenward/core/store';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ask, configurationErrorOf, expectAllowed, verdictOf } from './guarded.js';
import { activeAnswer, AUDIENCE, createAskingGuard, ISSUER } from './introspection.js';

const CREDENTIALS = { clientId: 'api', clientSecret: 'secret-of-the-api' };

describe('a stranger with junk tokens', () => {
  test.each([[403], [404], [429], [503]])(
    'rule 257: about which a firewall answers %i stops neither the questions about tokens in use, nor counts the process as unready',
    async (status) => {
      const { guard, clock } = await createAskingGuard(
        (question, response, clock) => {
          if (question.form.get('token') === 'good') return activeAnswer(clock);
          return void response.writeHead(status, { 'retry-after': '30' }).end();
        },
        { cacheSeconds: 1 },
      );
      expectAllowed(await ask(guard, 'good'));
      for (let at = 0; at < 8; at++) expect(verdictOf(await ask(guard, `../../etc/junk${at}`))).toBe('introspection_unavailable');
      expect(guard.health()).toMatchObject({ ready: true, introspection: [{ usable: true }] });
      expect(guard.health().introspection[0]!.retryInSeconds).toBeGreaterThan(0);
      clock.advance(1);
      expectAllowed(await ask(guard, 'good'));
      // its success shows that the endpoint is up, for tokens that are new here too
      expect(guard.health().introspection).toMatchObject([{ usable: true, retryInSeconds: undefined, lastError: undefined }]);
    },
  );

  test('rule 257: about which the endpoint never answers leaves turns for the tokens in use', async () => {
    const { guard, clock, endpoint } = await createAskingGuard(
      (question, _response, clock) => (question.form.get('token') === 'good' ? activeAnswer(clock) : new Promise(() => {})),
      { cacheSeconds: 1, timeoutSeconds: 20, maxConcurrent: 4, maxQueued: 4 },
    );
    expectAllowed(await ask(guard, 'good'));
    clock.advance(1);
    const junk = Array.from({ length: 20 }, (_one, at) => ask(guard, `junk${at}`));
    await vi.waitFor(() => expect(guard.health().introspection).toMatchObject([{ asking: 3, waiting: 4 }]));
    expectAllowed(await ask(guard, 'good'));
    expect(endpoint.questions.filter(({ form }) => form.get('token') === 'good')).toHaveLength(2);
    await guard.close();
    await Promise.all(junk);
  });

  test('rule 257: a flood of them does not make a slow endpoint count as down, and the questions that get a turn are answered', async () => {
    const { guard, endpoint } = await createAskingGuard(
      async (_question, _response, clock) => {
        await sleep(60);
        return activeAnswer(clock, { active: false });
      },
      { timeoutSeconds: 0.6, maxConcurrent: 1, maxQueued: 100 },
    );
    const verdicts: string[] = [];
    const flood = [];
    // more than the endpoint can answer, for longer than the time limit: without a shorter limit for waiting, each question would get its turn too late
    for (let at = 0; at < 60; at++) {
      flood.push(ask(guard, `junk${at}`).then((decision) => verdicts.push(verdictOf(decision))));
      await sleep(15);
    }
    await Promise.all(flood);
    expect(guard.health().introspection).toMatchObject([{ usable: true, retryInSeconds: undefined }]);
    expect(verdicts.filter((verdict) => verdict === 'inactive_token').length).toBeGreaterThan(endpoint.questions.length / 2);
  });

  test('rule 257: a token that another process asked about does not wait behind them', async () => {
    const all = new Map<string, string>();
    const cache: IntrospectionCache = { get: (name) => all.get(name), set: (name, value) => void all.set(name, value) };
    const { guard, clock, endpoint } = await createAskingGuard(
      (question, _response, clock) => (question.form.get('token') === 'good' ? activeAnswer(clock) : new Promise(() => {})),
      { cache, maxConcurrent: 1, maxQueued: 0, timeoutSeconds: 20 },
    );
    expectAllowed(await ask(guard, 'good'));
    const another = createResourceGuard({
      issuer: ISSUER,
      audience: AUDIENCE,
      clock,
      introspection: { clientId: 'api', clientSecret: 'secret', endpoint: endpoint.url, cache, maxConcurrent: 1, maxQueued: 0, timeoutSeconds: 20 },
    });
    onTestFinished(() => another.close());
    const junk = ask(another, 'junk');
    await vi.waitFor(() => expect(another.health().introspection).toMatchObject([{ asking: 1 }]));
    expect(verdictOf(await ask(another, 'new'))).toBe('introspection_unavailable');
    expectAllowed(await ask(another, 'good'));
    await another.close();
    await junk;
  });
});

describe('what was sent', () => {
  /** Returns everything that a guard tells about a question that failed. */
  async function toldAbout(token: string, introspection: IntrospectionOptions, options: object, answer = () => undefined as unknown): Promise<string> {
    const events: Events['tokenward:introspected'][] = [];
    onTestFinished(observe('tokenward:introspected', (event) => void events.push(event)));
    const { guard } = await createAskingGuard(answer, introspection, options);
    const decision = await ask(guard, token);
    expect(verdictOf(decision)).toBe('introspection_unavailable');
    expect(events).toHaveLength(1);
    const explanation = decision.outcome === 'deny' ? decision.explain() : undefined;
    return inspect([decision, explanation, events, guard.health()], { depth: 9, showHidden: true });
  }

  test("rule 258: the error of the guard's own fetch does not show it, whatever that quotes", async () => {
    const token = 'opaque-token-of-somebody';
    const sent = (init: RequestInit): string => `${init.body as string} ${JSON.stringify(init.headers)}`;
    const ways: ((url: string, init: RequestInit) => Promise<Response>)[] = [
      (_url, init) => Promise.reject(new Error(`POST failed: ${sent(init)}`)),
      (_url, init) => Promise.reject(new Error('fetch failed', { cause: new Error(sent(init)) })),
      (_url, init) => Promise.reject(Object.assign(new Error('x'), { code: sent(init) })),
      (_url, init) => Promise.reject(new Error('x', { cause: { code: sent(init) } })),
      (_url, init) => Promise.reject(sent(init)),
      async (_url, init) => new Response(new ReadableStream({ pull: (controller) => controller.error(new Error(sent(init))) })),
    ];
    for (const way of ways) {
      const told = await toldAbout(token, CREDENTIALS, { fetch: way as typeof fetch });
      for (const secret of [token, CREDENTIALS.clientSecret, Buffer.from(`api:${CREDENTIALS.clientSecret}`).toString('base64')])
        expect(told).not.toContain(secret);
      expect(told).toMatch(/fetch failed/);
    }
    const endless = new Error('x');
    endless.cause = endless;
    expect(await toldAbout(token, CREDENTIALS, { fetch: () => Promise.reject(endless) })).toMatch(/the given fetch failed/);
    const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
    expect(await toldAbout(token, CREDENTIALS, { fetch: () => Promise.reject(refused) })).toMatch(/\(ECONNREFUSED\); no server listens there/);
  });

  test('rule 258: a server that sends it back in a header does not make it known', async () => {
    const token = 'opaque-token-of-somebody';
    const told = await toldAbout(
      token,
      CREDENTIALS,
      {},
      ((question: { form: URLSearchParams }, response: { writeHead: Function }) =>
        void response
          .writeHead(200, { 'content-type': 'application/json', 'content-encoding': question.form.get('token')!, 'retry-after': question.form.get('token')! })
          .end('{}')) as never,
    );
    expect(told).not.toContain(token);
    expect(told).toMatch(/an unknown content-encoding/);
  });
});

describe('rule 259: a function in accepts must answer at once', () => {
  test('an async function stops the start', () => {
    const problems = configurationErrorOf(() =>
      createResourceGuard({ issuer: ISSUER, audience: AUDIENCE, introspection: { ...CREDENTIALS, accepts: (async () => true) as never } }),
    )?.message;
    expect(problems).toMatch(/introspection.accepts: must not be an async function/);
  });

  test.each<[string, () => unknown]>([
    ['rejects', () => Promise.reject(new Error('too late'))],
    // oxlint-disable-next-line unicorn/no-thenable -- what a careless function may return
    ['throws', () => Object.fromEntries([['then', () => expect.fail('oops')]])],
    // oxlint-disable-next-line unicorn/no-thenable -- as above
    ['cannot be looked at', () => Object.defineProperty({}, 'then', { get: () => expect.fail('oops') })],
  ])('a promise that %s accepts nothing, and does not end the process', async (_what, accepts) => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    onTestFinished(() => void process.off('unhandledRejection', unhandled));
    const { guard, endpoint } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock), { accepts: accepts as never });
    expect(verdictOf(await ask(guard, 'opaque'))).toBe('malformed_token');
    await sleep(5);
    expect(unhandled).not.toHaveBeenCalled();
    expect(endpoint.questions).toEqual([]);
  });
});

describe('a server that does not speak HTTP as it should', () => {
  const BODY = '{"active":true}';
  const json = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n`;

  /** Starts a server that writes bytes when a request has begun. */
  async function startRaw(write: (socket: Socket) => void): Promise<string> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('data', () => write(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/introspect`;
  }

  function repeat(socket: Socket, text: string): void {
    const timer = setInterval(() => socket.write(text), 1);
    socket.once('close', () => clearInterval(timer));
  }

  test.each<[string, (socket: Socket) => void]>([
    ['noise', (socket) => socket.end('\0\x16\x03\x01 not HTTP\r\n\r\n')],
    ['a TLS alert', (socket) => socket.end(Buffer.from('15030100020228', 'hex'))],
    ['the frames of HTTP/2', (socket) => socket.end(Buffer.from('000000040000000000', 'hex'))],
    ['less than it announced', (socket) => socket.end(`${json}Content-Length: ${BODY.length + 1}\r\n\r\n${BODY}`)],
    ['chunks without an end', (socket) => socket.end(`${json}Transfer-Encoding: chunked\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n`)],
    ['two lengths', (socket) => socket.end(`${json}Content-Length: ${BODY.length}\r\nContent-Length: 2\r\n\r\n${BODY}`)],
    ['a length and chunks', (socket) => socket.end(`${json}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`)],
    ['an upgrade', (socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n')],
    ['interim answers without end', (socket) => repeat(socket, 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(10))],
    ['headers without end', (socket) => { socket.write(json); repeat(socket, `X: ${'x'.repeat(1000)}\r\n`); }], // prettier-ignore
    ['chunks forever', (socket) => { socket.write(`${json}Transfer-Encoding: chunked\r\n\r\n`); repeat(socket, `1000\r\n${' '.repeat(4096)}\r\n`); }], // prettier-ignore
    ['a chunk extension forever', (socket) => { socket.write(`${json}Transfer-Encoding: chunked\r\n\r\n1;`); repeat(socket, 'x'.repeat(1000)); }], // prettier-ignore
    ['gzip that is none', (socket) => socket.end(`${json}Content-Encoding: gzip\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`)],
    ['gzip without an end', (socket) => { socket.write(`${json}Content-Encoding: gzip\r\n\r\n`); socket.end(Buffer.from('1f8b0800000000000003', 'hex')); }], // prettier-ignore
    ['an empty status', (socket) => socket.end(`HTTP/1.1 \r\n\r\n${BODY}`)],
    ['status 206', (socket) => socket.end(`HTTP/1.1 206 Partial Content\r\nContent-Type: application/json\r\n\r\n${BODY}`)],
    ['a duplicated member', (socket) => socket.end(`${json}\r\n{"active":false,"active":true}`)],
    ['a duplicated member that is escaped', (socket) => socket.end(`${json}\r\n{"active":false,"\\u0061ctive":true}`)],
    ['a byte order mark', (socket) => socket.end(`${json}\r\n\uFEFF${BODY}`)],
    ['UTF-16', (socket) => { socket.write(`${json}\r\n`); socket.end(Buffer.from(BODY, 'utf16le')); }], // prettier-ignore
    ['a member __proto__', (socket) => socket.end(`${json}\r\n{"__proto__":{"active":true},"active":true}`)],
    ['two documents', (socket) => socket.end(`${json}\r\n${BODY}${BODY}`)],
  ])('rule 260: %s: 503 in time, and no crash', async (_what, write) => {
    const endpoint = await startRaw(write);
    const guard = createResourceGuard({ issuer: ISSUER, audience: AUDIENCE, introspection: { ...CREDENTIALS, endpoint, timeoutSeconds: 0.4 } });
    onTestFinished(() => guard.close());
    const started = performance.now();
    expect(verdictOf(await ask(guard, 'opaque'))).toBe('introspection_unavailable');
    expect(performance.now() - started).toBeLessThan(5000);
    expect(guard.health().introspection).toMatchObject([{ asking: 0, waiting: 0, activeTokens: 0, refusedTokens: 0 }]);
  });

  test('rule 260: a second answer on the same connection is not read as the answer about another token', async () => {
    let connections = 0;
    const endpoint = await startRaw((socket) => {
      connections++;
      const answer = `{"active":false}`;
      socket.write(`${json}Content-Length: ${answer.length}\r\n\r\n${answer}${json}Content-Length: ${BODY.length}\r\n\r\n${BODY}`);
    });
    const guard = createResourceGuard({ issuer: ISSUER, audience: AUDIENCE, introspection: { ...CREDENTIALS, endpoint } });
    onTestFinished(() => guard.close());
    for (const token of ['one', 'two', 'three']) expect(verdictOf(await ask(guard, token))).toBe('inactive_token');
    expect(connections).toBe(3);
  });
});

test('rule 74: a question that a second one overtakes does not bring a token back that the second found inactive', async () => {
  // the first guard's answer arrives in the shared cache after the token ended, and is as old as its question
  const all = new Map<string, string>();
  const cache: IntrospectionCache = { get: (name) => all.get(name), set: (name, value) => void all.set(name, value) };
  let active = true;
  const { guard, clock } = await createAskingGuard((_question, _response, clock) => activeAnswer(clock, { active }), { cache, cacheSeconds: 10 });
  expectAllowed(await ask(guard, 'opaque'));
  active = false;
  clock.advance(10);
  expect(verdictOf(await ask(guard, 'opaque'))).toBe('inactive_token');
  clock.advance(6);
  expect(all.size).toBe(1);
  expect(verdictOf(await ask(guard, 'opaque'))).toBe('inactive_token');
});
