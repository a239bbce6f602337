import { build, run } from './steps.mjs';

/** Arguments are passed to Vitest: `npm run test:unit -- packages/core -t "rule 44"`. */
build();
run('vitest', ['run', '--project', 'scripts', '--project', 'units*', ...process.argv.slice(2)]);
