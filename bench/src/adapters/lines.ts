import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Framework } from '../framework.ts';

/** How much code an adapter has. */
export interface AdapterLines {
  readonly framework: Framework;
  readonly files: number;
  /** Without empty lines, and without lines that hold only a comment. */
  readonly lines: number;
}

const PACKAGES = new URL('../../../packages/', import.meta.url);

/** What describes an API in documents, and decides on no request. */
const DOCUMENTS = /^swagger\.ts$/;

/** Counts an adapter's lines of code, without {@link DOCUMENTS}. NestJS has one adapter for both of its platforms. */
export function countAdapterLines(framework: Framework): AdapterLines {
  const folder = fileURLToPath(new URL(`${framework === 'nestjs-fastify' ? 'nestjs' : framework}/src/`, PACKAGES));
  const files = globSync('**/*.ts', { cwd: folder }).filter((file) => !/\.test(-d)?\.ts$/.test(file) && !DOCUMENTS.test(file));
  if (files.length === 0) throw new Error(`no source files are in ${folder}`);
  return { framework, files: files.length, lines: files.reduce((sum, file) => sum + countLines(readFileSync(`${folder}/${file}`, 'utf8')), 0) };
}

/** Counts the lines that hold more than comments and white space. Braces, types and imports count. */
export function countLines(source: string): number {
  let isInComment = false;
  let count = 0;
  for (const line of source.split('\n')) {
    const { rest, isOpen } = withoutComments(line, isInComment);
    if (rest.trim() !== '') count++;
    isInComment = isOpen;
  }
  return count;
}

/** A string that holds `//` or `/*` does no harm: the code before it counts already. */
function withoutComments(line: string, isInComment: boolean): { readonly rest: string; readonly isOpen: boolean } {
  if (isInComment) {
    const end = line.indexOf('*/');
    return end < 0 ? { rest: '', isOpen: true } : withoutComments(line.slice(end + 2), false);
  }
  const trimmed = line.trim();
  if (trimmed.startsWith('//')) return { rest: '', isOpen: false };
  return trimmed.startsWith('/*') ? withoutComments(trimmed.slice(2), true) : { rest: trimmed, isOpen: false };
}
