import type { Slice } from './rounds.ts';

/** Adds up the time that this process spends between `start` and `stop`. */
export interface Meter {
  start(): void;
  stop(): void;
  per(operations: number): Slice;
}

export function createMeter(): Meter {
  let cpuMicroseconds = 0;
  let wallMicroseconds = 0;
  let cpuAtStart = process.cpuUsage();
  let wallAtStart = performance.now();
  return {
    start() {
      wallAtStart = performance.now();
      cpuAtStart = process.cpuUsage();
    },
    stop() {
      const { user, system } = process.cpuUsage(cpuAtStart);
      cpuMicroseconds += user + system;
      wallMicroseconds += (performance.now() - wallAtStart) * 1000;
    },
    per: (operations) => ({ cpuMicroseconds: cpuMicroseconds / operations, wallMicroseconds: wallMicroseconds / operations }),
  };
}
