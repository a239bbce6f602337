import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DemoError } from './demo-error.ts';

/** A port that is open before anything answers: each server needs the addresses of the others first. */
export interface OpenPort {
  readonly server: Server;
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
}

/**
 * Opens one port for each name, in this order from `portBase` on.
 *
 * @param portBase undefined: any free ports
 * @throws DemoError if a port cannot be opened; then none stays open
 */
export async function openPorts<const Names extends readonly string[]>(names: Names, portBase?: number): Promise<{ [Name in keyof Names]: OpenPort }> {
  const opened: OpenPort[] = [];
  try {
    for (const [index, name] of names.entries()) opened.push(await openPort(name, portBase === undefined ? 0 : portBase + index));
    return opened as { [Name in keyof Names]: OpenPort };
  } catch (error) {
    await Promise.all(opened.map(({ server }) => closeServer(server)));
    throw error;
  }
}

/** Closes a server and its open connections. */
export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

async function openPort(who: string, port: number): Promise<OpenPort> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new DemoError(sentence(who, port, error.code))));
    server.listen(port, '127.0.0.1', resolve);
  });
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function sentence(who: string, port: number, code: string | undefined): string {
  const remedy = 'Choose others with --port-base, or leave it out to use free ones.';
  if (code === 'EADDRINUSE') return `Port ${port} for ${who} is in use. ${remedy}`;
  return `Cannot open port ${port} for ${who} (${code}). ${remedy}`;
}
