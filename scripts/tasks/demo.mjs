import { build, run } from './steps.mjs';

build();
run('pnpm', ['--silent', '--dir', 'examples/full-flow', 'start', ...process.argv.slice(2)]);
