import { fileURLToPath } from 'node:url';
import { build, run } from './steps.mjs';

build();
// run by node and not by pnpm, which does not forward signals. The demo reports its own failures
const cwd = fileURLToPath(new URL('../../examples/full-flow', import.meta.url));
if (!run('node', ['demo.ts', ...process.argv.slice(2)], { cwd, mayFail: true })) process.exitCode = 1;
