import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { collectBytes } from '@tokenward/core/adapter';
import { areEqualTexts } from '@tokenward/core/store';
import { MintingError } from './minting.js';

/** What the commands of this machine's user may ask the issuer for. */
export type ControlActions = Readonly<Record<string, (request: object) => Promise<unknown>>>;

/** A server for the commands `token` and `attack`, on a port of its own. */
export interface Control {
  readonly secret: string;
  readonly server: Server;
}

const MAX_BYTES = 64 * 1024;

/**
 * Creates the server that mints tokens. Only who can read the state file knows its secret. Browsers send `Origin` or `Sec-Fetch-Site` with each such request, so a web page is
 * refused even before that, and no answer has a CORS header.
 */
export function createControl(actions: ControlActions): Control {
  const secret = randomBytes(32).toString('base64url');

  async function answer(request: IncomingMessage): Promise<{ readonly status: number; readonly body: unknown }> {
    const { method, url = '', headers } = request;
    const isFromBrowser = headers.origin !== undefined || Object.keys(headers).some((name) => name.startsWith('sec-fetch-'));
    const isOwnHost = headers.host === `127.0.0.1:${request.socket.localPort}`;
    if (isFromBrowser || !isOwnHost || !areEqualTexts(headers.authorization ?? '', `Bearer ${secret}`)) return { status: 403, body: { error: 'refused' } };
    const action = Object.hasOwn(actions, url.slice(1)) ? actions[url.slice(1)] : undefined;
    if (!action || method !== 'POST' || headers['content-type'] !== 'application/json') return { status: 404, body: { error: 'unknown request' } };
    const bytes = collectBytes(MAX_BYTES);
    for await (const chunk of request) if (!bytes.add(chunk as Uint8Array)) return { status: 413, body: { error: 'the request is too large' } };
    const asked: unknown = JSON.parse(bytes.buffer().toString('utf8'));
    if (typeof asked !== 'object' || asked === null || Array.isArray(asked)) return { status: 400, body: { error: 'not an object' } };
    return { status: 200, body: await action(asked) };
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let result: Awaited<ReturnType<typeof answer>>;
    try {
      result = await answer(request);
    } catch (error) {
      result = error instanceof MintingError ? { status: 422, body: { error: error.message } } : { status: 500, body: { error: 'the issuer failed' } };
    }
    response
      .writeHead(result.status, { 'content-type': 'application/json', 'cache-control': 'no-store', connection: 'close' })
      .end(JSON.stringify(result.body));
  }

  return { secret, server: createServer((request, response) => void respond(request, response)) };
}
