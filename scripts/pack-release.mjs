// Packs a release into a folder, for a job that only publishes: `node scripts/pack-release.mjs <folder>`. The folder gets a tarball for each
// public package whose version is not in the registry yet, its changes as `<tarball>.md`, and `packages.txt` with a line
// `name version tarball` for each. Prints their number as a workflow's output: `packages=8`. While changesets wait, there is nothing to release.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packed, publicPackages, waitingChangesets } from './public-packages.mjs';

const VIEW_TIMEOUT_MS = 30_000;

const root = fileURLToPath(new URL('..', import.meta.url));
const [destination] = process.argv.slice(2);
if (!destination) throw new Error('the folder is missing: node scripts/pack-release.mjs <folder>');
const folder = resolve(destination);
mkdirSync(folder, { recursive: true });

const lines = [];
for (const pkg of waitingChangesets(root).length > 0 ? [] : publicPackages(root)) {
  const { name, manifest } = pkg;
  if (isPublished(name, manifest.version)) continue;
  const file = basename(packed(pkg, root, folder));
  writeFileSync(join(folder, `${file}.md`), changesOf(pkg));
  lines.push(`${name} ${manifest.version} ${file}\n`);
}
writeFileSync(join(folder, 'packages.txt'), lines.join(''));
console.log(`packages=${lines.length}`);

function isPublished(name, version) {
  try {
    return execFileSync('npm', ['view', `${name}@${version}`, 'version'], { encoding: 'utf8', stdio: 'pipe', timeout: VIEW_TIMEOUT_MS }).trim() !== '';
  } catch (error) {
    if (/\bE404\b/.test(error.stderr)) return false;
    throw error;
  }
}

/** Returns the changelog's section for this version. */
function changesOf({ folder: path, manifest: { version } }) {
  const sections = readFileSync(join(path, 'CHANGELOG.md'), 'utf8').split(/^## /m);
  const section = sections.find((text) => text.startsWith(`${version}\n`));
  if (!section) throw new Error(`${join(path, 'CHANGELOG.md')} has no section for ${version}`);
  return section.slice(version.length).trim();
}
