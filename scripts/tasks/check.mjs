import { lint, typecheck } from './static-checks.mjs';
import { build, run } from './steps.mjs';

build();
lint();
typecheck();
run('node', ['scripts/check-samples.mjs']);
run('knip', []);
run('node', ['scripts/check-packages.mjs']);
run('node', ['scripts/sizes.mjs']);
