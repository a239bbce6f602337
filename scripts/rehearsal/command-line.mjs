import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.mjs';

const NPX_TIMEOUT_SECONDS = 120;

/** Runs the command line as a new user does: with `npx`, in an empty folder. Shows the help of each command that the list names. */
export async function tryCommandLine({ folder, env, check }) {
  const empty = join(folder, 'command-line');
  mkdirSync(empty);
  const npx = (...args) => command('npx', ['--yes', 'tokenward', ...args], { cwd: empty, env, timeoutSeconds: NPX_TIMEOUT_SECONDS });
  let list = '';
  await check('npx tokenward --help', async () => {
    list = await npx('--help');
    if (!list.includes('Usage: tokenward <command>')) throw new Error(list);
    return true;
  });
  const [, section = ''] = /^Commands:\n(.*?)\n\n/ms.exec(list) ?? [];
  for (const [, name] of section.matchAll(/^ {2}([a-z]+) /gm)) {
    await check(`npx tokenward ${name} --help`, async () => {
      const help = await npx(name, '--help');
      if (!help.includes(`Usage: tokenward ${name}`)) throw new Error(help);
      return true;
    });
  }
}
