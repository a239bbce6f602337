import { spawnSync } from 'node:child_process';

/** Has a program that npm can't bring: installs it where this is a Debian machine of ours, else says what to do. Nothing is skipped for want of it. */
export function need(command, debianPackage) {
  if (isThere(command)) return;
  console.log(`\n${command} is not on the PATH: installing Debian's ${debianPackage} ...`);
  const installed = process.getuid?.() === 0 && isThere('apt-get') && (install(debianPackage) || (apt('update') && install(debianPackage)));
  if (installed && isThere(command)) return;
  console.error(
    `tokenward: the tests need ${command}, a real server. Install it (Debian and Ubuntu: apt-get install ${debianPackage}; macOS: brew install redis), then run the same command again.`,
  );
  process.exit(1);
}

function isThere(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

function install(debianPackage) {
  return apt('install', '-y', '--no-install-recommends', debianPackage);
}

function apt(...args) {
  return (
    spawnSync('apt-get', ['-qq', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status === 0
  );
}
