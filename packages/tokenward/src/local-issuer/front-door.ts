import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isLoopback } from '@tokenward/core/store';
import { pagePolicy } from './pages.js';

/**
 * Lets in only requests to this issuer's own address, and adds the headers of every answer. A web page whose name server says that its host is now 127.0.0.1 (DNS
 * rebinding) reaches the port, but its browser sends the name of that host.
 */
export function behindFrontDoor(issuer: string, inner: RequestListener): RequestListener {
  const { host } = new URL(issuer);
  return (request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    response.setHeader('content-security-policy', pagePolicy());
    const asked = request.headers.host ?? '';
    if (asked === host && isOriginForm(request)) inner(request, response);
    else refuse(request, response, issuer, asked);
  };
}

const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  // with no-referrer, forms would come with `Origin: null`
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
};

function isOriginForm({ url }: IncomingMessage): boolean {
  return url?.startsWith('/') === true;
}

function refuse(request: IncomingMessage, response: ServerResponse, issuer: string, asked: string): void {
  const url = URL.parse(`http://${asked}`);
  const isOther = !url || url.host !== asked.toLowerCase() || !isLoopback(url.hostname) || !isOriginForm(request);
  // another name for the same machine, such as localhost: metadata, tokens and cookies have one address only
  if (!isOther && (request.method === 'GET' || request.method === 'HEAD')) {
    response.writeHead(307, { location: `${issuer}${request.url}` }).end();
    return;
  }
  response
    .writeHead(421, { 'content-type': 'text/plain' })
    .end(isOther ? 'The local issuer answers on this machine only.\n' : `This issuer is ${issuer}: use this address.\n`);
}
