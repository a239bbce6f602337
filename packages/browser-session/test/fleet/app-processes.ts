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

/** The process is killed after the test, or by what `atEnd` takes. */
export async function startAppProcess(options: AppProcessOptions, atEnd: (close: () => Promise<void> | void) => void = onTestFinished): Promise<AppProcess> {
  const child = fork(fileURLToPath(new URL('app-process.ts', import.meta.url)), { execArgv: ['--no-warnings'] });
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
