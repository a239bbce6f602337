import { readFileSync } from 'node:fs';
import { classOf, didYouMean } from '@tokenward/core/adapter';
import { isError } from '@tokenward/core/store';
import { parseCommand } from './arguments.js';
import type { Command } from './command.js';
import { COMMANDS } from './commands.js';
import type { Context } from './context.js';
import { CannotRunError, UsageError } from './errors.js';
import { EXIT_CODES, type ExitCode } from './exit-codes.js';
import { commandHelp, generalHelp } from './help.js';
import { createOutput, type Output } from './output.js';
import { createStyle } from './style.js';

/**
 * Runs the command line with the arguments after the program's name, and returns the exit code. It never throws: what goes wrong is a line on standard error.
 *
 * @example
 * process.exitCode = await run(['doctor', '--issuer', 'https://login.example.com'], processContext());
 */
export async function run(args: readonly string[], context: Context, commands: readonly Command[] = COMMANDS): Promise<ExitCode> {
  const output = createOutput(context);
  try {
    return await runCommand(args, { context, output, commands });
  } catch (thrown) {
    const { text, code } = failureOf(thrown);
    output.note(`${createStyle(context.stderr, context.env).red('error:')} ${text}`);
    return code;
  }
}

interface Running {
  readonly context: Context;
  readonly output: Output;
  readonly commands: readonly Command[];
}

async function runCommand([name, ...rest]: readonly string[], { context, output, commands }: Running): Promise<ExitCode> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const about = name === 'help' && rest[0] !== undefined && !rest[0].startsWith('-') ? commandNamed(rest[0], commands) : undefined;
    const text = about ? commandHelp(about, output) : generalHelp(commands, output);
    // without a command, nobody asked for the help, so it goes to standard error
    if (name === undefined) output.note(text);
    else output.line(text);
    return name === undefined ? EXIT_CODES.usedWrongly : EXIT_CODES.good;
  }
  if (name === '--version' || name === '-V') {
    output.line(versionOfPackage());
    return EXIT_CODES.good;
  }
  const command = commandNamed(name, commands);
  const { options, positionals, wantsHelp } = parseCommand(command, rest);
  if (wantsHelp) {
    output.line(commandHelp(command, output));
    return EXIT_CODES.good;
  }
  // not a spread: it would read `signal`, which changes how the process handles signals
  const commandContext = Object.create(context, {
    options: { value: options, enumerable: true },
    positionals: { value: positionals, enumerable: true },
    output: { value: output, enumerable: true },
  }) as Parameters<typeof command.run>[0];
  return command.run(commandContext);
}

/** A word that is not close to a command's name may be a token, so it is not repeated. */
function commandNamed(name: string, commands: readonly Command[]): Command {
  const command = commands.find((one) => one.name === name);
  if (command) return command;
  if (name.startsWith('-'))
    throw new UsageError('options of a command come after its name: tokenward <command> [options]. tokenward --help lists the commands');
  const hint = didYouMean(
    name,
    commands.map((one) => one.name),
  );
  throw new UsageError(`there is no such command${hint || '. tokenward --help lists the commands'}`);
}

function failureOf(thrown: unknown): { readonly text: string; readonly code: ExitCode } {
  if (thrown instanceof UsageError) return { text: thrown.message, code: EXIT_CODES.usedWrongly };
  if (thrown instanceof CannotRunError) return { text: thrown.message, code: EXIT_CODES.couldNotRun };
  // the errors of tokenward's packages contain no tokens and no secrets
  if (isTokenwardError(thrown)) {
    return {
      // the command line has these options, too
      text: thrown.message.replace(/^tokenward: /, '').replace(/^( {2}- |)(audience|issuer): is missing/gm, '$1--$2 is missing'),
      code: thrown.code === 'TOKENWARD_CONFIGURATION' ? EXIT_CODES.usedWrongly : EXIT_CODES.couldNotRun,
    };
  }
  // the message of any other error may quote a token
  return { text: `the command failed with ${classOf(thrown)}. This is a bug in tokenward: please report it`, code: EXIT_CODES.couldNotRun };
}

/** Not `instanceof`: each copy of a package has its own classes. */
function isTokenwardError(thrown: unknown): thrown is Error & { readonly code: string } {
  return isError(thrown) && 'code' in thrown && typeof thrown.code === 'string' && /^TOKENWARD_[A-Z_]+$/.test(thrown.code);
}

function versionOfPackage(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}
