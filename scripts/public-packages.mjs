import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { pathWithPnpm } from './pnpm.mjs';

const PACK_TIMEOUT_MS = 60_000;

/** Returns the packages of a workspace that are published: `{ name, folder, manifest }`. */
export function publicPackages(root) {
  return readdirSync(join(root, 'packages'))
    .map((name) => join(root, 'packages', name))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
    .filter(({ manifest }) => !manifest.private)
    .map(({ folder, manifest }) => ({ name: manifest.name, folder, manifest }));
}

/** Returns the file names of the changesets that are not released yet. */
export function waitingChangesets(root) {
  return readdirSync(join(root, '.changeset')).filter((name) => name.endsWith('.md') && name !== 'README.md');
}

/** Packs a package as a release would, and returns the tarball's path. */
export function packed({ name, folder }, root, destination) {
  const tarball = join(destination, `${name.replace('@', '').replace('/', '-')}.tgz`);
  execFileSync('pnpm', ['pack', '--out', tarball], {
    cwd: folder,
    env: { ...process.env, PATH: pathWithPnpm(root) },
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: PACK_TIMEOUT_MS,
  });
  return tarball;
}

const BLOCK_BYTES = 512;

/** Returns the files in a tarball (its bytes) by their path in the package. */
export function tarballFiles(tarball) {
  const archive = gunzipSync(tarball);
  const files = new Map();
  for (let offset = 0; offset < archive.length && archive[offset] !== 0;) {
    const field = (start, length) => archive.toString('utf8', offset + start, offset + start + length).replace(/\0.*$/s, '');
    const sizeBytes = Number.parseInt(field(124, 12), 8);
    const type = field(156, 1);
    const path = [field(345, 155), field(0, 100)].filter(Boolean).join('/');
    if (type !== '' && type !== '0') throw new Error(`"${path}" in a tarball is not a plain file (type ${type})`);
    files.set(path.replace(/^package\//, ''), archive.subarray(offset + BLOCK_BYTES, offset + BLOCK_BYTES + sizeBytes));
    offset += BLOCK_BYTES + Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return files;
}
