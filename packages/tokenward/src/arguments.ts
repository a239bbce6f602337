import { parseArgs } from 'node:util';
import { didYouMean } from '@tokenward/core/adapter';
import type { Command, OptionSpec, OptionSpecs } from './command.js';
import { UsageError } from './errors.js';

/** What was given to a command on the command line. */
export interface ParsedArguments {
  readonly options: Record<string, boolean | string | readonly string[] | undefined>;
  readonly positionals: readonly string[];
  readonly wantsHelp: boolean;
}

/** Options that every command has. */
export const GENERAL_OPTIONS = {
  help: { type: 'boolean', short: 'h', summary: 'Show this help' },
} as const satisfies OptionSpecs;

/**
 * Parses the arguments of a command. Messages name options, and never repeat a value or a word that is not an option: it may be a token.
 *
 * @throws UsageError for the first argument that is wrong
 */
export function parseCommand(command: Command, args: readonly string[]): ParsedArguments {
  const known: OptionSpecs = { ...command.options, ...GENERAL_OPTIONS };
  const { tokens } = parseArgs({ args: [...args], options: configOf(known), strict: false, tokens: true });
  const wantsHelp = tokens.some((token) => token.kind === 'option' && token.name === 'help');
  const options = emptyValues(known);
  if (wantsHelp) return { options, positionals: [], wantsHelp };

  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const spec = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!spec) throw new UsageError(refusedOption(command, name) ?? unknownOption(command, rawName, name, known));
    if (spec.type === 'boolean') {
      if (value !== undefined) throw new UsageError(`--${name} takes no value`);
      options[name] = true;
      continue;
    }
    options[name] = valueOf({ name, spec, value, isInline: inlineValue === true, before: options[name] });
  }
  checkPositionals(command, positionals);
  return { options, positionals, wantsHelp };
}

interface GivenValue {
  readonly name: string;
  readonly spec: OptionSpec;
  readonly value: string | undefined;
  readonly isInline: boolean;
  readonly before: boolean | string | readonly string[] | undefined;
}

function valueOf({ name, spec, value, isInline, before }: GivenValue): string | readonly string[] {
  // `--issuer --json`: the next option is not meant as a value
  const isLikeOption = value !== undefined && !isInline && /^-./.test(value);
  if (value === undefined || value === '' || isLikeOption) {
    const remedy = isLikeOption ? `. If the value begins with a dash, write --${name}=-...` : '';
    throw new UsageError(`--${name} needs a value: --${name} ${spec.value ?? 'VALUE'}${remedy}`);
  }
  if (spec.choices && !spec.choices.includes(value)) {
    throw new UsageError(`--${name} does not know this value${didYouMean(value, spec.choices) || `. Use one of ${spec.choices.join(', ')}`}`);
  }
  if (spec.multiple) return [...(before as readonly string[]), value];
  if (before !== undefined) throw new UsageError(`--${name} was given twice`);
  return value;
}

function checkPositionals({ name, positionals: wanted = [], noPositionals }: Command, given: readonly string[]): void {
  if (given.length > wanted.length) {
    throw new UsageError(
      noPositionals ?? `${name} takes ${wanted.length === 0 ? 'only options' : `no more than ${wanted.map((one) => `<${one.name}>`).join(' ')}`}`,
    );
  }
  const missing = wanted.filter(({ isOptional }, at) => !isOptional && at >= given.length);
  if (missing.length > 0) throw new UsageError(`${missing.map((one) => `<${one.name}>`).join(' and ')} is missing: ${missing[0]!.summary}`);
}

function refusedOption({ refusedOptions = {} }: Command, name: string): string | undefined {
  return Object.hasOwn(refusedOptions, name) ? refusedOptions[name] : undefined;
}

function unknownOption({ name: command }: Command, rawName: string, name: string, known: OptionSpecs): string {
  const names = Object.keys(known);
  // whatever does not look like the name of an option is not repeated
  const shown = /^--?[a-z][a-z-]{0,30}$/.test(rawName) ? ` ${rawName}` : '';
  const hint = didYouMean(name, names).replace(/mean /, 'mean --');
  return `${command} has no option${shown}${hint || `. See tokenward ${command} --help`}`;
}

function configOf(specs: OptionSpecs): Record<string, { type: 'string' | 'boolean'; short?: string }> {
  return Object.fromEntries(Object.entries(specs).map(([name, { type, short }]) => [name, { type, ...(short && { short }) }]));
}

function emptyValues(specs: OptionSpecs): Record<string, boolean | string | readonly string[] | undefined> {
  return Object.fromEntries(Object.entries(specs).map(([name, { type, multiple }]) => [name, type === 'boolean' ? false : multiple ? [] : undefined]));
}
