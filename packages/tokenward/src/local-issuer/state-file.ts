import { randomUUID } from 'node:crypto';
import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CannotRunError } from '../errors.js';
import { machineName } from './machine-name.js';
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
  /** See {@link machineName}. Machines and containers may share the folder. */
  readonly machine: string;
  readonly processId: number;
}

/** The states of this user's issuers, and the files that cannot be used. */
export interface FoundStates {
  readonly states: readonly FoundState[];
  readonly unusable: readonly UnusableFile[];
}

/** A state file that cannot be used. */
export interface UnusableFile {
  readonly path: string;
  /** Names the file, and what to do. */
  readonly error: CannotRunError;
}

type Env = Readonly<Record<string, string | undefined>>;

const FILE = /^issuer-[\w.-]{1,300}\.json$/;
/** Killed issuers whose machine is no longer there leave files that nobody removes. */
const MAX_FILES = 100;

/**
 * Writes the state of a running issuer, for this user alone. Each start has a file of its own, so whoever removes that of a killed issuer removes no newer one.
 * A reader finds the whole file or none.
 *
 * @returns a function that removes it
 * @throws CannotRunError if it cannot be written
 */
export async function writeState(env: Env, state: IssuerState): Promise<() => Promise<void>> {
  const path = join(await privateFolder(env), `${beginningFor(new URL(state.issuer))}${randomUUID()}.json`);
  const draft = `${path}.draft`;
  try {
    await createPrivateFile(draft, JSON.stringify({ ...state, machine: machineName(), processId: process.pid }));
    await rename(draft, path);
  } catch (error) {
    throw new CannotRunError(
      `cannot write ${path} (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}), by which other commands find the issuer. Check the permissions of its folder, and the space on its disk`,
    );
  }
  return () => rm(path, { force: true });
}

/** Returns how the names of an issuer's state files begin. A file name on Windows cannot contain a colon. */
function beginningFor({ hostname, port }: URL): string {
  return `issuer-${hostname.replaceAll(/[^\w.-]/g, '_')}-${port || 80}-`;
}

/** Whether a state file is that of an issuer, by its name. */
export function isFileOf(path: string, issuer: string): boolean {
  const url = URL.parse(issuer);
  return url !== null && basename(path).startsWith(beginningFor(url));
}

/**
 * Returns the states of this user's issuers: those of the newest files. An issuer that was killed leaves its file behind.
 *
 * @throws CannotRunError if the folder cannot be used. A file that cannot be used is in the result, since a command may need another one
 */
export async function readStates(env: Env): Promise<FoundStates> {
  const folder = await privateFolder(env);
  const names = await readdir(folder).catch(({ code }: NodeJS.ErrnoException) => {
    throw new CannotRunError(`cannot read the folder ${folder} (${code ?? 'unknown error'}). Run: chmod 700 ${folder}`);
  });
  const paths = names.filter((name) => FILE.test(name)).map((name) => join(folder, name));
  const files = await Promise.all(paths.map(async (path) => ({ path, writtenMs: (await lstat(path).catch(() => undefined))?.mtimeMs ?? 0 })));
  const newest = files.toSorted((one, other) => other.writtenMs - one.writtenMs).slice(0, MAX_FILES);
  const states: FoundState[] = [];
  const unusable: UnusableFile[] = [];
  for (const { path } of newest) {
    try {
      const state = stateOf((await readPrivateFile(path)) ?? '', path);
      if (state) states.push(state);
    } catch (error) {
      if (!(error instanceof CannotRunError)) throw error;
      unusable.push({ path, error });
    }
  }
  return { states, unusable };
}

/** Whether it is certain that the process of an issuer has ended. If it is not, another process may have its id. */
export function isGone({ machine, processId }: FoundState): boolean {
  if (machine !== machineName()) return false;
  try {
    process.kill(processId, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Removes the file of an issuer that was killed. That of another machine stays: its ports cannot be asked from here. It never rejects. */
export async function removeState({ machine, path }: FoundState): Promise<void> {
  if (machine === machineName()) await rm(path, { force: true }).catch(() => {});
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
