import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { isKeyMaterial } from './key-material.js';
import { watchFolders } from './watched-folders.js';

const MAX_BYTES = 1_048_576;
/** A file may be written in several steps. It is read when its folder has not changed for this long ... */
const SETTLE_MS = 100;
/** ... or at the latest this long after the first change. */
const MAX_SETTLE_MS = 1000;
/** For file systems without change events. */
const POLL_MS = 60_000;

/** A file whose contents are kept up to date. */
export interface WatchedFile<T> {
  current(): T;
  lastError(): string | undefined;
  close(): void;
}

/**
 * Reads a file, and reads it again when it changes. It watches the folder of the file and of each symbolic link on its path, since Kubernetes changes
 * mounted secrets by swapping a link. If the file cannot be read or parsed later, the last good contents stay current.
 *
 * @param parse throws if it rejects a text
 * @param onChange is called after each change, with an error if the file could not be read or parsed. While that lasts, it gets the error again every minute,
 *   since an alert would take silence for the end of the problem
 * @throws Error if the file cannot be read or parsed at first
 */
export function watchFile<T>(path: string, parse: (text: string) => T, onChange: (error?: Error) => void): WatchedFile<T> {
  let [text, value] = readFirst(path, parse);
  let lastError: Error | undefined;
  let settling: NodeJS.Timeout | undefined;
  let firstChangeMs = 0;

  function reload(isDue = false): void {
    folders.follow();
    try {
      const next = read(path);
      if (next === text && !lastError) return;
      value = next === text ? value : parse(next);
      text = next;
      lastError = undefined;
      onChange();
    } catch (error) {
      const message = `${path}: ${(error as Error).message}`;
      if (lastError?.message === message && !isDue) return;
      lastError = new Error(message);
      onChange(lastError);
    }
  }

  function reloadSoon(): void {
    const now = performance.now();
    if (!settling) firstChangeMs = now;
    else if (now - firstChangeMs > MAX_SETTLE_MS) return;
    clearTimeout(settling);
    settling = setTimeout(() => {
      settling = undefined;
      reload();
    }, SETTLE_MS);
    settling.unref();
  }

  const folders = watchFolders(path, reloadSoon);
  const polling = setInterval(() => reload(true), POLL_MS);
  polling.unref();
  return {
    current: () => value,
    lastError: () => lastError?.message,
    close() {
      folders.close();
      clearInterval(polling);
      clearTimeout(settling);
    },
  };
}

/**
 * Reads a file of text without watching it.
 *
 * @throws Error that names the path, unless that may be a secret
 */
export function readTextFile(path: string): string {
  return readFirst(path, (text) => text)[0];
}

function readFirst<T>(path: string, parse: (text: string) => T): [string, T] {
  try {
    const text = read(path);
    return [text, parse(text)];
  } catch (error) {
    const { message } = error as Error;
    throw new Error(isShowable(path) ? `${path}: ${message}` : `${message}; the value does not look like a path and may be a secret, so it is not shown`);
  }
}

function read(path: string): string {
  const file = open(path);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new Error(stat.isDirectory() ? 'it is a directory (EISDIR)' : 'it is not a regular file');
    // reads to the end, since some file systems report a wrong size
    const bytes = Buffer.allocUnsafe(MAX_BYTES + 1);
    let length = 0;
    for (let more = -1; more !== 0 && length <= MAX_BYTES; length += more) more = readSync(file, bytes, length, bytes.length - length, null);
    if (length > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(file);
  }
}

/** Opens a file without blocking, since it could be a pipe. The system's own messages are not used, since they quote the path, which may be a secret. */
function open(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`${OPEN_ERRORS.get(code) ?? 'it cannot be opened'} (${code})`);
  }
}

const OPEN_ERRORS: ReadonlyMap<string | undefined, string> = new Map([
  ['ENOENT', 'there is no such file'],
  ['ENOTDIR', 'there is no such file: a part of its path is not a directory'],
  ['EACCES', 'this process has no permission to read it'],
  ['EPERM', 'this process has no permission to read it'],
  ['EISDIR', 'it is a directory'],
  ['ELOOP', 'its symbolic links form a loop'],
  ['ENAMETOOLONG', 'there is no such file: its name is too long'],
  ['EMFILE', 'too many files are open'],
  ['ENFILE', 'too many files are open'],
  ['ENXIO', 'it is not a regular file'],
]);

/** Whether a message may show the path. It may be the secret or the keys themselves, passed by mistake. */
function isShowable(path: string): boolean {
  if (path === '' || path.includes('\0')) return false;
  if (existsSync(path)) return true;
  if (path.length > 1024 || NOT_PATHS.some((form) => form.test(path)) || isKeyMaterial(Buffer.from(path))) return false;
  const [first] = path.split(/[/\\]/, 1);
  return first !== path && (/^(?:\.{0,2}|~|[a-z]:)$/i.test(first!) || existsSync(first!));
}

/** Several lines, JSON, a URL, and base64, which may contain slashes. */
const NOT_PATHS = [/\p{Cc}/u, /^\s*[[{]/, /^[a-z][a-z0-9+.-]+:/i, /=$/, /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z0-9+/]{22,}$/];
