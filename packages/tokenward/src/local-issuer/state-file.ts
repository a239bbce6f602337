import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { privateFolder, readPrivateFile, replacePrivateFile } from '../lib/private-files.js';

/** What other commands of this user need to know about a running issuer. */
export interface IssuerState {
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** The port of the control server on 127.0.0.1. */
  readonly controlPort: number;
  readonly secret: string;
}

type Env = Readonly<Record<string, string | undefined>>;

const FILE = /^issuer-[\w.-]{1,300}\.json$/;

/**
 * Writes the state of a running issuer, for this user alone.
 *
 * @returns a function that removes it
 */
export async function writeState(env: Env, state: IssuerState): Promise<() => Promise<void>> {
  const { hostname, port } = new URL(state.issuer);
  // issuers on two loopback addresses can have the same port, and a file name on Windows cannot contain a colon
  const path = join(await privateFolder(env), `issuer-${hostname.replaceAll(/[^\w.-]/g, '_')}-${port || 80}.json`);
  await replacePrivateFile(path, JSON.stringify(state));
  return async () => {
    // a newer issuer at the same address may have written its own
    const current = stateOf((await readPrivateFile(path).catch(() => undefined)) ?? '');
    if (current?.secret === state.secret) await rm(path, { force: true });
  };
}

/** Returns the states of this user's issuers. One that was killed leaves its file behind. */
export async function readStates(env: Env): Promise<readonly IssuerState[]> {
  const folder = await privateFolder(env);
  const names = (await readdir(folder)).filter((name) => FILE.test(name)).slice(0, 100);
  const states = await Promise.all(names.map(async (name) => stateOf((await readPrivateFile(join(folder, name))) ?? '')));
  return states.filter((state) => state !== undefined);
}

function stateOf(content: string): IssuerState | undefined {
  try {
    const { issuer, audiences, controlPort, secret } = JSON.parse(content) as Record<string, unknown>;
    const isState =
      typeof issuer === 'string' &&
      Array.isArray(audiences) &&
      audiences.every((audience) => typeof audience === 'string') &&
      isPort(controlPort) &&
      typeof secret === 'string' &&
      /^[\w-]{43}$/.test(secret);
    return isState ? { issuer, audiences, controlPort, secret } : undefined;
  } catch {
    return undefined;
  }
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536;
}
