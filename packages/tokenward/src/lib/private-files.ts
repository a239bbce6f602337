import { constants } from 'node:fs';
import { lstat, mkdir, open, realpath, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CannotRunError } from '../errors.js';

const MAX_BYTES = 1024 * 1024;
const IS_POSIX = process.platform !== 'win32';

/**
 * Returns the folder in which programs of this user keep what others must not read. It is created if it is missing.
 *
 * @throws CannotRunError if somebody else could read it, or replace what is in it
 */
export async function privateFolder(env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const folder = folderOf(env);
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(() => {
    throw new CannotRunError(`cannot create the folder ${folder}. Set XDG_RUNTIME_DIR to a folder of yours that nobody else can read`);
  });
  const found = await lstat(folder);
  if (!found.isDirectory() || !isOwn(found.uid) || isOpen(found.mode)) {
    throw new CannotRunError(`${folder} must be a folder of yours that nobody else can read. Remove it, or run: chmod 700 ${folder}`);
  }
  // whoever may write to a parent can put another folder in this place
  for (let parent = dirname(await realpath(folder)); ; parent = dirname(parent)) {
    const { uid, mode } = await stat(parent);
    const isSticky = (mode & 0o1000) !== 0;
    if (IS_POSIX && ((!isOwn(uid) && uid !== 0) || ((mode & 0o022) !== 0 && !isSticky))) {
      throw new CannotRunError(`others may replace folders in ${parent}. Set XDG_RUNTIME_DIR to a folder of yours that nobody else can write to`);
    }
    if (parent === dirname(parent)) return folder;
  }
}

function folderOf({ XDG_RUNTIME_DIR, LOCALAPPDATA, XDG_STATE_HOME, HOME }: Readonly<Record<string, string | undefined>>): string {
  if (XDG_RUNTIME_DIR?.startsWith('/')) return join(XDG_RUNTIME_DIR, 'tokenward');
  if (!IS_POSIX && LOCALAPPDATA) return join(LOCALAPPDATA, 'tokenward');
  if (XDG_STATE_HOME?.startsWith('/')) return join(XDG_STATE_HOME, 'tokenward');
  if (HOME?.startsWith('/')) return join(HOME, '.local', 'state', 'tokenward');
  throw new CannotRunError('there is no folder for private files. Set HOME or XDG_RUNTIME_DIR to a folder of yours');
}

/**
 * Reads a file that only this user can read. It follows no symbolic link.
 *
 * @returns undefined if there is none
 * @throws CannotRunError if it is another kind of file, if somebody else can read or write it, or if it is larger than 1 MiB
 */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  const file = await openFile(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  if (!file) return undefined;
  try {
    const found = await file.stat();
    if (!found.isFile() || !isOwn(found.uid)) throw new CannotRunError(`${path} must be a file of yours. Remove it, or name another file`);
    if (isOpen(found.mode)) throw new CannotRunError(`others can read ${path}. Run: chmod 600 ${path}`);
    if (found.size > MAX_BYTES) throw new CannotRunError(`${path} is larger than 1 MiB. Remove it, or name another file`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/**
 * Creates a file that only this user can read.
 *
 * @throws Error if there is a file or a symbolic link already
 */
export async function createPrivateFile(path: string, content: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
  } catch (error) {
    // a part of the content, such as half a key, is worse than none
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

async function openFile(path: string, flags: number): Promise<FileHandle | undefined> {
  try {
    return await open(path, flags);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw new CannotRunError(`${path} is a symbolic link, which is not followed. Remove it, or name the file itself`);
    // if the file does not exist, its name may be a secret in the wrong place
    throw new CannotRunError(code === 'EACCES' ? `cannot read ${path} (EACCES). Run: chmod 600 ${path}` : `cannot read the file (${code ?? 'unknown error'})`);
  }
}

/** Windows has neither user ids nor modes: there the folders of a user's profile are private. */
function isOwn(uid: number): boolean {
  return !IS_POSIX || uid === process.getuid?.();
}

function isOpen(mode: number): boolean {
  return IS_POSIX && (mode & 0o077) !== 0;
}
