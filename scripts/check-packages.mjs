// Packs each public package as a release would and checks its content, so that a problem shows before users install it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { conditionsOf, entriesOf, hasCommonJs, moduleConditionsOf } from './package-entries.mjs';
import { packed, publicPackages, tarballFiles } from './public-packages.mjs';
import { RELEASE_STATUS, UNRELEASED } from './release/release-status.mjs';

const TOOL_TIMEOUT_MS = 60_000;
const OLDEST_NODE = '>=22.12.0'; // the first with require(esm) without a flag
const ALLOWED = /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/[\w./-]+\.(js|js\.map|d\.ts)|dist\/cjs\/(package\.json|LICENSES\.txt))$/;
const TEST_FILE = /(^|\/)(test|tests|fixtures)\/|\.(test|test-d|spec|bench)\./;

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tokenward-packages-'));
try {
  const packages = publicPackages(root);
  const invalid = packages.filter((pkg) => !check(pkg, packed(pkg, root, folder)));
  console.log(`${packages.length} packages checked, ${invalid.length} with problems`);
  process.exitCode = packages.length > 0 && invalid.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function check(pkg, tarball) {
  const files = tarballFiles(readFileSync(tarball));
  const manifest = JSON.parse(files.get('package.json').toString());
  const problems = [
    ...fileProblems(files, manifest),
    ...readmeProblems(files.get('README.md')?.toString() ?? '', manifest),
    ...manifestProblems(manifest, pkg),
    ...(hasCommonJs(manifest) ? commonJsProblems(files, manifest) : moduleProblems(files, manifest)),
    ...binProblems(files, manifest),
    ...sourceMapProblems(files, pkg, manifest),
    ...toolProblems('publint', ['run', tarball, '--strict']),
    ...toolProblems('attw', [tarball, '--profile', hasCommonJs(manifest) ? 'node16' : 'esm-only', '--no-emoji', '--no-color']),
  ];
  const shipped = [...files.keys()].filter((path) => path.startsWith('dist/')).length;
  console.log(
    `${problems.length === 0 ? 'ok  ' : 'FAIL'} ${pkg.name}: ${shipped} files of dist, ${[...files.keys()].filter((path) => !path.startsWith('dist/')).join(', ')}`,
  );
  for (const problem of problems) console.log(`     ${problem}`);
  return problems.length === 0;
}

function fileProblems(files, { version }) {
  // there is no changelog before the first `changeset version`
  const needed = ['package.json', 'README.md', 'LICENSE', ...(version === UNRELEASED ? [] : ['CHANGELOG.md'])];
  const license = readFileSync(join(root, 'LICENSE'));
  return [
    ...needed.filter((path) => !files.has(path)).map((path) => `${path} is missing`),
    ...[...files.keys()].filter((path) => !ALLOWED.test(path)).map((path) => `${path} does not belong in the package`),
    ...[...files.keys()].filter((path) => TEST_FILE.test(path)).map((path) => `${path} looks like a test`),
    ...(files.get('LICENSE')?.equals(license) === false ? ["LICENSE is not the repository's"] : []),
  ];
}

/** Checks that links and images work on npm, which shows the README without the repository, and what it says about the release. */
function readmeProblems(readme, { version }) {
  const text = readme.replaceAll(/^```.*?^```/gms, '');
  const targets = [...text.matchAll(/\]\(([^)\s]*)|\b(?:src|href)="([^"]*)|^\[[^\]]+\]: *(\S*)/gm)].map(
    ([, inline, html, reference]) => inline ?? html ?? reference,
  );
  const [, status] = RELEASE_STATUS.exec(readme) ?? [];
  return [
    ...targets.filter((target) => !/^(?:https:\/\/|#)/.test(target)).map((target) => `README.md links to ${target}, which npm does not show`),
    ...(status === undefined ? ['README.md has no lines between <!-- release-status --> and <!-- /release-status -->'] : []),
    ...(version === UNRELEASED && status !== 'Not released yet: this package is not on npm.' ? ['README.md must say that the package is not released'] : []),
    ...(/img\.shields\.io/.test(readme.replace(RELEASE_STATUS, '')) ? ['README.md has a badge that no release writes'] : []),
  ];
}

function manifestProblems(manifest, { name }) {
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

/** Checks that each entry exists in both module systems, under the same conditions and with the same types. */
function commonJsProblems(files, manifest) {
  const text = (path) => files.get(path)?.toString();
  const entries = entriesOf(manifest);
  return [
    ...entries
      .filter(({ path, file }) => JSON.stringify(manifest.exports[path]) !== JSON.stringify(conditionsOf(file)))
      .map(({ path, file }) => `exports["${path}"] is not ${JSON.stringify(conditionsOf(file))}`),
    ...entries.filter(({ file }) => !files.has(`dist/cjs/${file}.js`)).map(({ file }) => `dist/cjs/${file}.js is missing`),
    ...[...files.keys()]
      .filter((path) => /^dist\/(?!cjs\/).*\.d\.ts$/.test(path) && text(path) !== text(path.replace('dist/', 'dist/cjs/')))
      .map((path) => `${path} and its copy in dist/cjs differ`),
    ...(JSON.parse(text('dist/cjs/package.json') ?? '{}').type === 'commonjs' ? [] : ['dist/cjs/package.json does not say commonjs']),
  ];
}

/** Checks that each entry of a package with ES modules only exists. */
function moduleProblems(files, manifest) {
  return [
    ...entriesOf(manifest)
      .filter(({ path, file }) => JSON.stringify(manifest.exports[path]) !== JSON.stringify(moduleConditionsOf(file)))
      .map(({ path, file }) => `exports["${path}"] is not ${JSON.stringify(moduleConditionsOf(file))}`),
    ...[...files.keys()].filter((path) => path.startsWith('dist/cjs/')).map((path) => `${path} belongs in a package with CommonJS`),
  ];
}

/** Checks that each command's file exists and says that Node runs it. */
function binProblems(files, { bin = {} }) {
  return Object.entries(bin)
    .filter(([, path]) => !files.get(posix.normalize(path))?.toString().startsWith('#!/usr/bin/env node\n'))
    .map(([name, path]) => `the command ${name} has no file ${path} that starts with #!/usr/bin/env node`);
}

/**
 * Checks that each module has a map, that the map holds its source, and that the source still exists: `tsc -b` does not remove old output. The
 * map of the CommonJS bundle must refer to those modules.
 */
function sourceMapProblems(files, { folder }, manifest) {
  const bundle = JSON.parse(files.get('dist/cjs/bundle.js.map') ?? '{}');
  return [
    ...[...files.keys()].filter((path) => path.endsWith('.js') && !path.startsWith('dist/cjs/')).flatMap((path) => mapProblems(files, path, folder)),
    ...(bundle.sources?.length > 0 || !hasCommonJs(manifest) ? [] : ['dist/cjs/bundle.js has no source map']),
    ...(bundle.sources ?? [])
      // the source of a package that the bundle contains
      .filter((source) => source !== null)
      .map((source) => posix.join('dist/cjs', source))
      .filter((source) => source !== 'dist/entries.js' && !files.has(source))
      .map((source) => `dist/cjs/bundle.js.map refers to ${source}, which is not in the package`),
  ];
}

function mapProblems(files, path, folder) {
  const map = files.get(`${path}.map`);
  if (!map) return [`${path} has no source map`];
  const { sources, sourcesContent } = JSON.parse(map.toString());
  if (sources.length !== sourcesContent?.length || !sourcesContent.every(Boolean)) return [`${path}.map does not hold its sources`];
  const gone = sources.filter((source) => !existsSync(join(folder, posix.dirname(path), source)));
  return gone.map((source) => `${path} was built from ${source}, which is gone: delete dist and build again`);
}

function toolProblems(tool, args) {
  const { status, stdout, stderr, error } = spawnSync(join(root, 'node_modules', '.bin', tool), args, { encoding: 'utf8', timeout: TOOL_TIMEOUT_MS });
  return status === 0 ? [] : [`${tool} failed (${status ?? error?.code}):\n${`${stdout}${stderr}`.trim().replaceAll(/^/gm, '       ')}`];
}
