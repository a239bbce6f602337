import { build, run } from './steps.mjs';

build();
run('oxfmt', ['--check']);
run('oxlint', ['--deny-warnings']);
run('tsc', ['--noEmit', '-p', 'tsconfig.test.json']);
run('knip', []);
run('node', ['scripts/check-packages.mjs']);
run('node', ['scripts/sizes.mjs']);
