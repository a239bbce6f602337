import { typecheck } from './static-checks.mjs';
import { build } from './steps.mjs';

build();
typecheck();
