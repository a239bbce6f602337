import type { InputStream } from '../context.js';
import { UsageError } from '../errors.js';
import { cleanToken } from '../lib/pasted-token.js';
import { readPiped } from '../lib/piped.js';

const MAX_BYTES = 16 * 1024;

/**
 * Reads a token that is piped into the command.
 *
 * @param patienceMs how long to wait for its first byte. A job of CI may leave a pipe open in which nothing comes
 * @returns undefined if nothing is piped
 * @throws UsageError if it is not a token. The message does not repeat it
 * @throws CannotRunError if it breaks off, or does not end in time
 */
export async function readToken(stdin: InputStream, patienceMs: number): Promise<string | undefined> {
  if (stdin.isTTY) return undefined;
  const text = await readPiped(stdin, { maxBytes: MAX_BYTES, patienceMs });
  if (text === undefined || text.trim() === '') return undefined;
  const { token } = cleanToken(text);
  if (!/^[\w.~+/=-]+$/.test(token)) throw new UsageError('standard input has characters that no token has (RFC 6750 s2.1). Pipe the token alone');
  return token;
}
