import type { Context, InputStream } from '../context.js';
import { CannotRunError, UsageError } from '../errors.js';

const MAX_BYTES = 1_048_576;

/** A token as somebody pasted or piped it. */
export interface GivenToken {
  readonly token: string;
  readonly scheme: 'Bearer' | 'DPoP';
  /** What was removed around the token, in sentences. */
  readonly notes: readonly string[];
}

/**
 * Reads a token from standard input. On a terminal it asks for it, and shows nothing of what is typed.
 *
 * @throws UsageError if there is no token; the message never repeats the input
 */
export async function readToken({ stdin, stderr }: Pick<Context, 'stdin' | 'stderr'>): Promise<GivenToken> {
  return cleanToken(stdin.isTTY ? await askWithoutEcho(stdin, stderr) : await readAll(stdin));
}

async function readAll(stdin: InputStream): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    length += bytes.length;
    if (length > MAX_BYTES) throw new UsageError('standard input has more than 1 MiB, so it is not a token');
    chunks.push(bytes);
  }
  const all = Buffer.concat(chunks);
  // PowerShell before 7 writes UTF-16
  return all[0] === 0xff && all[1] === 0xfe ? all.toString('utf16le') : all.toString('utf8');
}

const [CTRL_C, CTRL_D, BACKSPACE, DELETE] = ['\u0003', '\u0004', '\b', '\u007f'];

/** Reads a line in raw mode, in which the terminal shows nothing. */
function askWithoutEcho(stdin: InputStream, stderr: Context['stderr']): Promise<string> {
  if (!stdin.setRawMode) throw new UsageError('pipe the token into the command: tokenward explain < token.txt');
  stderr.write('Paste the token and press Enter (it is not shown): ');
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  return new Promise((resolve, reject) => {
    let text = '';
    function end(settle: () => void): void {
      stdin.off('data', read);
      stdin.setRawMode!(false);
      stdin.pause();
      stderr.write('\n');
      settle();
    }
    function read(chunk: string): void {
      for (const character of chunk) {
        if (character === CTRL_C) return end(() => reject(new CannotRunError('cancelled')));
        if (character === '\r' || character === '\n' || character === CTRL_D) return end(() => resolve(text));
        if (character === BACKSPACE || character === DELETE) text = text.slice(0, -1);
        else text += character;
        if (text.length > MAX_BYTES) return end(() => reject(new UsageError('the input has more than 1 MiB, so it is not a token')));
      }
    }
    stdin.on('data', read);
    stdin.resume();
  });
}

/** Takes a token out of what people have at hand: a header line, quotes, a token response. */
function cleanToken(input: string): GivenToken {
  const notes: string[] = [];
  let text = input.replace(/^\uFEFF/, '').trim();
  text = fromTokenResponse(text, notes);
  text = withoutQuotes(text, notes);
  const header = /^(?:-H\s*["']?\s*)?(?:proxy-)?authorization\s*:\s*(.*)$/is.exec(text);
  if (header) {
    text = header[1]!.replace(/["']$/, '').trim();
    notes.push('The name of the header "Authorization" was removed.');
  }
  text = withoutQuotes(text, notes);
  const scheme = /^(bearer|dpop)(?:\s+|$)/i.exec(text);
  if (scheme) {
    text = text.slice(scheme[0].length);
    notes.push(`The word "${scheme[1]!.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer'}" was removed.`);
  }
  text = withoutQuotes(text, notes);
  if (/\s/.test(text)) {
    const joined = text.replaceAll(/\s+/g, '');
    if (!/^[\w-]+(?:\.[\w-]*){2,4}$/.test(joined)) throw new UsageError('standard input has several words, and not one token');
    text = joined;
    notes.push('White space inside the token was removed. If the client sends it like this, the API refuses it.');
  }
  if (text === '') throw new UsageError('there is no token on standard input. Write: tokenward explain < token.txt');
  if (['undefined', 'null', '[object Object]', 'NaN'].includes(text)) {
    throw new UsageError(`standard input is the text "${text}": the program that wrote it had no token. Check which member of the token response it reads`);
  }
  return { token: text, scheme: scheme?.[1]!.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', notes };
}

function withoutQuotes(text: string, notes: string[]): string {
  const match = /^(["'`])(.*)\1$/s.exec(text);
  if (!match) return text;
  notes.push('Quotes around the token were removed. If the client sends them, the API refuses the token.');
  return match[2]!.trim();
}

/** The response of a token endpoint (RFC 6749 s5.1). */
function fromTokenResponse(text: string, notes: string[]): string {
  if (!text.startsWith('{')) return text;
  let response: unknown;
  try {
    response = JSON.parse(text);
  } catch {
    throw new UsageError('standard input begins like JSON, and is not JSON');
  }
  for (const name of ['access_token', 'id_token'] as const) {
    const value = Object.hasOwn(response as object, name) ? (response as Record<string, unknown>)[name] : undefined;
    if (typeof value !== 'string') continue;
    notes.push(`"${name}" was taken from the token response.`);
    return value.trim();
  }
  throw new UsageError('standard input is JSON without access_token');
}
