import { LINT, TYPECHECK } from './static-checks.mjs';
import { build, runAll } from './steps.mjs';

build();
// the longest first, so that no core waits for it at the end
await runAll([['node', 'scripts/check-packages.mjs'], ...LINT, ['node', 'scripts/check-samples.mjs'], ['knip'], ['node', 'scripts/sizes.mjs'], ...TYPECHECK]);
