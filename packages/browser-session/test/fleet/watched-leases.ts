import { connect } from 'node:net';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The attempts of all processes to take a lease in Redis, as it saw them. */
export interface WatchedLeases {
  /** How many there were so far. */
  readonly attempts: number;
  close(): void;
}

/** Watches a server from now on. */
export async function watchLeases(port: number): Promise<WatchedLeases> {
  const socket = connect(port, '127.0.0.1');
  const lines = createInterface(socket);
  let attempts = 0;
  socket.write('MONITOR\r\n');
  // the answer, from which on each command is a line
  await once(lines, 'line');
  lines.on('line', (line) => {
    if (/\] "SET" "\{tokenward:sessions\}:lease:/.test(line)) attempts++;
  });
  return {
    get attempts() {
      return attempts;
    },
    close() {
      lines.close();
      socket.destroy();
    },
  };
}
