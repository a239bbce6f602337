import { createServer, request, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isFastify, type FastifyApp } from './routes/fastify.js';
import { isHono, type HonoApp } from './routes/hono.js';
import { isKoa } from './routes/koa.js';
import { isNest, platformOf } from './routes/nest.js';

/** Sends requests to an app, and returns the status of each answer. It does not read their bodies. */
export interface AppClient {
  /** @throws Error if no answer begins in time */
  send(method: string, target: string, headers: Readonly<Record<string, string>>): Promise<number>;
  close(): Promise<void>;
}

/** Reaches an app without a port where the framework can, and on a port of loopback until {@link AppClient.close} otherwise. */
export async function connectTo(app: object, timeoutMs: number): Promise<AppClient> {
  const served = isNest(app) ? platformOf(app) : app;
  if (isFastify(served)) return injecting(served, timeoutMs);
  if (isHono(served)) return calling(served, timeoutMs);
  return listening((isKoa(served) ? served.callback() : served) as RequestListener, timeoutMs);
}

function injecting(app: FastifyApp, timeoutMs: number): AppClient {
  return {
    async send(method, url, headers) {
      // Fastify answers a QUERY without content with 400, before the guards of NestJS run
      const payload = method === 'QUERY' ? {} : undefined;
      const { statusCode } = await inTime(app.inject({ method, url, headers, payload, remoteAddress: '127.0.0.1' }), timeoutMs);
      return statusCode;
    },
    close: async () => {},
  };
}

function calling(app: HonoApp, timeoutMs: number): AppClient {
  return {
    async send(method, target, headers) {
      const response = await inTime(Promise.resolve(app.fetch(new Request(`http://localhost${target}`, { method, headers }))), timeoutMs);
      void response.body?.cancel().catch(() => {});
      return response.status;
    },
    close: async () => {},
  };
}

async function listening(listener: RequestListener, timeoutMs: number): Promise<AppClient> {
  const server = createServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    async send(method, target, headers) {
      // not `fetch`, which chooses the host itself
      const sent = request(new URL(`${origin}${target}`), { method, headers, agent: false });
      try {
        const answer = new Promise<number>((resolve, reject) => void sent.once('response', ({ statusCode }) => resolve(statusCode!)).once('error', reject));
        sent.end();
        return await inTime(answer, timeoutMs);
      } finally {
        // the handler may stream for ever
        sent.on('error', () => {}).destroy();
      }
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function inTime<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`gave no answer within ${timeoutMs / 1000} s`)), timeoutMs);
  });
  answer.catch(() => {});
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
