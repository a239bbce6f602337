import { createHook } from 'node:async_hooks';
import { onTestFinished } from 'vitest';

/** What Node starts for a name that is looked up, a connection or a datagram, by whatever library. */
const NETWORK = new Set(['GETADDRINFOREQWRAP', 'GETNAMEINFOREQWRAP', 'QUERYWRAP', 'TCPCONNECTWRAP', 'PIPECONNECTWRAP', 'UDPSENDWRAP', 'TLSWRAP']);

/** Counts, until the test ends, whatever this process asks of the network. */
export function spyOnNetwork(): { readonly count: number } {
  const seen = { count: 0 };
  const hook = createHook({
    init(_id, type) {
      if (NETWORK.has(type)) seen.count++;
    },
  }).enable();
  onTestFinished(() => void hook.disable());
  return seen;
}
