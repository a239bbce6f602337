/**
 * The command line of tokenward, for programs that run it themselves, such as tests. Importing it does nothing.
 *
 * @module
 */
export { run } from './run.js';
export { defineCommand, type Command, type CommandContext } from './command.js';
export { processContext, type Context, type InputStream, type OutputStream } from './context.js';
export { EXIT_CODES, type ExitCode } from './exit-codes.js';
