import type { Context, OutputStream } from './context.js';
import { createStyle, type Style } from './style.js';
import { harmless, harmlessJson } from './lib/harmless.js';

/** How a command writes. Results go to standard output, and everything else to standard error. */
export interface Output {
  /** Writes a line of the result. */
  line(text?: string): void;
  /** Writes the result as JSON, for `--json`. */
  json(value: unknown): void;
  /** Writes a line for a person, to standard error: a prompt, a warning, what the command does. */
  note(text: string): void;
  /** Colours for lines of the result. They are plain text unless standard output is a terminal that wants them. */
  readonly style: Style;
  /** The width of the terminal, between 40 and 100 columns. */
  readonly width: number;
  /**
   * Waits for work. If it takes longer than a second, and standard error is a terminal, a line there says what the command waits for, and goes away afterwards.
   * Elsewhere nothing is printed, so that logs stay clean.
   */
  during<T>(what: string, work: Promise<T>): Promise<T>;
}

const QUIET_MS = 1000;

export function createOutput({ stdout, stderr, env }: Pick<Context, 'stdout' | 'stderr' | 'env'>): Output {
  return {
    line: (text = '') => writeLine(stdout, harmless(text)),
    json: (value) => writeLine(stdout, harmlessJson(value)),
    note: (text) => void stderr.write(`${harmless(text)}\n`),
    style: createStyle(stdout, env),
    width: Math.min(Math.max(stdout.columns ?? 100, 40), 100),
    during: (what, work) => showProgress(stderr, what, work),
  };
}

/** A file on a disk that gets full takes a part of a write without an error. So the line break is written on its own: only the next write fails. */
function writeLine(stream: OutputStream, text: string): void {
  stream.write(text);
  stream.write('\n');
}

async function showProgress<T>(stderr: OutputStream, what: string, work: Promise<T>): Promise<T> {
  if (!stderr.isTTY) return work;
  const began = performance.now();
  let isShown = false;
  const timer = setInterval(() => {
    isShown = true;
    stderr.write(`\r\u001B[2K${what} ... ${Math.round((performance.now() - began) / 1000)} s`);
  }, QUIET_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (isShown) stderr.write('\r\u001B[2K');
  }
}
