// Builds the site into docs/dist. Nothing is fetched.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const cwd = fileURLToPath(new URL('.', import.meta.url));
run('api.mjs');
run('node_modules/astro/bin/astro.mjs', 'build');

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd, stdio: 'inherit', env: { ...process.env, ASTRO_TELEMETRY_DISABLED: '1' } });
  if (status !== 0) process.exit(1);
}
