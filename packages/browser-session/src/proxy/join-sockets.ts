import type { Duplex } from 'node:stream';

/** How long a connection may take to send the rest after the other one has ended. */
const GRACE_MS = 5000;

/**
 * Passes bytes between two connections, no faster than each takes them. When one ends, so does the other: a WebSocket has no half-closed state.
 *
 * @returns a function that ends both
 */
export function join(one: Duplex, other: Duplex): () => void {
  let timer: NodeJS.Timeout | undefined;
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to);
    from.once('end', part);
    from.once('close', part);
  }
  return part;

  function part(): void {
    one.end();
    other.end();
    timer ??= setTimeout(() => {
      one.destroy();
      other.destroy();
    }, GRACE_MS).unref();
    if (one.destroyed && other.destroyed) clearTimeout(timer);
  }
}
