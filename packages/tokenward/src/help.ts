import { GENERAL_OPTIONS } from './arguments.js';
import type { Command, OptionSpec } from './command.js';
import { EXIT_CODE_TEXTS } from './exit-codes.js';
import type { Style } from './style.js';
import { wrapped } from './wrapped.js';

export interface HelpFormat {
  readonly style: Style;
  readonly width: number;
}

/** Returns the help of the program: the list of its commands. */
export function generalHelp(commands: readonly Command[], { style, width }: HelpFormat): string {
  return [
    'tokenward: the command line for APIs that are protected with OAuth 2.0',
    '',
    `${style.bold('Usage:')} tokenward <command> [options]`,
    '',
    style.bold('Commands:'),
    ...table(
      commands.map(({ name, summary }) => [name, summary]),
      width,
    ),
    '',
    style.bold('Options:'),
    ...table(
      [
        ['-h, --help', 'Show the help of the program, or of a command'],
        ['-V, --version', 'Show the version'],
      ],
      width,
    ),
    '',
    'tokenward <command> --help shows the options of a command.',
    `Docs: ${DOCS}`,
  ].join('\n');
}

const DOCS = 'https://tokenward.github.io/tokenward/reference/cli/';

/** Returns the help of one command. */
export function commandHelp(command: Command, { style, width }: HelpFormat): string {
  const { name, summary, usage, description, options, positionals = [], examples = [], exitCodes } = command;
  const codes = Object.entries({ ...EXIT_CODE_TEXTS, ...exitCodes });
  return [
    `tokenward ${name}: ${summary}`,
    '',
    `${style.bold('Usage:')} tokenward ${name} ${usage}`.trimEnd(),
    ...(description ? ['', ...description.split('\n').flatMap((paragraph) => wrapped(paragraph, width))] : []),
    ...(positionals.length > 0
      ? [
          '',
          style.bold('Arguments:'),
          ...table(
            positionals.map((one) => [`<${one.name}>`, one.summary]),
            width,
          ),
        ]
      : []),
    '',
    style.bold('Options:'),
    ...table(
      Object.entries({ ...options, ...GENERAL_OPTIONS }).map(([option, spec]) => [optionText(option, spec), optionSummary(spec)]),
      width,
    ),
    '',
    style.bold('Exit codes:'),
    ...table(codes, width),
    ...(examples.length > 0 ? ['', style.bold('Examples:'), ...examples.map((example) => `  ${example}`)] : []),
  ].join('\n');
}

function optionText(name: string, { type, short, value, multiple }: OptionSpec): string {
  return `${short ? `-${short}, ` : ''}--${name}${type === 'string' ? ` ${value ?? 'VALUE'}` : ''}${multiple ? ' ...' : ''}`;
}

function optionSummary({ summary, choices }: OptionSpec): string {
  return choices ? `${summary}: ${choices.join(', ')}` : summary;
}

/** Returns two columns, the second one wrapped. */
function table(rows: readonly (readonly [string, string])[], width: number): string[] {
  const first = Math.max(...rows.map(([left]) => left.length), 0) + 2;
  return rows.flatMap(([left, right]) => wrapped(right, Math.max(width - first - 2, 20)).map((line, at) => `  ${(at === 0 ? left : '').padEnd(first)}${line}`));
}
