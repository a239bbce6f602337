import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { RouteOfApp } from '@tokenward/testing/routes';
import type { Context } from '../context.js';
import { CannotRunError, UsageError } from '../errors.js';
import { IF_IT_CONNECTS } from './load-failure.js';

/** What the process that loads the app is asked for. */
export interface Question {
  /** The answer repeats it. The app may send messages of its own: `process.send('ready')` is for process managers. */
  readonly id: string;
  readonly file: string;
  /** The file as the command line names it. */
  readonly shownFile: string;
  readonly exportName: string | undefined;
  readonly except: readonly string[];
}

/** What it answers. */
export type Answer =
  | { readonly routes: readonly RouteOfApp[]; readonly excepted: readonly number[] }
  | { readonly failure: 'used wrongly' | 'could not run'; readonly message: string };

const TIMEOUT_MS = 60_000;
/** How long the rest of what the app printed may take. A process that the app started may keep the pipe open. */
const PRINTING_MS = 1000;
const MAX_OUTPUT_CHARACTERS = 100_000;

/**
 * Loads an app in a process of its own, which is ended afterwards: an app may listen, open connections, start timers and print.
 *
 * @param print gets what the app prints
 * @throws UsageError or CannotRunError
 */
export async function askChild(
  question: Omit<Question, 'id'>,
  { cwd, env }: Pick<Context, 'cwd' | 'env'>,
  print: (text: string) => void,
): Promise<Exclude<Answer, { readonly failure: unknown }>> {
  const types = (process.features as { readonly typescript?: unknown }).typescript;
  const flags = types === false || types === undefined ? ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'] : [];
  const child = fork(new URL('child.js', import.meta.url), [], {
    cwd,
    env: { ...process.env, ...env },
    execArgv: [...process.execArgv, ...flags],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let left = MAX_OUTPUT_CHARACTERS;
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      if (left <= 0) return;
      print(text.slice(0, left));
      left -= text.length;
      if (left < 0) print('\n... the app prints more, which is not shown\n');
    });
  }
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(() => reject(new CannotRunError(`the app did not load within ${TIMEOUT_MS / 1000} s. ${IF_IT_CONNECTS}`)), TIMEOUT_MS);
      const id = randomUUID();
      child.on('message', (message) => {
        const { to, answer: given } = Object(message) as { readonly to?: unknown; readonly answer?: Answer };
        if (to !== id) return;
        clearTimeout(timer);
        resolve(given!);
      });
      // if it cannot start, the message cannot be sent either
      child.on('error', () => reject(new CannotRunError('the process that loads the app could not start')));
      child.once('exit', (code, killedBy) => {
        clearTimeout(timer);
        reject(
          new CannotRunError(
            killedBy === null
              ? `the app ended its process while it was loaded (exit code ${code}). Export the app, and start it in another file`
              : `the process that loads the app was ended by ${killedBy}. Check whether this machine has enough memory, and whether a native module of the app crashes`,
          ),
        );
      });
      child.send({ ...question, id } satisfies Question);
    });
    if (!('failure' in answer)) return answer;
    throw answer.failure === 'used wrongly' ? new UsageError(answer.message) : new CannotRunError(answer.message);
  } finally {
    child.kill('SIGKILL');
    // an error above is about what the app printed last
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PRINTING_MS);
      child.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    for (const stream of [child.stdout!, child.stderr!]) stream.destroy();
  }
}
