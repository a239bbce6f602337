import { Readable } from 'node:stream';
import { run, type Context, type ExitCode } from 'tokenward';

type Commands = Parameters<typeof run>[2];

export interface Surroundings {
  /** What is piped into the command. */
  readonly stdin?: string | Readable;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether standard output and standard error are terminals. */
  readonly isTTY?: boolean;
  readonly cwd?: string;
  readonly now?: () => number;
  readonly signal?: AbortSignal;
  readonly fetch?: typeof fetch;
  readonly commands?: Commands;
}

export interface Ended {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process. */
export async function runCommand(args: readonly string[], { stdin = '', isTTY = false, commands, ...rest }: Surroundings = {}): Promise<Ended> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({ isTTY, columns: 80, write: (text: string) => void (written[name] += text) });
  const context: Context = {
    stdin: typeof stdin === 'string' ? Readable.from([Buffer.from(stdin)]) : stdin,
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    env: {},
    cwd: process.cwd(),
    fetch,
    now: Date.now,
    signal: new AbortController().signal,
    ...rest,
  };
  const code = await run(args, context, commands);
  return { code, ...written };
}
