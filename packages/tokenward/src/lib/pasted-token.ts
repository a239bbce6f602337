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
  if (text === '') throw new UsageError(`there is no token on standard input${scheme ? `: only the word "${schemeOf(scheme[1]!)}"` : ''}. ${PIPE_ONE}`);
  if (['undefined', 'null', '[object Object]', 'NaN'].includes(text)) {
    throw new UsageError(`standard input is the text "${text}": the program that wrote it had no token. Check which member of the token response it reads`);
  }
  if (BINARY.test(text)) throw new UsageError(`standard input is binary data, and not a token. ${PIPE_ALONE}`);
  if (/\s/.test(text)) {
    text = joined(text);
    notes.push('White space inside the token was removed. If the client sends it like this, the API refuses it.');
  }
  return { token: text, scheme: scheme ? schemeOf(scheme[1]!) : undefined, notes };
}

const PIPE_ONE = 'Pipe one into the command: ... < token.txt';
const PIPE_ALONE = 'Pipe the token alone, or the token response as JSON';

/** Control characters, and what stands for bytes that are not UTF-8. White space is not among them. */
const BINARY = /[^\P{Cc}\s]|\uFFFD/u;

/** Joins a token that was broken into lines. */
function joined(text: string): string {
  const pieces = text.split(/\s+/);
  const whole = pieces.join('');
  // the segments of two tokens would look like those of an encrypted one
  if (pieces.filter((piece) => /^eyJ[\w-]*\.[\w-]*\./.test(piece)).length > 1) throw new UsageError(`standard input has several tokens. ${PIPE_ALONE}`);
  if (!/^[\w-]+(?:\.[\w-]*){2,4}$/.test(whole)) throw new UsageError(`standard input has several words, and not one token. ${PIPE_ALONE}`);
  return whole;
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
    throw new UsageError(`standard input begins like JSON, and is not JSON. ${PIPE_ALONE}`);
  }
  for (const name of ['access_token', 'id_token'] as const) {
    const value = Object.hasOwn(response as object, name) ? (response as Record<string, unknown>)[name] : undefined;
    if (typeof value !== 'string' || value.trim() === '') continue;
    notes.push(`"${name}" was taken from the token response.`);
    return value.trim();
  }
  const { error } = response as { readonly error?: unknown };
  throw new UsageError(
    typeof error === 'string' && /^[a-z_]{1,40}$/.test(error)
      ? `standard input is an error of the token endpoint (${error}), and has no token. Correct the request for the token`
      : 'standard input is JSON without a text in access_token. If the token has another name there, pipe it alone: ... | jq -r .accessToken | tokenward ...',
  );
}
