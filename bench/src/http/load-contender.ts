import type { Contender } from '../rounds.ts';
import { applyLoad } from './load.ts';
import type { ServerProcess } from './server-process.ts';

/** How many requests a slice has, and over how many connections they go. */
export interface LoadPlan {
  readonly sliceSize: number;
  readonly connections: number;
}

/** Returns a contender that sends requests to a server. Its figures are per request; the CPU time is the server's own. */
export function loadContender(name: string, server: ServerProcess, { sliceSize, connections }: LoadPlan, nextRequest: () => string): Contender {
  return {
    name,
    async runSlice() {
      const cpuBefore = await server.usedCpu();
      const wallMicroseconds = await applyLoad({ port: server.port, requests: sliceSize, connections, nextRequest });
      const cpuMicroseconds = (await server.usedCpu()) - cpuBefore;
      return { cpuMicroseconds: cpuMicroseconds / sliceSize, wallMicroseconds: wallMicroseconds / sliceSize };
    },
  };
}
