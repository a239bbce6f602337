import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const TIMEOUT_MS = 60_000;
const paths = new Map();

/**
 * A PATH on which `pnpm` is the version that package.json pins: this process' own where `npm run` started it. Changesets calls pnpm by its
 * bare name, so a child process that runs changesets needs this PATH too.
 */
export function pathWithPnpm(root) {
  if (!paths.has(root)) paths.set(root, findPath(root));
  return paths.get(root);
}

function findPath(root) {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`;
  const options = { cwd: root, encoding: 'utf8', env: { ...process.env, PATH: path }, stdio: 'pipe', timeout: TIMEOUT_MS };
  try {
    if (`pnpm@${execFileSync('pnpm', ['--version'], options).trim()}` === packageManager) return path;
  } catch {
    // there is none: npx brings it
  }
  try {
    return execFileSync('npx', ['--yes', '--prefer-offline', `--package=${packageManager}`, '--', 'node', '-p', 'process.env.PATH'], options).trim();
  } catch (error) {
    throw new Error(`npx could not bring ${packageManager}; the first time it needs the npm registry. ${error.stderr || error.message}`);
  }
}
