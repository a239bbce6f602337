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
/** How long the next piece of what is pasted may take. */
const PASTE_MS = 100;

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
 * Reads in raw mode, in which the terminal shows nothing, until Enter. What is pasted may have line breaks, and arrive in pieces: a line break is taken for Enter
 * only if nothing follows, since the shell would get the rest.
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
    let entering: NodeJS.Timeout | undefined;
    const enter = (): void => end(() => resolve(text));
    // its listeners stay, so that a late error of the terminal does not end the process
    finished(stdin, { writable: false }, () => {
      if (isOver) return;
      if (entering) enter();
      else end(() => reject(new CannotRunError('the terminal was closed before the token was complete')));
    });
    function end(settle: () => void): void {
      isOver = true;
      clearTimeout(entering);
      stdin.off('data', read);
      stdin.setRawMode!(false);
      stdin.pause();
      stderr.write('\n');
      settle();
    }
    function read(chunk: string): void {
      clearTimeout(entering);
      entering = undefined;
      for (const character of chunk) {
        if (character === CTRL_C) return end(() => reject(new CannotRunError('cancelled')));
        if (character === CTRL_D) return enter();
        if (character === BACKSPACE || character === DELETE) text = text.slice(0, -1);
        else text += character;
        if (text.length > MAX_BYTES) return end(() => reject(new UsageError('the input has more than 1 MiB, so it is not a token')));
      }
      if (/[\r\n]/.test(chunk.slice(chunk.trimEnd().length))) entering = setTimeout(enter, PASTE_MS);
    }
    stdin.on('data', read);
    stdin.resume();
  });
}
