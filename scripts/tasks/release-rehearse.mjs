import { build, run } from './steps.mjs';

build();
run('node', ['scripts/rehearse-release.mjs', ...process.argv.slice(2)]);
