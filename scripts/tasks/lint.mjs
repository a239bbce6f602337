import { lint } from './static-checks.mjs';
import { build } from './steps.mjs';

build();
lint();
