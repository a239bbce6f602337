import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the API saw of a request. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** The API behind a proxy. Unless it is told otherwise, it answers with what it saw. */
export interface Upstream {
  readonly origin: string;
  readonly server: Server;
  readonly seen: SeenRequest[];
  /** Answers the next requests instead. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  close(): Promise<void>;
}

export async function startUpstream(): Promise<Upstream> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    if (upstream.answer) return upstream.answer(request, response);
    void echo(request, response);
    return undefined;
  });

  async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers, rawHeaders } = request;
    const body = Buffer.concat(await request.toArray()).toString();
    seen.push({ method, url, headers, rawHeaders, body });
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ method, url, body }));
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const upstream: Upstream = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    seen,
    answer: undefined,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return upstream;
}
