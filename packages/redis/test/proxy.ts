import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy in front of a server that can act as a bad network. */
export interface Proxy {
  readonly url: string;
  /** Drops all bytes in both directions and keeps connections open. */
  hang(): void;
  /** Resets all connections, and each new one. */
  refuse(): void;
  /** Resets all connections once. */
  reset(): void;
  /** Delays what the server sends. */
  delay(milliseconds: number): void;
  /** Relays everything at once again. */
  behave(): void;
  close(): Promise<void>;
}

export async function startProxy(port: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let mode: 'pass' | 'hang' | 'refuse' = 'pass';
  let delayMs = 0;

  const server = createServer((client) => {
    if (mode === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(port, '127.0.0.1');
    relay(client, upstream);
    relay(upstream, client, () => delayMs);
  });

  function relay(from: Socket, to: Socket, delayMsNow = () => 0): void {
    sockets.add(from);
    from.on('data', (bytes) => {
      // dropped for good: what is sent into a dead network does not arrive later
      if (mode === 'hang') return;
      const wait = delayMsNow();
      if (wait === 0) to.write(bytes);
      else setTimeout(() => to.writable && mode !== 'hang' && to.write(bytes), wait);
    });
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      if (mode !== 'hang') to.destroy();
    });
  }

  function resetAll(): void {
    for (const socket of sockets) socket.resetAndDestroy();
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hang() {
      mode = 'hang';
    },
    refuse() {
      mode = 'refuse';
      resetAll();
    },
    reset: resetAll,
    delay(milliseconds) {
      delayMs = milliseconds;
    },
    behave() {
      if (mode === 'hang') resetAll();
      mode = 'pass';
      delayMs = 0;
    },
    async close() {
      mode = 'refuse';
      resetAll();
      server.close();
      await once(server, 'close');
    },
  };
}
