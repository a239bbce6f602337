import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { BrowserSession } from '@tokenward/browser-session';
import { SESSION_CREDENTIALS } from '@tokenward/core/store';
import { decodeJwt } from 'jose';

/** An app over a socket: the session's routes, and `/api`, which says what a guard would get. */
export interface AppServer {
  readonly origin: string;
  /** Set it before the first request. Another one stands for a restart of the app. */
  session: BrowserSession | undefined;
  /** Runs after the answer to a request is known, and before it is sent. */
  beforeAnswer: ((request: IncomingMessage) => void | Promise<void>) | undefined;
  close(): Promise<void>;
}

/** What `/api` answers: `jti` and `sub` of the access token, or why there is none. */
export interface ApiAnswer {
  readonly jti?: string;
  readonly sub?: string;
  readonly reason?: string;
  readonly cause?: string;
}

export async function startAppServer(): Promise<AppServer> {
  const server = createServer((request, response) => {
    void answer(request).then(async (result) => {
      await app.beforeAnswer?.(request);
      await send(result, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  async function answer(request: IncomingMessage): Promise<Response> {
    const session = app.session!;
    if (session.isSessionRoute(request.url!)) return session.handle(requestOf(request, session.origin));
    const credentials = await session[SESSION_CREDENTIALS]({ method: request.method!, target: request.url!, headers: request.headers });
    const headers = new Headers(
      Object.entries(credentials?.headers ?? {}).flatMap(([name, value]) => [value].flat().map((one) => [name, one] as [string, string])),
    );
    if (credentials?.token === undefined) return Response.json({ reason: credentials?.reason, cause: credentials?.cause }, { status: 401, headers });
    const { jti, sub } = decodeJwt(credentials.token);
    return Response.json({ jti, sub }, { headers });
  }

  const app: AppServer = {
    origin: `http://127.0.0.1:${port}`,
    session: undefined,
    beforeAnswer: undefined,
    async close() {
      await app.session?.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return app;
}

function requestOf(request: IncomingMessage, origin: string): Request {
  const headers = Object.entries(request.headersDistinct).flatMap(([name, values]) => values!.map((value) => [name, value] as [string, string]));
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
  return new Request(new URL(request.url!, origin), {
    method: request.method!,
    headers,
    ...(hasBody && { body: Readable.toWeb(request) as ReadableStream, duplex: 'half' }),
  });
}

async function send(answer: Response, response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  response.statusCode = answer.status;
  for (const [name, value] of answer.headers) if (name !== 'set-cookie') response.setHeader(name, value);
  const setCookies = answer.headers.getSetCookie();
  if (setCookies.length > 0) response.setHeader('set-cookie', setCookies);
  response.end(Buffer.from(await answer.arrayBuffer()));
}
