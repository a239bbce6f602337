import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** A program in another runtime, and the lines that it prints. */
export interface Program {
  readonly lines: Interface;
  /** Everything that it writes to stderr, once it ended. */
  readonly errors: Promise<string>;
  /** Ends it, and resolves once it ended. */
  end(): Promise<void>;
}

const here = fileURLToPath(new URL('.', import.meta.url));
const binaries = fileURLToPath(new URL('../../../../compat/node_modules/.bin/', import.meta.url));

/** Bundles a program of this folder with the built packages, since not every runtime finds a package that imports itself by name. Returns its path. */
export async function bundle(name: string, folder: string): Promise<string> {
  const outfile = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [join(here, `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  });
  return outfile;
}

/** Starts a program. Its terminal hints are off. */
export function start(runtime: 'bun' | 'deno' | 'workerd', args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  const child = spawn(join(binaries, runtime), args, {
    env: { ...process.env, TOKENWARD_HINTS: '0', NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1', NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // the commands of npm start the runtime as a child of their own: a group ends as a whole
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    lines: createInterface({ input: child.stdout }),
    errors: text(child.stderr),
    end() {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL');
      return ended;
    },
  };
}

/** Writes a configuration of workerd that serves a bundle on a free port, with the variables that the guard reads. Returns its path. */
export function workerdConfig(worker: string, variables: Readonly<Record<string, string>>): string {
  const bindings = Object.entries(variables).map(([name, text]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(text)})`);
  const path = `${worker}.capnp`;
  writeFileSync(
    path,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), (name = "network", network = (allow = ["private"]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed ${JSON.stringify(basename(worker))})],
  compatibilityDate = "2026-11-01",
  bindings = [${bindings.join(', ')}],
  globalOutbound = "network",
);
`,
  );
  return path;
}

/** Returns the port that a program printed: its own line of JSON, or a line of workerd's `--control-fd`. */
export async function portOf({ lines, errors }: Program): Promise<number> {
  for await (const line of lines) {
    const { port } = JSON.parse(line) as { readonly port?: number };
    if (port !== undefined) return port;
  }
  throw new Error(`the program ended before it listened: ${await errors}`);
}
