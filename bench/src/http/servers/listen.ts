import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export const HOST = '127.0.0.1';

/** A setting that the server can't do without. */
export function setting(name: 'ISSUER_BASE_URL' | 'AUDIENCE'): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** Any free one where none is set. */
export function wantedPort(): number {
  return Number(process.env['PORT'] ?? 0);
}

/** Returns how many verified tokens a peer's cache may hold: more than the bench has, or none. */
export function wantedCache(): number | false {
  return process.argv.includes('cache') && 4096;
}

/** For frameworks that hand out Node's own server. */
export function listen(app: { listen(port: number, host: string): Server }): void {
  const server = app.listen(wantedPort(), HOST);
  server.once('listening', () => announce(server));
}

/** Says where a server listens, and ends it as the examples end, so that all servers are started and measured in one way. */
export function announce(server: Server): void {
  console.log(`listening on http://${HOST}:${(server.address() as AddressInfo).port}`);
  process.once('SIGTERM', () => {
    server.close();
    server.closeAllConnections();
  });
}
