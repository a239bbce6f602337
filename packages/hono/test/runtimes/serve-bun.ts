import { setConnection } from '@tokenward/hono';
import { app } from './app.js';

interface Server {
  readonly port: number;
  requestIP(request: Request): { readonly address: string } | null;
}

declare const Bun: { serve(options: { hostname: string; port: number; fetch(request: Request, server: Server): unknown }): Server };

const { port } = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request, server) {
    setConnection(request, { peerAddress: server.requestIP(request)?.address });
    return app.fetch(request);
  },
});
process.stdout.write(`${JSON.stringify({ port })}\n`);
