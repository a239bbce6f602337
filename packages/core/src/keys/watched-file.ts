import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { isKeyMaterial } from './key-material.js';
import { watchFolders } from './watched-folders.js';

const MAX_BYTES = 1_048_576;
/** A file may be written in several steps: it is read when its folder has been quiet for so long, or when it never is. */
const SETTLE_MS = 100;
const BUSY_MS = 1000;
/** Where a file system tells of no changes. */
const LOOK_AGAIN_MS = 60_000;

/** A file whose contents are kept up to date. */
export interface WatchedFile<T> {
  current(): T;
  lastError(): string | undefined;
  close(): void;
}

/**
 * Reads a file, and reads it again when it changes. Its folder is watched, and that of each symbolic link on the way to it, since mounted secrets
 * are changed by a link that is swapped. What can't be read or parsed never replaces what could.
 *
 * @param parse throws for what it can't take
 * @param tell is told of each change: of the error, where it was none
 * @throws Error when it can't be read or parsed at first
 */
export function watchFile<T>(path: string, parse: (text: string) => T, tell: (error?: Error) => void): WatchedFile<T> {
  let [text, value] = readFirst(path, parse);
  let lastError: Error | undefined;
  let settling: NodeJS.Timeout | undefined;
  let firstChangeMs = 0;

  function look(): void {
    folders.follow();
    try {
      const next = read(path);
      if (next === text && !lastError) return;
      value = next === text ? value : parse(next);
      text = next;
      lastError = undefined;
      tell();
    } catch (error) {
      const message = `${path}: ${(error as Error).message}`;
      if (lastError?.message === message) return;
      lastError = new Error(message);
      tell(lastError);
    }
  }

  function lookSoon(): void {
    const now = performance.now();
    if (!settling) firstChangeMs = now;
    else if (now - firstChangeMs > BUSY_MS) return;
    clearTimeout(settling);
    settling = setTimeout(() => {
      settling = undefined;
      look();
    }, SETTLE_MS);
    settling.unref();
  }

  const folders = watchFolders(path, lookSoon);
  const again = setInterval(look, LOOK_AGAIN_MS);
  again.unref();
  return {
    current: () => value,
    lastError: () => lastError?.message,
    close() {
      folders.close();
      clearInterval(again);
      clearTimeout(settling);
    },
  };
}

function readFirst<T>(path: string, parse: (text: string) => T): [string, T] {
  try {
    const text = read(path);
    return [text, parse(text)];
  } catch (error) {
    const { message } = error as Error;
    throw new Error(isShowable(path) ? `${path}: ${message}` : `${message}; what was given is not shown: it looks like no path, and may be a secret itself`);
  }
}

function read(path: string): string {
  const file = open(path);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new Error(stat.isDirectory() ? 'it is a directory (EISDIR)' : 'it is no regular file');
    // read to its end, and not to the size that is told: some have another
    const bytes = Buffer.allocUnsafe(MAX_BYTES + 1);
    let length = 0;
    for (let more = -1; more !== 0 && length <= MAX_BYTES; length += more) more = readSync(file, bytes, length, bytes.length - length, null);
    if (length > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(file);
  }
}

/** Without waiting: a pipe would else hold up everything until somebody writes to it. The system's own messages repeat what was given as a path. */
function open(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`${OPEN_ERRORS.get(code) ?? "it can't be opened"} (${code})`);
  }
}

const OPEN_ERRORS: ReadonlyMap<string | undefined, string> = new Map([
  ['ENOENT', 'there is no such file'],
  ['ENOTDIR', 'there is no such file: a part of its path is no directory'],
  ['EACCES', 'this process has no permission to read it'],
  ['EPERM', 'this process has no permission to read it'],
  ['EISDIR', 'it is a directory'],
  ['ELOOP', 'its symbolic links lead to no end'],
  ['ENAMETOOLONG', 'there is no such file: its name is too long'],
  ['EMFILE', 'too many files are open'],
  ['ENFILE', 'too many files are open'],
  ['ENXIO', 'it is no regular file'],
]);

/** Whether what was given as a path may be shown: not when it may be the secret or the keys themselves, given by mistake. */
function isShowable(path: string): boolean {
  if (path === '' || path.includes('\0')) return false;
  if (existsSync(path)) return true;
  if (path.length > 1024 || NO_PATHS.some((form) => form.test(path)) || isKeyMaterial(Buffer.from(path))) return false;
  const [first] = path.split(/[/\\]/, 1);
  return first !== path && (/^(?:\.{0,2}|~|[a-z]:)$/i.test(first!) || existsSync(first!));
}

/** More than one line, JSON, a URL, and base64, which may hold slashes. */
const NO_PATHS = [/\p{Cc}/u, /^\s*[[{]/, /^[a-z][a-z0-9+.-]+:/i, /=$/, /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z0-9+/]{22,}$/];
