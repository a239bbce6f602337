import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const TIMEOUT_MS = 60_000;
const paths = new Map();

/**
 * Returns a PATH on which `pnpm` is the version in package.json. Under `npm run`, this process' own PATH is. Changesets calls pnpm by its bare name,
 * so a child process that runs changesets needs this PATH too.
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
    // there is no pnpm: npx fetches it
  }
  try {
    return execFileSync('npx', ['--yes', '--prefer-offline', `--package=${packageManager}`, '--', 'node', '-p', 'process.env.PATH'], options).trim();
  } catch (error) {
    throw new Error(`npx could not fetch ${packageManager}: check that the npm registry is reachable. ${error.stderr || error.message}`);
  }
}
