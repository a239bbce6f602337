import { writeFileSync } from 'node:fs';

/** Counts checks, and prints those that fail. */
export interface Tally {
  check(name: string, run: () => Promise<void>): Promise<void>;
  /** Prints the counts. The process ends with 1 if a check has failed. */
  finish(): void;
}

export function createTally(): Tally {
  let passed = 0;
  let failed = 0;
  return {
    async check(name, run) {
      try {
        await run();
        passed++;
      } catch (error) {
        failed++;
        console.log(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
    finish() {
      console.log(`${passed} passed, ${failed} failed`);
      if (process.env['TOKENWARD_COUNTS']) writeFileSync(process.env['TOKENWARD_COUNTS'], JSON.stringify({ passed, failed }));
      if (failed > 0 || passed === 0) process.exitCode = 1;
    },
  };
}
