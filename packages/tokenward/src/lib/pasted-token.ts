import { UsageError } from '../errors.js';

/** A token as somebody pasted or piped it. */
export interface GivenToken {
  readonly token: string;
  /** undefined: nothing said how a client sends it. */
  readonly scheme: 'Bearer' | 'DPoP' | undefined;
  /** What was removed around the token, in sentences. */
  readonly notes: readonly string[];
}

/**
 * Extracts a token from the forms in which people copy it: a header line, in quotes, a token response.
 *
 * @throws UsageError if there is no token; the message never repeats the input
 */
export function cleanToken(input: string): GivenToken {
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
    notes.push(`The word "${schemeOf(scheme[1]!)}" was removed.`);
  }
  text = withoutQuotes(text, notes);
  if (/\s/.test(text)) {
    const joined = text.replaceAll(/\s+/g, '');
    if (!/^[\w-]+(?:\.[\w-]*){2,4}$/.test(joined)) throw new UsageError('standard input has several words, and not one token');
    text = joined;
    notes.push('White space inside the token was removed. If the client sends it like this, the API refuses it.');
  }
  if (text === '') throw new UsageError('there is no token on standard input. Pipe one into the command: ... < token.txt');
  if (['undefined', 'null', '[object Object]', 'NaN'].includes(text)) {
    throw new UsageError(`standard input is the text "${text}": the program that wrote it had no token. Check which member of the token response it reads`);
  }
  return { token: text, scheme: scheme ? schemeOf(scheme[1]!) : undefined, notes };
}

function schemeOf(word: string): 'Bearer' | 'DPoP' {
  return word.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer';
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
