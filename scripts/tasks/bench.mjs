import { fileURLToPath } from 'node:url';
import { build, run } from './steps.mjs';

const args = process.argv.slice(2);
const index = args.indexOf('--node');
const version = index < 0 ? undefined : args.splice(index, 2)[1];
if (index >= 0 && !['22', '26'].includes(version)) {
  console.error(`--node ${version ?? ''} is not supported: give 22 or 26, or leave it out to use the workspace's Node 24`);
  process.exit(2);
}
build();
// each candidate is shown tokens that it must refuse, and hints would print every one between the tables
process.env.TOKENWARD_HINTS ??= '0';
const node = version && fileURLToPath(new URL(`../../compat/node_modules/node-${version}/bin/node`, import.meta.url));
if (node) run(node, ['--expose-gc', fileURLToPath(new URL('../../bench/src/main.ts', import.meta.url)), ...args]);
else run('pnpm', ['--silent', '--dir', 'bench', 'start', ...args]);
