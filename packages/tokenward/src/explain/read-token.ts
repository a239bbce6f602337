import { finished } from 'node:stream';
import type { CommandContext } from '../command.js';
import type { Context, InputStream } from '../context.js';
import { CannotRunError, UsageError } from '../errors.js';
import { cleanToken, type GivenToken } from '../lib/pasted-token.js';
import { readPiped } from '../lib/piped.js';

const MAX_BYTES = 1_048_576;
/** The program that writes the token may first have somebody log in. */
const PATIENCE_MS = 300_000;
const NOTE_MS = 2000;

/**
 * Reads a token from standard input. On a terminal it asks for it, and shows nothing of what is typed.
 *
 * @throws UsageError if there is no token; the message never repeats the input
 * @throws CannotRunError if the input breaks off, or does not end in time
 */
export async function readToken({ stdin, stderr, output }: Pick<CommandContext, 'stdin' | 'stderr' | 'output'>): Promise<GivenToken> {
  if (stdin.isTTY) return cleanToken(await askWithoutEcho(stdin, stderr));
  // once: a line that changes would erase what a program writes that has somebody log in
  const noting = setTimeout(() => stderr.isTTY && output.note('waiting for a token on standard input'), NOTE_MS);
  const text = await readPiped(stdin, { maxBytes: MAX_BYTES, patienceMs: PATIENCE_MS }).finally(() => clearTimeout(noting));
  if (text === undefined)
    throw new UsageError('nothing came on standard input within 5 minutes. Pipe the token into the command: tokenward explain < token.txt');
  return cleanToken(text);
}

const [CTRL_C, CTRL_D, BACKSPACE, DELETE] = ['\u0003', '\u0004', '\b', '\u007f'];

/**
 * Reads a line in raw mode, in which the terminal shows nothing.
 *
 * @throws CannotRunError if the terminal closes before the end of the line
 */
function askWithoutEcho(stdin: InputStream, stderr: Context['stderr']): Promise<string> {
  if (!stdin.setRawMode) throw new UsageError('pipe the token into the command: tokenward explain < token.txt');
  stderr.write('Paste the token and press Enter (it is not shown): ');
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  return new Promise((resolve, reject) => {
    let text = '';
    let isOver = false;
    // its listeners stay, so that a late error of the terminal does not end the process
    finished(stdin, { writable: false }, () => {
      if (!isOver) end(() => reject(new CannotRunError('the terminal was closed before the token was complete')));
    });
    function end(settle: () => void): void {
      isOver = true;
      stdin.off('data', read);
      stdin.setRawMode!(false);
      stdin.pause();
      stderr.write('\n');
      settle();
    }
    function read(chunk: string): void {
      for (let at = 0; at < chunk.length; at++) {
        const character = chunk[at]!;
        if (character === CTRL_C) return end(() => reject(new CannotRunError('cancelled')));
        // a token may be broken into lines. Whatever comes with a line break is pasted, and would be left for the shell
        const isEnter = (character === '\r' || character === '\n') && chunk.slice(at).trim() === '';
        if (isEnter || character === CTRL_D) return end(() => resolve(text));
        if (character === BACKSPACE || character === DELETE) text = text.slice(0, -1);
        else text += character;
        if (text.length > MAX_BYTES) return end(() => reject(new UsageError('the input has more than 1 MiB, so it is not a token')));
      }
    }
    stdin.on('data', read);
    stdin.resume();
  });
}
