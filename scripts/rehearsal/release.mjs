import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { publicPackages, tarballFiles, waitingChangesets } from '../public-packages.mjs';
import { badgeProblems } from './badges.mjs';
import { command } from './command.mjs';

const GIT_TIMEOUT_SECONDS = 30;
const GIT_SETTINGS = {
  'user.name': 'rehearsal',
  'user.email': 'rehearsal@localhost',
  'commit.gpgsign': 'false',
  'tag.gpgsign': 'false',
  'core.hooksPath': '.git/no-hooks',
};
const FETCH_TIMEOUT_MS = 15_000;

/** Copies the tracked and untracked files of the working tree, but no ignored ones, into a new repository. */
export async function copyWorkingTree(root, copy) {
  const files = await command('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, timeoutSeconds: GIT_TIMEOUT_SECONDS });
  for (const file of files.split('\0').filter((path) => path && existsSync(join(root, path)))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    copyFileSync(join(root, file), join(copy, file));
  }
  const git = (...args) => command('git', args, { cwd: copy, timeoutSeconds: GIT_TIMEOUT_SECONDS });
  await git('init', '--quiet', '--initial-branch=main');
  for (const [name, value] of Object.entries(GIT_SETTINGS)) await git('config', name, value);
  await git('add', '--all');
  await git('commit', '--quiet', '--no-verify', '--message=working tree');
}

/** Adds a changeset if none waits, so that there is always a release to rehearse. */
export function ensureChangeset(copy) {
  if (waitingChangesets(copy).length > 0) return;
  const bumps = publicPackages(copy).map(({ name }) => `'${name}': patch\n`);
  writeFileSync(join(copy, '.changeset', 'rehearsal.md'), `---\n${bumps.join('')}---\n\nA rehearsed release.\n`);
}

/** Returns the version that `changeset version` gave to all packages. */
export function versionAfter(copy, before) {
  const packages = publicPackages(copy);
  const versions = new Set(packages.map(({ manifest }) => manifest.version));
  if (versions.size !== 1) throw new Error(`the packages have ${versions.size} versions: ${[...versions].join(', ')}`);
  const [version] = versions;
  if (before.includes(version)) throw new Error(`the version is still ${version}`);
  for (const { name, folder } of packages) {
    const changelog = join(folder, 'CHANGELOG.md');
    if (!existsSync(changelog) || !readFileSync(changelog, 'utf8').includes(`\n## ${version}\n`))
      throw new Error(`the changelog of ${name} has no section for ${version}`);
  }
  return version;
}

/** Returns the `publish` step of release.yml: its script and its working directory. */
export function publishStep(copy) {
  const { jobs } = parse(readFileSync(join(copy, '.github', 'workflows', 'release.yml'), 'utf8'));
  const step = jobs.publish.steps.find(({ id }) => id === 'publish');
  if (!step?.run) throw new Error('release.yml has no step "publish" with a script');
  return step;
}

/** Checks a published package: its version, ranges that work outside the workspace, README with its badges, licence and changelog. */
export async function checkPublished({ name }, { version, isProven, registry, packages }) {
  const { versions, 'dist-tags': tags } = await (await get(`${registry}${name.replace('/', '%2f')}`)).json();
  const manifest = versions[version];
  if (!manifest || tags.latest !== version) throw new Error(`${name}: latest is ${tags.latest}, not ${version}`);
  for (const [dependency, range] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    const ours = packages.some((pkg) => pkg.name === dependency);
    if (range.includes(':') || (ours && range !== `^${version}`)) throw new Error(`${name} depends on ${dependency}@${range}`);
  }
  const files = tarballFiles(Buffer.from(await (await get(manifest.dist.tarball)).arrayBuffer()));
  const missing = ['README.md', 'LICENSE', 'CHANGELOG.md', 'dist/index.js', 'dist/index.d.ts'].filter((path) => !files.has(path));
  if (missing.length > 0) throw new Error(`${name} was published without ${missing.join(', ')}`);
  const badges = badgeProblems(files.get('README.md').toString(), manifest, isProven);
  if (badges.length > 0) throw new Error(`the README of ${name}: ${badges.join('; ')}`);
}

async function get(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}
