import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy in front of a server, which can be told to be a bad network. */
export interface Proxy {
  readonly url: string;
  /** Takes bytes and lets none through, in either direction; connections stand. */
  hang(): void;
  /** Ends all connections with a reset, and each new one, too. */
  refuse(): void;
  /** Ends all connections with a reset, once. */
  reset(): void;
  /** What the server says comes so much later. */
  delay(milliseconds: number): void;
  behave(): void;
  close(): Promise<void>;
}

export async function startProxy(port: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let how: 'pass' | 'hang' | 'refuse' = 'pass';
  let delayMs = 0;

  const server = createServer((client) => {
    if (how === 'refuse') {
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
      // swallowed for good: what was sent into a dead network does not come later
      if (how === 'hang') return;
      const wait = delayMsNow();
      if (wait === 0) to.write(bytes);
      else setTimeout(() => to.writable && how !== 'hang' && to.write(bytes), wait);
    });
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      if (how !== 'hang') to.destroy();
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
      how = 'hang';
    },
    refuse() {
      how = 'refuse';
      resetAll();
    },
    reset: resetAll,
    delay(milliseconds) {
      delayMs = milliseconds;
    },
    behave() {
      if (how === 'hang') resetAll();
      how = 'pass';
      delayMs = 0;
    },
    async close() {
      how = 'refuse';
      resetAll();
      server.close();
      await once(server, 'close');
    },
  };
}
