import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { expect, vi } from 'vitest';

/**
 * Expects a server's `/upload` to refuse an upload without a token before its body, and to ask for the body of one with a token
 * (`Expect: 100-continue`, RFC 9110 s10.1.1).
 */
export async function expectUploadsAskedFor(port: number, headers: Record<string, string>): Promise<void> {
  const refused = beginUpload(port, {});
  const [refusal] = (await once(refused.upload, 'response')) as [IncomingMessage];
  expect([refusal.statusCode, refusal.headers.connection]).toEqual([401, 'close']);
  expect(refused.continued).not.toHaveBeenCalled();
  refused.upload.destroy();

  const { upload, continued } = beginUpload(port, headers);
  await vi.waitFor(() => expect(continued).toHaveBeenCalledOnce());
  upload.end('a long body');
  const [response] = (await once(upload, 'response')) as [IncomingMessage];
  expect([response.statusCode, Buffer.concat(await response.toArray()).toString()]).toEqual([200, 'a long body']);
}

function beginUpload(port: number, headers: Record<string, string>) {
  const upload = request({ port, path: '/upload', method: 'POST', headers: { ...headers, expect: '100-continue', 'content-type': 'text/plain' } });
  const continued = vi.fn();
  upload.on('continue', continued).flushHeaders();
  return { upload, continued };
}

/** Returns a self-signed certificate and its key. */
export function selfSigned(): { readonly key: Buffer; readonly cert: Buffer } {
  const [key, cert] = ['key', 'cert'].map((name) => readFileSync(new URL(`../../core/test/self-signed/${name}.pem`, import.meta.url)));
  return { key: key!, cert: cert! };
}

/** Sends an HTTP/1.1 request to a server with a self-signed certificate. */
export async function askSelfSigned(port: number, path: string, headers: Record<string, string>): Promise<Response> {
  const asked = httpsRequest({ port, host: '127.0.0.1', path, headers, rejectUnauthorized: false, agent: false }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  expect(response.httpVersion).toBe('1.1');
  return new Response(await response.toArray().then(Buffer.concat), { status: response.statusCode!, headers: response.headers as Record<string, string> });
}
