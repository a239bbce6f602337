import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export const HOST = '127.0.0.1';

/** Reads a required setting. */
export function setting(name: 'ISSUER_BASE_URL' | 'AUDIENCE'): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** Returns the port to listen on. 0 means any free one. */
export function wantedPort(): number {
  return Number(process.env['PORT'] ?? 0);
}

/** Returns how many verified tokens a peer's cache may hold: more than the bench has, or none. */
export function wantedCache(): number | false {
  return process.argv.includes('cache') && 4096;
}

/** Starts an app whose `listen` returns Node's own server. */
export function listen(app: { listen(port: number, host: string): Server }): void {
  const server = app.listen(wantedPort(), HOST);
  server.once('listening', () => announce(server));
}

/** Prints where a server listens, and stops it on SIGTERM as the examples do, so that all servers are started and measured alike. */
export function announce(server: Server): void {
  console.log(`listening on http://${HOST}:${(server.address() as AddressInfo).port}`);
  process.once('SIGTERM', () => {
    server.close();
    server.closeAllConnections();
  });
}
