import { createServer, type AddressInfo } from 'node:net';

/** Returns a free port: Nest's microservices do not accept port 0. */
export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
