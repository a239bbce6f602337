import { fileURLToPath } from 'node:url';
import { build, run } from './steps.mjs';

const args = process.argv.slice(2);
const at = args.indexOf('--node');
const version = at < 0 ? undefined : args.splice(at, 2)[1];
if (at >= 0 && !['22', '26'].includes(version)) {
  console.error(`--node ${version ?? ''}: it is 22 or 26; without it the workspace's own Node 24 is measured`);
  process.exit(2);
}
build();
const node = version && fileURLToPath(new URL(`../../compat/node_modules/node-${version}/bin/node`, import.meta.url));
if (node) run(node, ['--expose-gc', fileURLToPath(new URL('../../bench/src/main.ts', import.meta.url)), ...args]);
else run('pnpm', ['--silent', '--dir', 'bench', 'start', ...args]);
