import type { Context, OutputStream } from '../context.js';

const ELIDED = '[token]';
/** A shorter part of a token says nothing, and may be a word of the output. */
const LEAST_LENGTH = 8;

/**
 * Returns a context whose streams never write the token or one of its segments. No line is meant to contain one; this holds even if a claim repeats the
 * token, or if a line is added that should not be.
 */
export function withoutToken<C extends Pick<Context, 'stdout' | 'stderr'>>(context: C, token: string): Pick<Context, 'stdout' | 'stderr'> {
  const secrets = [token, ...token.split('.')].filter((part) => part.length >= LEAST_LENGTH).toSorted((a, b) => b.length - a.length);
  const guarded = (stream: OutputStream): OutputStream => ({
    ...(stream.isTTY !== undefined && { isTTY: stream.isTTY }),
    ...(stream.columns !== undefined && { columns: stream.columns }),
    write: (text: string) => stream.write(secrets.reduce((rest, secret) => rest.replaceAll(secret, ELIDED), text)),
  });
  return { stdout: guarded(context.stdout), stderr: guarded(context.stderr) };
}
