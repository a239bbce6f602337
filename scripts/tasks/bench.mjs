import { build, run } from './steps.mjs';

build();
run('pnpm', ['--silent', '--dir', 'bench', 'start', ...process.argv.slice(2)]);
