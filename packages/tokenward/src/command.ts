import type { Context } from './context.js';
import type { ExitCode } from './exit-codes.js';
import type { Output } from './output.js';

/** An option of a command. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  /** What the option does, in a few words, for `--help`. */
  readonly summary: string;
  /** The word for its value in `--help`: `URL`, `FILE`. Only for strings. */
  readonly value?: string;
  readonly short?: string;
  /** Whether it may be given several times. Its value is then a list. Only for strings. */
  readonly multiple?: boolean;
  /** The only values that are accepted. */
  readonly choices?: readonly string[];
}

/** A word after the command that is not an option: the `<app>` of `tokenward routes <app>`. */
export interface PositionalSpec {
  readonly name: string;
  readonly summary: string;
  readonly isOptional?: boolean;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** The values of options as they were given: undefined for a string that was not given, false for a boolean, and an empty list for `multiple`. */
export type OptionValues<O extends OptionSpecs> = {
  readonly [K in keyof O]: O[K]['type'] extends 'boolean' ? boolean : O[K] extends { readonly multiple: true } ? readonly string[] : string | undefined;
};

/** What a command gets: what was given on the command line, the world outside, and how to write. */
export interface CommandContext<O extends OptionSpecs = OptionSpecs> extends Context {
  readonly options: OptionValues<O>;
  readonly positionals: readonly string[];
  readonly output: Output;
}

/** A command of the command line. */
export interface Command {
  readonly name: string;
  /** One line, for the list of all commands. */
  readonly summary: string;
  /** What comes after the command's name: `[options] < token`. */
  readonly usage: string;
  /** More about the command, for its own `--help`: paragraphs. */
  readonly description?: string;
  readonly options: OptionSpecs;
  readonly positionals?: readonly PositionalSpec[];
  /** Complete command lines. */
  readonly examples?: readonly string[];
  /** What the exit codes mean for this command, if that is more exact than the general words. */
  readonly exitCodes?: Partial<Record<ExitCode, string>>;
  /** Why a word after the command is refused, for commands without positionals. */
  readonly noPositionals?: string;
  /** Options that the command does not have, with the reason. */
  readonly refusedOptions?: Readonly<Record<string, string>>;
  readonly run: (context: CommandContext) => ExitCode | Promise<ExitCode>;
}

interface TypedCommand<O extends OptionSpecs> extends Omit<Command, 'options' | 'run'> {
  readonly options: O;
  readonly run: (context: CommandContext<O>) => ExitCode | Promise<ExitCode>;
}

/** Returns a command whose `run` knows the types of its options. A module that takes long to load belongs in an `import()` in `run`, so that `--help` is quick. */
export function defineCommand<const O extends OptionSpecs>(command: TypedCommand<O>): Command {
  return command as unknown as Command;
}
