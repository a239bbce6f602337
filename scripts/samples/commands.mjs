import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../../packages/tokenward/dist/commands.js';
import { parseCommand } from '../../packages/tokenward/dist/arguments.js';
import { blocksOf } from './blocks.mjs';

const INLINE = /`(npx tokenward [^`]+)`/g;
const TOKENWARD = /\bnpx tokenward((?: +(?:"[^"]*"|'[^']*'|[^\s|<>()&;#"'`]+))*)/g;
const INSTALL = /^npm (?:install|i) ([^#&|]+)/;
/** What stands for something that the reader fills in. */
const ELLIPSIS = '...';

/** Returns the names of all packages that the workspace has or depends on. */
export function knownPackages(root) {
  const files = globSync(['package.json', '{packages,examples,compat}/*/package.json', '{bench,docs,compat}/package.json'], { cwd: root });
  return new Set(
    files.flatMap((file) => {
      const { name, dependencies, devDependencies, peerDependencies } = JSON.parse(readFileSync(join(root, file), 'utf8'));
      return Object.keys({ [name]: '', ...dependencies, ...devDependencies, ...peerDependencies });
    }),
  );
}

/**
 * Checks the command lines in a Markdown file: each `npx tokenward` must be one that the command line accepts, in a block or in the text, and each package that npm
 * installs must be one of `packages`, since a wrong name may belong to a stranger. Returns their number, and a line for each mistake.
 */
export function checkCommands(markdown, file, packages) {
  const problems = [];
  let count = 0;
  const check = (text, line, isMentioned = false) => {
    for (const [, words] of text.matchAll(TOKENWARD)) {
      count++;
      const problem = problemOf(words, isMentioned);
      if (problem) problems.push(`${file}:${line} is no command of tokenward: ${problem}`);
    }
    const [, specs] = INSTALL.exec(text.trim()) ?? [];
    for (const spec of specs
      ?.trim()
      .split(/ +/)
      .filter((one) => !one.startsWith('-')) ?? []) {
      count++;
      const name = spec.replace(/(.)@.*$/, '$1');
      if (!packages.has(name)) problems.push(`${file}:${line} installs ${name}, which nothing in the workspace depends on`);
    }
  };
  for (const { language, line, lines } of blocksOf(markdown, file)) {
    if (language === 'sh') for (const [index, text] of joined(lines).entries()) check(text, line + index);
  }
  for (const [index, text] of markdown.split('\n').entries()) for (const [, command] of text.matchAll(INLINE)) check(command, index + 1, true);
  return { count, problems };
}

/** A line that ends in a backslash continues on the next. */
function joined(lines) {
  return lines
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n');
}

/** @param isMentioned whether the text only speaks of the command: its name alone is then enough */
function problemOf(text, isMentioned) {
  const [name, ...words] = [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare);
  if (name === undefined || name.startsWith('-') || name === ELLIPSIS) return undefined;
  const command = COMMANDS.find((one) => one.name === name);
  if (!command) return `there is no command ${name}`;
  if (words.includes(ELLIPSIS) || (isMentioned && words.length === 0)) return undefined;
  try {
    parseCommand(command, words);
    return undefined;
  } catch ({ message }) {
    return message;
  }
}
