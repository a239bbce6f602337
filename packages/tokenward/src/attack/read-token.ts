import type { InputStream } from '../context.js';
import { UsageError } from '../errors.js';
import { cleanToken } from '../lib/pasted-token.js';

const MAX_CHARACTERS = 16 * 1024;

/**
 * Reads a token that is piped into the command.
 *
 * @param patienceMs how long to wait for something to arrive. A job of CI may leave a pipe open in which nothing comes
 * @returns undefined if nothing is piped
 * @throws UsageError if it is no token. The message does not repeat it
 */
export async function readToken(stdin: InputStream, patienceMs: number): Promise<string | undefined> {
  if (stdin.isTTY) return undefined;
  const text = await textOf(stdin, patienceMs);
  if (text.trim() === '') return undefined;
  const { token } = cleanToken(text);
  if (text.length > MAX_CHARACTERS || !/^[\w.~+/=-]+$/.test(token)) throw new UsageError('what was piped into the command is not one token');
  return token;
}

function textOf(stdin: InputStream, patienceMs: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const finish = (): void => {
      clearTimeout(timer);
      stdin.pause();
      resolve(text);
    };
    const timer = setTimeout(finish, patienceMs);
    stdin.on('data', (chunk: Buffer | string) => {
      text += chunk.toString();
      if (text.length > MAX_CHARACTERS) finish();
    });
    stdin.once('end', finish);
    stdin.once('error', finish);
  });
}
