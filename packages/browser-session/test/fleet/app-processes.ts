import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { AppProcessMessage, AppProcessOptions } from './app-process.ts';

/** An app in a process of its own. */
export interface AppProcess {
  readonly base: string;
  /** Resolves when the process holds an answer. */
  held(): Promise<void>;
  /** Stops it, or lets it go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  /** Kills it with SIGKILL. */
  kill(): Promise<void>;
}

type AtEnd = (close: () => Promise<void> | void) => void;

/** The process is killed after the test, or by what `atEnd` takes. */
export function startAppProcess(options: AppProcessOptions, atEnd?: AtEnd): Promise<AppProcess> {
  return startProcess('app-process.ts', options, atEnd);
}

/** Starts a process that runs a file of this folder. It gets the options as its first message, and answers with its address. */
export async function startProcess<Options extends object>(file: string, options: Options, atEnd: AtEnd = onTestFinished): Promise<AppProcess> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), { execArgv: ['--no-warnings'] });
  const exited = once(child, 'exit');
  const app = {
    async held() {
      await once(child, 'message');
    },
    signal(name: 'SIGSTOP' | 'SIGCONT') {
      child.kill(name);
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
  atEnd(app.kill);
  child.send(options);
  const failed = exited.then(([code]: unknown[]) => {
    throw new Error(`the app's process ended with ${String(code)}`);
  });
  failed.catch(() => {});
  const [message] = (await Promise.race([once(child, 'message'), failed])) as [AppProcessMessage];
  return { ...app, base: (message as { readonly base: string }).base };
}
