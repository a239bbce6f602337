import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { ServerCandidate } from './candidate.ts';

/** A running candidate. */
export interface ServerProcess {
  readonly port: number;
  /** User and system time since its start, in microseconds. */
  usedCpu(): Promise<number>;
  stop(): Promise<void>;
}

export interface Surroundings {
  readonly issuer: string;
  readonly audience: string;
}

const START_SECONDS = 20;
const ANSWER_SECONDS = 10;
const STOP_SECONDS = 3;

export async function startServer(
  { name, program, programArguments = [] }: Pick<ServerCandidate, 'name' | 'program' | 'programArguments'>,
  { issuer, audience }: Surroundings,
): Promise<ServerProcess> {
  const child = fork(program, programArguments, {
    execArgv: ['--import', new URL('report-cpu.ts', import.meta.url).href],
    env: { ISSUER_BASE_URL: issuer, AUDIENCE: audience, PORT: '0', NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const errorOutput = errorOutputOf(child);
  try {
    const port = await listeningPort(child);
    return {
      port,
      async usedCpu() {
        const answer = once(child, 'message', { signal: AbortSignal.timeout(ANSWER_SECONDS * 1000) });
        child.send('cpu');
        const [microseconds] = (await answer) as [number];
        return microseconds;
      },
      stop: () => stop(child),
    };
  } catch (cause) {
    await stop(child);
    throw new Error(`${name} did not start: ${(cause as Error).message}\n${errorOutput()}`, { cause });
  }
}

/** Keeps the end of what a server prints on stderr, which is shown only if it does not start. */
function errorOutputOf(child: ChildProcess): () => string {
  let text = '';
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-2000);
  });
  return () => text;
}

async function listeningPort(child: ChildProcess): Promise<number> {
  const signal = AbortSignal.timeout(START_SECONDS * 1000);
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`it exited with code ${String(code)}`);
  });
  const [line] = (await Promise.race([once(createInterface(child.stdout!), 'line', { signal }), ended])) as [string];
  ended.catch(() => {});
  const port = /^listening on http:\/\/127\.0\.0\.1:(\d+)$/.exec(line)?.[1];
  if (port === undefined) throw new Error(`it printed "${line}"`);
  return Number(port);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_SECONDS * 1000);
  await exit;
  clearTimeout(timer);
}
