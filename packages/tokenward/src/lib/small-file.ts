import { closeSync, openSync, readSync } from 'node:fs';
import { CannotRunError, UsageError } from '../errors.js';

const MAX_BYTES = 1_048_576;

/**
 * Reads a file that an option names. It may be a pipe, such as `<(sops -d users.json)`.
 *
 * @param option for messages: `--users`. They do not repeat the path, which may be a secret in the wrong place
 * @throws CannotRunError if it cannot be read
 * @throws UsageError if it is larger than 1 MiB
 */
export function readSmallFile(path: string, option: string): string {
  const bytes = Buffer.alloc(MAX_BYTES + 1);
  let length = 0;
  try {
    const file = openSync(path, 'r');
    try {
      for (let read = -1; read !== 0; length += read) read = readSync(file, bytes, length, bytes.length - length, null);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new CannotRunError(`${option} names no file`);
    throw new CannotRunError(`${option} cannot be read (${code === 'EISDIR' ? 'it is a folder' : (code ?? 'unknown error')})`);
  }
  if (length > MAX_BYTES) throw new UsageError(`the file of ${option} has more than 1 MiB`);
  return bytes.toString('utf8', 0, length);
}
