import type { AddressInfo } from 'node:net';
import type { Express } from 'express';

/** Listens and ends as the examples do, so that all servers are started and measured in one way. */
export function listen(app: Express): void {
  const server = app.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', (error) => {
    if (error) throw error;
    console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  process.once('SIGTERM', () => {
    server.close();
    server.closeAllConnections();
  });
}

/** A setting that the server can't do without. */
export function setting(name: 'ISSUER_BASE_URL' | 'AUDIENCE'): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}
