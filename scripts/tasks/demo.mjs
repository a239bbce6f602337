import { fileURLToPath } from 'node:url';
import { build, run } from './steps.mjs';

build();
// it says itself what went wrong; pnpm is not asked to run it, since a signal for pnpm does not reach what it runs
const cwd = fileURLToPath(new URL('../../examples/full-flow', import.meta.url));
if (!run('node', ['demo.ts', ...process.argv.slice(2)], { cwd, mayFail: true })) process.exitCode = 1;
