import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/**
 * Ways for an issuer to answer wrongly:
 *
 * - `hang`: accepts the request and never answers
 * - `drip`: sends one byte per second, without end
 * - `reset`: resets the connection
 * - `error`: status 500
 * - `html`: status 200 with a web page
 * - `redirect`: status 302 to the same document elsewhere on this server
 * - `huge`: a JSON document of 10 MB
 * - `bomb`: the same, compressed to a few kilobytes
 * - `half`: truncated JSON
 * - `empty`: an empty body
 * - `no-keys`: a JWKS without keys
 *
 * An object is sent as the document, such as the metadata of another issuer, or invalid keys.
 */
export type Misbehaviour =
  | 'hang'
  | 'drip'
  | 'reset'
  | 'error'
  | 'html'
  | 'redirect'
  | 'huge'
  | 'bomb'
  | 'half'
  | 'empty'
  | 'no-keys'
  | { readonly document: unknown };

const HUGE_BYTES = 10_000_000;

/** Answers one request wrongly. */
export function misanswer(how: Misbehaviour, response: ServerResponse, host: string): void {
  if (typeof how === 'object') {
    sendJson(response, JSON.stringify(how.document));
    return;
  }
  switch (how) {
    case 'hang':
      return;
    case 'drip':
      drip(response);
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'error':
      response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"server_error"}');
      return;
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Welcome</title><p>Not a JSON document');
      return;
    case 'redirect':
      response.writeHead(302, { location: `http://${host}/elsewhere` }).end();
      return;
    case 'huge':
      sendJson(response, hugeDocument());
      return;
    case 'bomb':
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(gzipSync(hugeDocument()));
      return;
    case 'half':
      sendJson(response, '{"keys":[{"kty":"RSA"');
      return;
    case 'empty':
      sendJson(response, '');
      return;
    case 'no-keys':
      sendJson(response, '{"keys":[]}');
      return;
  }
}

function sendJson(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(text);
}

function hugeDocument(): string {
  return `{"keys":[],"padding":"${'x'.repeat(HUGE_BYTES)}"}`;
}

function drip(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{');
  const timer = setInterval(() => response.write(' '), 1000);
  timer.unref();
  response.once('close', () => clearInterval(timer));
}
