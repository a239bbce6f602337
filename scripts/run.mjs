// Runs every task: `npm run demo`, `npm test` and the others start here, on any Node from 20.20. It installs the dependencies from the
// lockfile, and then runs the task on the Node version that the workspace pins. So every machine gives the same results.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInForeground } from './foreground.mjs';

const OLDEST_NODE = [20, 20];
const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');
const [task, ...args] = process.argv.slice(2);

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  fail(`this needs Node ${OLDEST_NODE.join('.')} or newer, and runs on ${process.versions.node}. Install a newer Node.`);
}
const taskFile = join(root, 'scripts', 'tasks', `${task}.mjs`);
if (!task || !existsSync(taskFile)) fail(`there is no task "${task ?? ''}". The "scripts" in package.json are the tasks.`);

const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
install();
process.exitCode = await runInForeground(join(bin, 'node'), [taskFile, ...args], {
  cwd: root,
  env: {
    ...process.env,
    PATH: `${bin}${delimiter}${pathOfNpx()}`,
    TURBO_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    ...(!process.stdout.isTTY && { NO_COLOR: '1' }),
  },
});

/** Returns a PATH with pnpm, which turbo needs. The task itself does not run under npx, because signals would not reach it there. */
function pathOfNpx() {
  return npx(['--', 'node', '-p', 'process.env.PATH'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).stdout.trim();
}

function install() {
  if (!existsSync(bin)) console.log('Installing the dependencies. The first time takes a minute or two ...');
  const installed = npx(['--', 'pnpm', 'install', '--frozen-lockfile', '--reporter=append-only'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (installed.status === 0) return;
  const output = `${installed.stdout ?? ''}${installed.stderr ?? ''}`;
  const network = /\b(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ERR_SOCKET_TIMEOUT|[A-Z_]*CERT[A-Z_]*)\b/.exec(output)?.[1];
  if (network) {
    fail(
      `the dependencies could not be fetched from the npm registry (${network}). ` +
        'Check the network, a proxy and the registry in your npm configuration, then run the same command again.',
    );
  }
  process.stderr.write(output);
  fail(`the dependencies could not be installed: ${packageManager} failed with ${installed.status ?? installed.error?.code}. Its output is above.`);
}

function npx(args, options) {
  // use the cache first, and give up soon if the registry does not answer
  const env = { npm_config_fetch_retries: '1', ...(options.env ?? process.env) };
  return spawnSync('npx', ['--yes', '--prefer-offline', `--package=${packageManager}`, ...args], {
    cwd: root,
    shell: process.platform === 'win32',
    ...options,
    env,
  });
}

function fail(message) {
  console.error(`tokenward: ${message}`);
  process.exit(1);
}
