import { spawnSync } from 'node:child_process';

/** Has a program that npm can't bring: installs it where this is a Debian machine of ours, else says what to do. Nothing is skipped for want of it. */
export function need(command, debianPackage) {
  if (isThere(command)) return;
  console.log(`\n${command} is not on the PATH: installing Debian's ${debianPackage} ...`);
  const installed = mayInstall() && isThere('apt-get') && (install(debianPackage) || (apt('update') && install(debianPackage)));
  if (installed && isThere(command)) return;
  console.error(
    `tokenward: the tests need ${command}, a real server. Install it (Debian and Ubuntu: apt-get install ${debianPackage}; macOS: brew install redis), then run the same command again.`,
  );
  process.exit(1);
}

function isThere(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** As root; and by sudo where that asks no one, on a machine that is there for CI alone. */
function mayInstall() {
  return isRoot() || (Boolean(process.env.CI) && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0);
}

function isRoot() {
  return process.getuid?.() === 0;
}

function install(debianPackage) {
  return apt('install', '-y', '--no-install-recommends', debianPackage);
}

function apt(...args) {
  const command = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args];
  const [program, ...rest] = isRoot() ? command : ['sudo', '-n', ...command];
  return spawnSync(program, rest, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
}
