import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An address on loopback that forged tokens name as that of their key. No server may fetch anything from there. */
export interface KeyTrap {
  readonly origin: string;
  /** How often something was fetched. */
  readonly hits: number;
  close(): Promise<void>;
}

export async function createKeyTrap(): Promise<KeyTrap> {
  let hits = 0;
  const server = createServer((_request, response) => {
    hits++;
    response.writeHead(404, { connection: 'close' }).end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get hits() {
      return hits;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
