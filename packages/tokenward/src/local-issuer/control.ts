import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { collectBytes } from '@tokenward/core/adapter';
import { areEqualTexts } from '@tokenward/core/store';
import { isObject } from '../lib/is-object.js';
import { controlProof, MAX_REQUEST_BYTES, PROOF_HEADER } from './control-proof.js';
import { MintingError } from './minting.js';

/** What the commands of this machine's user may ask the issuer for. */
export type ControlActions = Readonly<Record<string, (request: object) => Promise<unknown>>>;

/** A server for the commands `token` and `attack`, on a port of its own. */
export interface Control {
  readonly secret: string;
  readonly server: Server;
}

/**
 * Creates the server that mints tokens. Only those who can read the state file know its secret. Browsers send `Origin` or `Sec-Fetch-Site` with each such
 * request, so a web page is refused even before the secret is checked, and no answer has a CORS header.
 */
export function createControl(actions: ControlActions): Control {
  const secret = randomBytes(32).toString('base64url');

  async function answer(request: IncomingMessage, nonce: string): Promise<Answer> {
    const { method, url = '', headers } = request;
    const isFromBrowser = headers.origin !== undefined || Object.keys(headers).some((name) => name.startsWith('sec-fetch-'));
    const isOwnHost = headers.host === `127.0.0.1:${request.socket.localPort}`;
    if (isFromBrowser || !isOwnHost) return REFUSED;
    const bytes = collectBytes(MAX_REQUEST_BYTES);
    for await (const chunk of request) if (!bytes.add(chunk as Uint8Array)) return REFUSED;
    const body = bytes.buffer().toString('utf8');
    if (!areEqualTexts(headers.authorization ?? '', `Proof ${nonce} ${controlProof(secret, 'request', nonce, url, body)}`)) return REFUSED;
    const action = Object.hasOwn(actions, url.slice(1)) ? actions[url.slice(1)] : undefined;
    if (!action || method !== 'POST' || headers['content-type'] !== 'application/json') return { status: 404, body: { error: 'unknown request' } };
    const asked = parsed(body);
    return asked ? { status: 200, body: await action(asked) } : { status: 400, body: { error: 'not a JSON object' } };
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const nonce = /^Proof ([\w-]{22,64}) /.exec(request.headers.authorization ?? '')?.[1] ?? '';
    let result: Answer;
    try {
      result = await answer(request, nonce);
    } catch (error) {
      result = error instanceof MintingError ? { status: 422, body: { error: error.message } } : { status: 500, body: { error: 'the issuer failed' } };
    }
    const body = JSON.stringify(result.body);
    // whoever does not know the secret gets no proof
    if (result !== REFUSED) response.setHeader(PROOF_HEADER, controlProof(secret, 'answer', nonce, String(result.status), body));
    response.writeHead(result.status, { 'content-type': 'application/json', 'cache-control': 'no-store', connection: 'close' }).end(body);
  }

  return { secret, server: createServer((request, response) => void respond(request, response)) };
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const REFUSED: Answer = { status: 403, body: { error: 'refused' } };

function parsed(body: string): object | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
