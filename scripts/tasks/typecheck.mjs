import { TYPECHECK } from './static-checks.mjs';
import { build, runAll } from './steps.mjs';

build();
await runAll(TYPECHECK);
