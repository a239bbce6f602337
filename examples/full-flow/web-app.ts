import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DemoError } from './demo-error.ts';

export interface WebAppSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly audience: string;
  readonly origin: string;
  readonly sessionSecret: string;
  readonly mode?: 'bff' | 'token-mediating' | undefined;
  readonly redisUrl?: string | undefined;
  /** More of the environment, such as NODE_DEBUG. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Whether its stderr is shown. Default: `inherit`. */
  readonly errors?: 'inherit' | 'ignore' | undefined;
}

export interface RunningWebApp {
  readonly origin: string;
  /** What it printed on stdout. */
  readonly output: () => string;
  /** Ends it, and returns the exit code: null if it did not end by itself. */
  stop(): Promise<number | null>;
}

const STOP_TIMEOUT_MS = 2000;

/** Starts examples/web-app in a process of its own, at the port of its origin. */
export async function startWebApp(settings: WebAppSettings): Promise<RunningWebApp> {
  const { issuer, clientId, clientSecret, audience, origin, sessionSecret, mode = 'bff', redisUrl = '', environment = {}, errors = 'inherit' } = settings;
  const program = fileURLToPath(new URL('../web-app/server.ts', import.meta.url));
  const child = spawn(process.execPath, [program], {
    env: {
      ...process.env,
      ...environment,
      ISSUER_BASE_URL: issuer,
      CLIENT_ID: clientId,
      CLIENT_SECRET: clientSecret,
      AUDIENCE: audience,
      ORIGIN: origin,
      PORT: new URL(origin).port,
      SESSION_SECRET: sessionSecret,
      SESSION_MODE: mode,
      REDIS_URL: redisUrl,
    },
    stdio: ['ignore', 'pipe', errors],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = once(child, 'exit') as Promise<[number | null]>;
  await Promise.race([once(child.stdout, 'data'), exited]);
  if (!output.startsWith('listening on ')) throw new DemoError(`The web app did not start at ${origin}.`);
  return {
    origin,
    output: () => output,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(kill, STOP_TIMEOUT_MS);
      const [code] = await exited;
      clearTimeout(timer);
      process.off('exit', kill);
      return code;
    },
  };
}
