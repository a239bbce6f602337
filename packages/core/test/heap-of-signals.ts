// A program of its own, for `node --expose-gc`: an API over real sockets whose handlers read `auth.signal` and never take their listeners away. Prints
// what is left of finished responses, and whether what is still open ends when its token is revoked, as one line of JSON.
//
//   node --expose-gc heap-of-signals.ts <how many responses that end> <cache | no-cache>
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, get, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createResourceGuard, type Auth, type ProtectedRequest } from '@tokenward/core';
import { viewOf } from '@tokenward/core/adapter';

export interface SignalFigures {
  /** Responses that were closed, of which something is still in memory. */
  readonly leftOfClosed: number;
  /** Streams, and upgraded sockets whose request nobody holds any more, that were open when the token was revoked; and those that were ended by it. */
  readonly open: number;
  readonly ended: number;
  /** What the heap grew by for each response that was closed. */
  readonly bytesOfEach: number;
  /** The same of requests that do not say what holds them, so that their signals are kept until the token ends. */
  readonly bytesOfUnheld: number;
}

const ISSUER = 'https://login.example.test';
const AUDIENCE = 'https://api.example.test';
const secret = randomBytes(32);
const [count = 1000] = process.argv.slice(2, 3).map(Number);
const tokenCache = process.argv[3] === 'no-cache' ? (false as const) : undefined;
const guard = createResourceGuard({ issuer: ISSUER, audience: AUDIENCE, sharedSecrets: secret, tokenCache });
const closed: WeakRef<ServerResponse>[] = [];

function view(incoming: IncomingMessage): ProtectedRequest {
  return viewOf({ method: incoming.method!, originalUrl: incoming.url!, protocol: 'http' }, incoming, () => incoming.headers.host);
}

function authOf(incoming: IncomingMessage): Auth {
  const decision = guard.check(view(incoming));
  if (decision instanceof Promise || decision.outcome !== 'allow') throw new Error('a good token was refused');
  return decision.auth!;
}

/** As in the guide to revocation, but that nothing is taken away when the connection closes. */
function stream(incoming: IncomingMessage, response: ServerResponse): void {
  const { signal } = authOf(incoming);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('data: first\n\n');
  signal.addEventListener('abort', () => response.end(), { once: true });
  if (incoming.url !== '/open') closed.push(new WeakRef(response));
}

function upgrade(incoming: IncomingMessage, socket: Socket): void {
  const { signal } = authOf(incoming);
  signal.addEventListener('abort', () => socket.end());
  socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: test\r\n\r\n');
}

const token = issue();
const server = createServer(stream).on('upgrade', upgrade).listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const agent = new Agent({ keepAlive: false });

// the first of all has its Auth in common with whoever came before anybody asked for a signal
await visit('/closed');
closed.length = 0;
const ends = [await open(), await open(), await openSocket(), await openSocket()];
for (let number = 0; number < 50; number++) await visit('/closed');
const before = await heapBytes();
for (let number = 0; number < count; number++) await visit('/closed');
const bytesOfEach = ((await heapBytes()) - before) / count;
const leftOfClosed = closed.filter((response) => response.deref()).length;
const bytesOfUnheld = await unheld();
await guard.revocations.revoke({ tokenId: 'jti-1' });
const ended = (await Promise.all(ends.map(({ end }) => Promise.race([end.then(() => 1), sleep(3000, 0)])))).reduce((sum, one) => sum + one, 0);
process.stdout.write(`${JSON.stringify({ leftOfClosed, open: ends.length, ended, bytesOfEach, bytesOfUnheld } satisfies SignalFigures)}\n`);
process.exit();

async function unheld(): Promise<number> {
  const start = await heapBytes();
  for (let number = 0; number < 1000; number++) {
    const decision = guard.check({ method: 'GET', target: '/', headers: { authorization: Buffer.from(`Bearer ${token}`).toString('latin1') } });
    if (decision instanceof Promise || decision.outcome !== 'allow' || decision.auth!.signal.aborted) throw new Error('a good token was refused');
  }
  return ((await heapBytes()) - start) / 1000;
}

function headers(): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

async function visit(path: string): Promise<void> {
  const outgoing = get(`${origin}${path}`, { agent, headers: headers() });
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  await once(answer, 'data');
  answer.destroy();
  await once(answer, 'close');
}

async function open(): Promise<{ readonly end: Promise<unknown> }> {
  const [answer] = (await once(get(`${origin}/open`, { agent, headers: headers() }), 'response')) as [IncomingMessage];
  answer.resume();
  return { end: once(answer, 'end') };
}

async function openSocket(): Promise<{ readonly end: Promise<unknown> }> {
  const outgoing = request(`${origin}/socket`, { agent, headers: { ...headers(), connection: 'upgrade', upgrade: 'test' } });
  outgoing.end();
  const [, socket] = (await once(outgoing, 'upgrade')) as [IncomingMessage, Socket];
  socket.resume();
  return { end: once(socket, 'end') };
}

function issue(): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'user-1', iat: now, exp: now + 3600, jti: 'jti-1', filler: 'x'.repeat(6000) };
  const signed = [{ alg: 'HS256', typ: 'at+jwt' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

async function heapBytes(): Promise<number> {
  for (let round = 0; round < 5; round++) {
    await sleep(20);
    globalThis.gc!();
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
