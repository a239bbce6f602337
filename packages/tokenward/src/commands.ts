import type { Command } from './command.js';

/** The commands, in the order of `tokenward --help`. A new one is a file in `commands/` and a line here. */
export const COMMANDS: readonly Command[] = [];
