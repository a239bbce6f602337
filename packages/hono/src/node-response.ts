import type { ServerResponse } from 'node:http';

/** Sends a `Response` as Node's own response. */
export async function sendResponse(outgoing: ServerResponse, response: Response): Promise<void> {
  const body = new Uint8Array(await response.arrayBuffer());
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) {
    outgoing.setHeader(name, name === 'set-cookie' ? response.headers.getSetCookie() : value);
  }
  outgoing.end(body);
}
