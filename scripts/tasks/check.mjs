import { LINT, TYPECHECK } from './static-checks.mjs';
import { build, runAll } from './steps.mjs';

build();
const packages = process.argv.includes('--without-packages') ? [] : [['node', 'scripts/check-packages.mjs']];
// the longest first, so that no core waits for it at the end
await runAll([...packages, ...LINT, ['node', 'scripts/check-samples.mjs'], ['knip'], ['node', 'scripts/sizes.mjs'], ...TYPECHECK]);
