import { readFileSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';

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
 * Reads a file, and reads it again when it changes. Its folder is watched, since mounted secrets are changed by a symbolic link beside them that
 * is swapped. What can't be read or parsed never replaces what could.
 *
 * @param parse throws for what it can't take
 * @param tell is told of each change: of the error, where it was none
 * @throws Error when it can't be read or parsed at first
 */
export function watchFile<T>(path: string, parse: (text: string) => T, tell: (error?: Error) => void): WatchedFile<T> {
  let text = read(path);
  let value = parse(text);
  let lastError: Error | undefined;
  let settling: NodeJS.Timeout | undefined;
  let firstChangeMs = 0;

  function look(): void {
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

  const watcher = watchFolder(dirname(path), lookSoon);
  const again = setInterval(look, LOOK_AGAIN_MS);
  again.unref();
  return {
    current: () => value,
    lastError: () => lastError?.message,
    close() {
      watcher?.close();
      clearInterval(again);
      clearTimeout(settling);
    },
  };
}

function read(path: string): string {
  const bytes = readFileSync(path);
  if (bytes.length > MAX_BYTES) throw new Error(`has ${bytes.length} bytes, more than ${MAX_BYTES}`);
  return bytes.toString('utf8');
}

/** undefined where it can't be watched: it is then looked at from time to time. */
function watchFolder(folder: string, changed: () => void): FSWatcher | undefined {
  try {
    return watch(folder, { persistent: false }, changed).on('error', () => {});
  } catch {
    return undefined;
  }
}
