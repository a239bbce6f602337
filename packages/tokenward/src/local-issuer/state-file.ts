import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createPrivateFile, privateFolder, readPrivateFile } from '../lib/private-files.js';

/** What other commands of this user need to know about a running issuer. */
export interface IssuerState {
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** The port of the control server on 127.0.0.1. */
  readonly controlPort: number;
  readonly secret: string;
}

/** A state as it was found in its file. */
export interface FoundState extends IssuerState {
  readonly path: string;
  /** Machines and containers may share the folder. */
  readonly machine: string;
  readonly processId: number;
}

type Env = Readonly<Record<string, string | undefined>>;

const FILE = /^issuer-[\w.-]{1,300}\.json$/;

/**
 * Writes the state of a running issuer, for this user alone. Each start has a file of its own, so whoever removes that of a killed issuer removes no newer one.
 *
 * @returns a function that removes it
 */
export async function writeState(env: Env, state: IssuerState): Promise<() => Promise<void>> {
  const { hostname: host, port } = new URL(state.issuer);
  // the address is for people who look into the folder. A file name on Windows cannot contain a colon
  const path = join(await privateFolder(env), `issuer-${host.replaceAll(/[^\w.-]/g, '_')}-${port || 80}-${randomUUID()}.json`);
  await createPrivateFile(path, JSON.stringify({ ...state, machine: hostname(), processId: process.pid }));
  return () => rm(path, { force: true });
}

/** Returns the states of this user's issuers. One that was killed leaves its file behind. */
export async function readStates(env: Env): Promise<readonly FoundState[]> {
  const folder = await privateFolder(env);
  const names = (await readdir(folder)).filter((name) => FILE.test(name)).slice(0, 100);
  const states = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      return stateOf((await readPrivateFile(path)) ?? '', path);
    }),
  );
  return states.filter((state) => state !== undefined);
}

/** Whether the process of an issuer is gone. If it is not, another process may have its id. */
export function isGone({ machine, processId }: FoundState): boolean {
  if (machine !== hostname()) return false;
  try {
    process.kill(processId, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Removes the file of an issuer that was killed. That of another machine stays: its ports cannot be asked from here. It never rejects. */
export async function removeState({ machine, path }: FoundState): Promise<void> {
  if (machine === hostname()) await rm(path, { force: true }).catch(() => {});
}

function stateOf(content: string, path: string): FoundState | undefined {
  try {
    const { issuer, audiences, controlPort, secret, machine, processId } = JSON.parse(content) as Record<string, unknown>;
    const isState =
      typeof issuer === 'string' &&
      Array.isArray(audiences) &&
      audiences.every((audience) => typeof audience === 'string') &&
      isWithin(controlPort, 65_535) &&
      typeof secret === 'string' &&
      /^[\w-]{43}$/.test(secret) &&
      typeof machine === 'string' &&
      // 0 and negative numbers name groups of processes
      isWithin(processId, 2 ** 31 - 1);
    return isState ? { issuer, audiences, controlPort, secret, machine, processId, path } : undefined;
  } catch {
    return undefined;
  }
}

function isWithin(value: unknown, max: number): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= max;
}
