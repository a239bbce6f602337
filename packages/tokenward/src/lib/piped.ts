import { finished } from 'node:stream';
import { collectBytes } from '@tokenward/core/adapter';
import type { InputStream } from '../context.js';
import { CannotRunError, UsageError } from '../errors.js';

interface PipeLimits {
  readonly maxBytes: number;
  /** How long to wait for the first byte. */
  readonly patienceMs: number;
  /** How long the rest may take after the first byte. Default: 30 s. */
  readonly endMs?: number;
}

/**
 * Reads what is piped into a command, to its end: a program may write a token in several pieces.
 *
 * @returns undefined if nothing arrived in time, and an empty text if the input is empty
 * @throws UsageError if it is larger than `maxBytes`
 * @throws CannotRunError if it breaks off, or does not end in time
 */
export function readPiped(stdin: InputStream, { maxBytes, patienceMs, endMs = 30_000 }: PipeLimits): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const bytes = collectBytes(maxBytes);
    let hasBegun = false;
    let timer = setTimeout(() => settle(() => resolve(undefined)), patienceMs);
    // its listeners stay, so that a late error of the stream does not end the process
    finished(stdin, { writable: false }, (error) => {
      if (error && hasBegun) settle(() => reject(new CannotRunError('standard input broke off before its end')));
      else settle(() => resolve(textIn(bytes.buffer())));
    });
    stdin.on('data', read);
    // an earlier call that gave up has paused it
    stdin.resume();

    function read(chunk: Buffer | string): void {
      if (!hasBegun) {
        hasBegun = true;
        clearTimeout(timer);
        timer = setTimeout(() => settle(() => reject(new CannotRunError(`standard input did not end within ${endMs / 1000} s`))), endMs);
      }
      if (!bytes.add(Buffer.from(chunk as string)))
        settle(() => reject(new UsageError(`standard input has more than ${sizeOf(maxBytes)}, so it is not a token`)));
    }

    function settle(end: () => void): void {
      clearTimeout(timer);
      stdin.off('data', read);
      stdin.pause();
      end();
    }
  });
}

function textIn(bytes: Buffer): string {
  // PowerShell before 7 writes UTF-16
  return bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString('utf16le') : bytes.toString('utf8');
}

function sizeOf(bytes: number): string {
  return bytes < 1_048_576 ? `${bytes / 1024} KiB` : `${bytes / 1_048_576} MiB`;
}
