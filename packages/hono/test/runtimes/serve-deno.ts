import { setConnection } from '@tokenward/hono';
import { app } from './app.js';

interface ServeOptions {
  readonly hostname: string;
  readonly port: number;
  onListen(address: { readonly port: number }): void;
}

declare const Deno: {
  serve(options: ServeOptions, handle: (request: Request, info: { readonly remoteAddr: { readonly hostname: string } }) => unknown): unknown;
};

Deno.serve({ hostname: '127.0.0.1', port: 0, onListen: ({ port }) => void process.stdout.write(`${JSON.stringify({ port })}\n`) }, (request, info) => {
  setConnection(request, { peerAddress: info.remoteAddr.hostname });
  return app.fetch(request);
});
