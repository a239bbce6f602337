import { app } from './app.js';

declare const Bun: { serve(options: { hostname: string; port: number; fetch: unknown }): { readonly port: number } };

const { port } = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: app.fetch });
process.stdout.write(`${JSON.stringify({ port })}\n`);
