import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Questions } from './api-process.js';

/** One process of a fleet, as its parent sees it. */
export interface ApiProcess {
  ask<Q extends keyof Questions>(question: Q, ...args: Parameters<Questions[Q]>): Promise<ReturnType<Questions[Q]>>;
  end(): Promise<void>;
}

interface Answer {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

export function startApiProcess(): ApiProcess {
  const child: ChildProcess = fork(fileURLToPath(new URL('api-process.ts', import.meta.url)), { execArgv: ['--no-warnings'] });
  const pending = new Map<number, { readonly resolve: (answer: never) => void; readonly reject: (error: Error) => void }>();
  let nextId = 0;

  child.on('message', ({ id, answer, error }: Answer) => {
    const { resolve, reject } = pending.get(id)!;
    pending.delete(id);
    if (error === undefined) resolve(answer as never);
    else reject(new Error(error));
  });
  child.on('exit', (code, signal) => {
    for (const { reject } of pending.values()) reject(new Error(`the process ended with ${code ?? signal}`));
  });
  return {
    ask: (question, ...args) =>
      new Promise((resolve, reject) => {
        const id = nextId++;
        pending.set(id, { resolve, reject });
        child.send({ id, question, args });
      }),
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
