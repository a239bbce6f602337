import { randomBytes, createPublicKey } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Algorithm } from '@tokenward/core';
import { asSigningKey, generatePrivateKey, type SigningKey } from '@tokenward/testing';
import { onTestFinished } from 'vitest';

/** A key file in a folder: how it is created, and how it is replaced later. */
export interface FileLayout {
  readonly name: string;
  /** Creates the file. Returns its path. */
  create(folder: string, text: string): string;
  replace(folder: string, text: string): void;
}

export const fileLayouts: readonly FileLayout[] = [
  {
    name: 'written in place',
    create(folder, text) {
      writeFileSync(join(folder, 'keys'), text);
      return join(folder, 'keys');
    },
    replace: (folder, text) => writeFileSync(join(folder, 'keys'), text),
  },
  {
    name: 'replaced by renaming another file',
    create(folder, text) {
      writeFileSync(join(folder, 'keys'), text);
      return join(folder, 'keys');
    },
    replace(folder, text) {
      writeFileSync(join(folder, '.keys.tmp'), text);
      renameSync(join(folder, '.keys.tmp'), join(folder, 'keys'));
    },
  },
  {
    name: 'mounted by Kubernetes',
    // keys -> ..data/keys, ..data -> ..1, and another link is renamed over ..data
    create(folder, text) {
      mkdirSync(join(folder, '..1'));
      writeFileSync(join(folder, '..1', 'keys'), text);
      symlinkSync('..1', join(folder, '..data'));
      symlinkSync(join('..data', 'keys'), join(folder, 'keys'));
      return join(folder, 'keys');
    },
    replace(folder, text) {
      const name = `..${randomBytes(4).toString('hex')}`;
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'keys'), text);
      symlinkSync(name, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    },
  },
  {
    name: 'in a folder whose symbolic link is replaced',
    // mounted/keys, mounted -> 1, and another link is renamed over `mounted`
    create(folder, text) {
      mkdirSync(join(folder, '1'));
      writeFileSync(join(folder, '1', 'keys'), text);
      symlinkSync('1', join(folder, 'mounted'));
      return join(folder, 'mounted', 'keys');
    },
    replace(folder, text) {
      const name = randomBytes(4).toString('hex');
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'keys'), text);
      symlinkSync(join(folder, name), join(folder, 'mounted_tmp'));
      renameSync(join(folder, 'mounted_tmp'), join(folder, 'mounted'));
    },
  },
  {
    name: 'in a folder that is replaced by another',
    create(folder, text) {
      mkdirSync(join(folder, 'mounted'));
      writeFileSync(join(folder, 'mounted', 'keys'), text);
      return join(folder, 'mounted', 'keys');
    },
    replace(folder, text) {
      const name = randomBytes(4).toString('hex');
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'keys'), text);
      renameSync(join(folder, 'mounted'), join(folder, `${name}-old`));
      renameSync(join(folder, name), join(folder, 'mounted'));
    },
  },
];

/** Creates a folder with a key file. Default: a plain file, which is replaced by writing to it. */
export function createKeyFile(text: string, layout: FileLayout = fileLayouts[0]!): { readonly folder: string; readonly path: string } {
  const folder = newFolder();
  return { folder, path: layout.create(folder, text) };
}

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-keys-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function newKey(kid: string, algorithm: Algorithm = 'ES256'): Promise<SigningKey> {
  return asSigningKey(algorithm, await generatePrivateKey(algorithm), kid);
}

export function jwksOf(...keys: SigningKey[]): string {
  return JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) });
}

export function pemOf({ privateKey }: SigningKey): string {
  return createPublicKey(privateKey).export({ format: 'pem', type: 'spki' }) as string;
}

/** Returns how many files and folders this process watches, or NaN on a system other than Linux. */
export function openWatches(): number {
  if (process.platform !== 'linux') return Number.NaN;
  return readdirSync('/proc/self/fdinfo').reduce((sum, fd) => sum + watchesOf(fd), 0);
}

function watchesOf(fd: string): number {
  try {
    return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('inotify ')).length;
  } catch {
    // closed in the meantime
    return 0;
  }
}
