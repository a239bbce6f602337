// Builds the documentation, and serves it until it is interrupted. `npm run docs -- --port 4400` takes another port.
import { fileURLToPath } from 'node:url';
import { build, run } from './steps.mjs';

build();
const cwd = fileURLToPath(new URL('../../docs', import.meta.url));
run('node', ['build.mjs'], { cwd });
const env = { ASTRO_TELEMETRY_DISABLED: '1' };
if (!run('node', ['node_modules/astro/bin/astro.mjs', 'preview', ...process.argv.slice(2)], { cwd, env, mayFail: true })) process.exitCode = 1;
