import { spawnSync } from 'node:child_process';

/**
 * Ensures a program that npm cannot install. Installs it on Debian as root or in CI; otherwise says what to install and exits. No test is skipped.
 *
 * @param versionFlag the flag with which the program prints its version, and exits
 */
export function need(command, debianPackage, elsewhere, versionFlag = '--version') {
  if (exists(command, versionFlag)) return;
  console.log(`\n${command} is not on the PATH. Installing the Debian package ${debianPackage} ...`);
  const installed = mayInstall() && exists('apt-get') && (install(debianPackage) || (apt('update') && install(debianPackage)));
  if (installed && exists(command, versionFlag)) return;
  console.error(
    `tokenward: the tests need a real ${command}. Install it (Debian: apt-get install ${debianPackage}; ${elsewhere}), then run the same command again.`,
  );
  process.exit(1);
}

/** Servers are in /usr/sbin, which is not on the PATH of every user. */
const WITH_SERVERS = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };

function exists(command, versionFlag = '--version') {
  return spawnSync(command, [versionFlag], { stdio: 'ignore', env: WITH_SERVERS }).status === 0;
}

/** Whether this may install packages: as root, or in CI with sudo that asks for no password. */
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
