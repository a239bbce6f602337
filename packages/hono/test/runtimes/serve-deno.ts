import { app } from './app.js';

declare const Deno: { serve(options: { hostname: string; port: number; onListen(address: { readonly port: number }): void }, fetch: unknown): unknown };

Deno.serve({ hostname: '127.0.0.1', port: 0, onListen: ({ port }) => void process.stdout.write(`${JSON.stringify({ port })}\n`) }, app.fetch);
