import { randomUUID } from 'node:crypto';
import type { OutputStream } from './context.js';

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] } as const;

/** Stands for the escape character of our own colours until `harmless` writes them: no text from elsewhere can contain it. */
export const OWN_ESCAPE = `\u001B${randomUUID()}`;

/** Returns colours for a stream. They change nothing unless the stream is a terminal, and neither with NO_COLOR (https://no-color.org) nor on a dumb terminal. */
export function createStyle(stream: OutputStream, env: Readonly<Record<string, string | undefined>>): Style {
  const isColoured = stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return Object.fromEntries(
    Object.entries(CODES).map(([name, [on, off]]) => [
      name,
      isColoured ? (text: string) => `${OWN_ESCAPE}[${on}m${text}${OWN_ESCAPE}[${off}m` : (text: string) => text,
    ]),
  ) as unknown as Style;
}
