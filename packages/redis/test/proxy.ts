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
  /**
   * Keeps what the server sends over connections on which the client has sent this text. `behave` and `reset` end that. Resolves when the text
   * was sent.
   */
  holdReplies(to: string): Promise<void>;
  /** Relays everything at once again, and what was held. */
  behave(): void;
  close(): Promise<void>;
}

export async function startProxy(port: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let mode: 'pass' | 'hang' | 'refuse' = 'pass';
  let delayMs = 0;
  let heldReplies: { readonly to: string; readonly found: () => void } | undefined;
  const held: (() => void)[] = [];

  const server = createServer((client) => {
    if (mode === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(port, '127.0.0.1');
    let isHeld = false;
    client.on('data', (bytes) => {
      if (!heldReplies || !bytes.includes(heldReplies.to)) return;
      isHeld = true;
      heldReplies.found();
    });
    relay(client, upstream);
    relay(
      upstream,
      client,
      () => delayMs,
      () => isHeld && heldReplies !== undefined,
    );
  });

  function relay(from: Socket, to: Socket, delayMsNow = () => 0, isHeldNow = () => false): void {
    sockets.add(from);
    from.on('data', (bytes) => {
      // dropped for good: what is sent into a dead network does not arrive later
      if (mode === 'hang') return;
      if (isHeldNow()) return void held.push(() => to.writable && to.write(bytes));
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
    heldReplies = undefined;
    held.splice(0);
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
    holdReplies(to) {
      return new Promise((found) => (heldReplies = { to, found }));
    },
    behave() {
      heldReplies = undefined;
      for (const send of held.splice(0)) send();
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
