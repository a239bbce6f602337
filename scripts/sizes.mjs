// Prints the size of each public package: of its entry, bundled with its dependencies but not its framework, and of its tarball.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { packed, publicPackages } from './public-packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tokenward-sizes-'));
try {
  const rows = [['package', 'runtime dependencies', 'min', 'min+gzip', 'tarball']];
  for (const pkg of publicPackages(root)) rows.push(await row(pkg));
  const widths = rows[0].map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  for (const cells of rows) console.log(cells.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  '));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function row(pkg) {
  const { dependencies = {}, peerDependencies = {}, exports } = pkg.manifest;
  const { outputFiles } = await build({
    entryPoints: [join(pkg.folder, (exports['.'].import ?? exports['.']).default)],
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    external: Object.keys(peerDependencies),
    write: false,
    logLevel: 'error',
  });
  const bundle = outputFiles[0].contents;
  const named = Object.keys(dependencies).join(', ') || 'none';
  return [pkg.name, named, kB(bundle.length), kB(gzipSync(bundle, { level: 9 }).length), kB(statSync(packed(pkg, root, folder)).size)];
}

function kB(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
