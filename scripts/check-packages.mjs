// Packs each public package as a release would and checks what is inside, so that a fault shows here and not at whoever installs it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packed, publicPackages, tarballFiles } from './public-packages.mjs';

const TOOL_TIMEOUT_MS = 60_000;
const OLDEST_NODE = '>=22.12.0'; // the first that has require(esm) without a flag
const MAY_BE_THERE = /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/[\w./-]+\.(js|js\.map|d\.ts))$/;
const TEST_FILE = /(^|\/)(test|tests|fixtures)\/|\.(test|test-d|spec|bench)\./;

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tokenward-packages-'));
try {
  const packages = publicPackages(root);
  const faulty = packages.filter((pkg) => !check(pkg, packed(pkg, root, folder)));
  console.log(`${packages.length} packages checked, ${faulty.length} with faults`);
  process.exitCode = packages.length > 0 && faulty.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function check(pkg, tarball) {
  const files = tarballFiles(readFileSync(tarball));
  const manifest = JSON.parse(files.get('package.json').toString());
  const faults = [
    ...listFaults(files, manifest),
    ...manifestFaults(manifest, pkg),
    ...sourceMapFaults(files, pkg),
    ...toolFaults('publint', ['run', tarball, '--strict']),
    // its rule against a require that meets an ES module is older than require(esm), which `engines` asks for; the rest holds for require too
    ...toolFaults('attw', [tarball, '--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm', '--no-emoji', '--no-color']),
  ];
  const shipped = [...files.keys()].filter((path) => path.startsWith('dist/')).length;
  console.log(
    `${faults.length === 0 ? 'ok  ' : 'FAIL'} ${pkg.name}: ${shipped} files of dist, ${[...files.keys()].filter((path) => !path.startsWith('dist/')).join(', ')}`,
  );
  for (const fault of faults) console.log(`     ${fault}`);
  return faults.length === 0;
}

function listFaults(files, { version }) {
  // there is no changelog before the first `changeset version`
  const needed = ['package.json', 'README.md', 'LICENSE', ...(version === '0.0.0' ? [] : ['CHANGELOG.md'])];
  const license = readFileSync(join(root, 'LICENSE'));
  return [
    ...needed.filter((path) => !files.has(path)).map((path) => `${path} is missing`),
    ...[...files.keys()].filter((path) => !MAY_BE_THERE.test(path)).map((path) => `${path} has no business in the package`),
    ...[...files.keys()].filter((path) => TEST_FILE.test(path)).map((path) => `${path} looks like a test`),
    ...(files.get('LICENSE')?.equals(license) === false ? ["LICENSE is not the repository's"] : []),
  ];
}

function manifestFaults(manifest, { name }) {
  const ranges = ['dependencies', 'peerDependencies', 'optionalDependencies', 'devDependencies'].flatMap((kind) => Object.entries(manifest[kind] ?? {}));
  const expected = [
    ['type', manifest.type, 'module'],
    ['license', manifest.license, 'Apache-2.0'],
    ['sideEffects', manifest.sideEffects, false],
    ['engines.node', manifest.engines?.node, OLDEST_NODE],
    ['publishConfig.access', manifest.publishConfig?.access, 'public'],
    ['repository.directory', manifest.repository?.directory, posix.join('packages', name.replace('@tokenward/', ''))],
  ];
  return [
    ...ranges
      .filter(([, range]) => /^(workspace|link|file|catalog):/.test(range))
      .map(([to, range]) => `the range "${range}" of ${to} works in the workspace only`),
    ...expected
      .filter(([, actual, wanted]) => actual !== wanted)
      .map(([field, actual, wanted]) => `${field} is ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}`),
    ...['description', 'keywords'].filter((field) => !manifest[field]?.length).map((field) => `${field} is missing`),
  ];
}

/** Each module has its map, the map holds its source, and the source is still there: `tsc -b` leaves behind what it once built. */
function sourceMapFaults(files, { folder }) {
  return [...files.keys()].filter((path) => path.endsWith('.js')).flatMap((path) => mapFaults(files, path, folder));
}

function mapFaults(files, path, folder) {
  const map = files.get(`${path}.map`);
  if (!map) return [`${path} has no source map`];
  const { sources, sourcesContent } = JSON.parse(map.toString());
  if (sources.length !== sourcesContent?.length || !sourcesContent.every(Boolean)) return [`${path}.map does not hold its sources`];
  const gone = sources.filter((source) => !existsSync(join(folder, posix.dirname(path), source)));
  return gone.map((source) => `${path} was built from ${source}, which is gone: delete dist and build again`);
}

function toolFaults(tool, args) {
  const { status, stdout, stderr, error } = spawnSync(join(root, 'node_modules', '.bin', tool), args, { encoding: 'utf8', timeout: TOOL_TIMEOUT_MS });
  return status === 0 ? [] : [`${tool} failed (${status ?? error?.code}):\n${`${stdout}${stderr}`.trim().replaceAll(/^/gm, '       ')}`];
}
