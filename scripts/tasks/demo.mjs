import { build, run } from './steps.mjs';

build();
// it says itself what went wrong
if (!run('pnpm', ['--silent', '--dir', 'examples/full-flow', 'start', ...process.argv.slice(2)], { mayFail: true })) process.exitCode = 1;
