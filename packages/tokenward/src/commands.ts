import type { Command } from './command.js';
import { attackCommand } from './commands/attack.js';
import { doctor } from './commands/doctor.js';
import { explain } from './commands/explain.js';
import { init } from './commands/init.js';
import { issuerCommand } from './commands/issuer.js';
import { routesCommand } from './commands/routes.js';
import { tokenCommand } from './commands/token.js';

/** The commands, in the order of `tokenward --help`. A new one is a file in `commands/` and a line here. */
export const COMMANDS: readonly Command[] = [doctor, explain, init, routesCommand, issuerCommand, tokenCommand, attackCommand];
