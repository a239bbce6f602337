import { globSync } from 'node:fs';
import { build, run } from './steps.mjs';

build();
run('oxfmt', ['--check']);
run('oxlint', ['--deny-warnings']);
for (const project of globSync(['tsconfig.json', '{packages,examples}/*/tsconfig.json', 'bench/tsconfig.json', 'bench/src/http/servers/express/tsconfig.json']))
  run('tsc', ['--noEmit', '-p', project]);
run('node', ['scripts/check-samples.mjs']);
run('knip', []);
run('node', ['scripts/check-packages.mjs']);
run('node', ['scripts/sizes.mjs']);
