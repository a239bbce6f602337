import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TestIssuer } from '../issuer.js';

// a busy machine that reads a framework from a cold disk takes its time
const START_MS = 60_000;
const END_MS = 2_000;

/** An example app in a process of its own. */
export interface StartedExample {
  readonly process: ChildProcess;
  readonly origin: Promise<string>;
  /** Returns everything that it has printed to stdout. */
  output(): string;
}

export function startExample(
  server: URL,
  { issuer, audience }: Pick<TestIssuer, 'issuer' | 'audience'>,
  settings: Readonly<Record<string, string>> = {},
): StartedExample {
  const env = { ...process.env, ISSUER_BASE_URL: issuer, AUDIENCE: audience, PORT: '0', ...settings };
  const child = spawn(process.execPath, [fileURLToPath(server)], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const origin = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it did not say where it listens within ${START_MS / 1000} s`)), START_MS);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`it ended with ${code} before it listened`));
    });
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      const line = /^listening on (\S+)\n/.exec(output);
      if (!line) return;
      clearTimeout(timer);
      resolve(line[1]!);
    });
  });
  return { process: child, origin, output: () => output };
}

/** Ends a process by SIGTERM. @throws if it does not end in time and in good order */
export async function end({ process: child }: StartedExample): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  const [code, signal] = (await exited) as [number | null, string | null];
  clearTimeout(timer);
  if (signal === 'SIGKILL') throw new Error(`it was still there ${END_MS / 1000} s after SIGTERM`);
  if (code !== 0) throw new Error(`it ended with ${code ?? signal}, not in good order`);
}
