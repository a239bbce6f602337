import { writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { EXIT_CODES } from './exit-codes.js';

/** Where a command writes. `process.stdout` is one. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Where a command reads what somebody types or pipes. `process.stdin` is one. */
export type InputStream = Readable & { readonly isTTY?: boolean; setRawMode?: ((isRaw: boolean) => unknown) | undefined };

/** Everything outside of the program that a command uses. Tests replace it, and run commands in their own process. */
export interface Context {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that relative paths start from. */
  readonly cwd: string;
  readonly fetch: typeof fetch;
  /** Returns the time in milliseconds since the epoch. */
  readonly now: () => number;
  /** Aborts when somebody ends the program with Ctrl+C or SIGTERM. A command that never reads it is ended at once, so only commands that keep running need it. */
  readonly signal: AbortSignal;
}

/** Returns the context of this process. It changes the process only when `signal` is first read. */
export function processContext(): Context {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endWithoutOutput);
  let signal: AbortSignal | undefined;
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    fetch: globalThis.fetch,
    now: Date.now,
    get signal() {
      return (signal ??= signalOfProcess());
    },
  };
}

/** A part of the output is lost, so no exit code may say that nothing is wrong. */
function endWithoutOutput({ code }: NodeJS.ErrnoException): never {
  // a reader that has enough, such as `head`, needs no words
  if (code !== 'EPIPE') {
    try {
      writeSync(process.stderr.fd, `error: the output cannot be written (${code ?? 'unknown error'})\n`);
    } catch {
      // nobody can be told
    }
  }
  process.exit(EXIT_CODES.couldNotRun);
}

/** The first signal aborts, and the second one ends the process as usual. */
function signalOfProcess(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  return controller.signal;
}
