import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, type ExitCode } from 'tokenward';
import { Readable } from 'node:stream';

export interface RunningIssuer {
  readonly origin: string;
  readonly secret: string;
  /** The environment in which other commands find it. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdout: string;
  /** Ends it as Ctrl+C does. */
  stop(): Promise<ExitCode>;
  /** Ends it, and removes its folder. */
  end(): Promise<ExitCode>;
}

/** Runs `tokenward issuer` in this process, on a free port. */
export async function runIssuer(args: readonly string[] = [], folder = mkdtempSync(join(tmpdir(), 'tokenward-'))): Promise<RunningIssuer> {
  const env = { XDG_RUNTIME_DIR: folder };
  const ending = new AbortController();
  let stdout = '';
  let stderr = '';
  let started = (): void => {};
  const isStarted = new Promise<void>((resolve) => (started = resolve));
  const write = (text: string): void => {
    stdout += text;
    // one of the last lines
    if (text.startsWith('Users')) started();
  };
  const context = {
    stdin: Readable.from([]),
    stdout: { write },
    stderr: { write: (text: string) => void (stderr += text) },
    env,
    cwd: folder,
    fetch,
    now: Date.now,
    signal: ending.signal,
  };
  const ended = run(['issuer', '--port', '0', ...args], context);
  await Promise.race([isStarted, ended.then((code) => Promise.reject(new Error(`the issuer ended with ${code}: ${stderr}`)))]);
  return {
    origin: /at (http:\S+)/.exec(stdout)![1]!,
    secret: /secret (\S+)/.exec(stdout)![1]!,
    env,
    stdout,
    async stop() {
      ending.abort();
      return ended;
    },
    async end() {
      ending.abort();
      const code = await ended;
      rmSync(folder, { recursive: true, force: true });
      return code;
    },
  };
}
