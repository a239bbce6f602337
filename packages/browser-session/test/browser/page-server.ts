import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** A request as the server of a page saw it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface PageServer {
  readonly origin: string;
  readonly seen: Seen[];
  /** Answers a route; without an answer a request gets 404. */
  on(route: string, answer: (request: Seen, response: ServerResponse) => unknown): void;
  close(): Promise<void>;
}

let bundled: Promise<string> | undefined;

/** Returns the page's part as one file for browsers: minified, with all that it imports. */
export function bundledClient(): Promise<string> {
  return (bundled ??= bundle());
}

async function bundle(): Promise<string> {
  const entry = fileURLToPath(import.meta.resolve('@tokenward/browser-session/client'));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, minify: true, format: 'esm', write: false });
  return outputFiles[0]!.text;
}

/** Starts a server with an empty page at `/`, which imports the page's part as `tokenward`, and with the routes that a test adds. */
export async function startPageServer(): Promise<PageServer> {
  const client = await bundledClient();
  const routes = new Map<string, (request: Seen, response: ServerResponse) => unknown>();
  const seen: Seen[] = [];
  const page = `<!doctype html><title>page</title><script type="module">import * as tokenward from '/client.js'; window.tokenward = tokenward; window.ready = true;</script>`;

  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method = 'GET', url = '/', headers } = request;
      const path = url.split('?', 1)[0]!;
      if (path === '/client.js') return response.setHeader('content-type', 'text/javascript').end(client);
      const one: Seen = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
      const answer = routes.get(`${method} ${path}`);
      if (answer) {
        seen.push(one);
        return answer(one, response);
      }
      if (path === '/' || path.startsWith('/page')) return response.setHeader('content-type', 'text/html').end(page);
      response.statusCode = 404;
      return response.end();
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    on: (route, answer) => void routes.set(route, answer),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Answers with JSON. */
export function json(response: ServerResponse, value: unknown, status = 200, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json', ...headers }).end(JSON.stringify(value));
}
