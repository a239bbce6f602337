import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { publicPackages } from '../public-packages.mjs';

/** The version of a package that was never released. */
export const UNRELEASED = '0.0.0';
/** What a file says about the release: at first that there is none, and later, in the README of a package, its badges. */
export const RELEASE_STATUS = /<!-- release-status -->\n\n([^]*?)\n\n<!-- \/release-status -->\n\n/;
/** Other pages that say that there is no release. */
const PAGES = ['README.md', 'docs/src/content/docs/index.md', 'docs/src/content/docs/start/index.md'];

/**
 * Writes the badges of this release into the README of each package. The badge's server reads the version from npm, and everything else comes from the
 * package.json. The first release also removes "not released yet" from other pages.
 *
 * @param before the version of each package before this release, by its name
 */
export function writeReleaseStatus(root, before) {
  for (const { name, folder, manifest } of publicPackages(root)) {
    const badges = badgesOf(manifest, hasProvenance(root, before.get(name)));
    replaceStatus(join(folder, 'README.md'), `<!-- release-status -->\n\n${badges}\n\n<!-- /release-status -->\n\n`);
  }
  if ([...before.values()].every((version) => version === UNRELEASED)) for (const page of PAGES) replaceStatus(join(root, page), '');
}

function replaceStatus(file, status) {
  const text = readFileSync(file, 'utf8');
  if (!RELEASE_STATUS.test(text)) throw new Error(`${file} has no lines between <!-- release-status --> and <!-- /release-status -->`);
  writeFileSync(
    file,
    text.replace(RELEASE_STATUS, () => status),
  );
}

function badgesOf({ name, license, engines }, isProven) {
  const page = `https://www.npmjs.com/package/${name}`;
  return [
    badge('version on npm', `npm/v/${name}`, page),
    badge(`Node.js ${engines.node}`, written('node', engines.node), 'https://tokenward.github.io/tokenward/reference/runtimes/'),
    badge(`licence ${license}`, written('licence', license), 'https://github.com/tokenward/tokenward/blob/main/LICENSE'),
    ...(isProven ? [badge('provenance: built on GitHub', written('provenance', 'built on GitHub'), `${page}#provenance`)] : []),
  ].join('\n');
}

function badge(text, path, link) {
  return `[![${text}](https://img.shields.io/${path})](${link})`;
}

/** The path of a badge with this label and message. A hyphen separates the two, and an underscore is a blank. */
function written(...texts) {
  const fields = texts.map((text) => encodeURIComponent(text.replaceAll('-', '--').replaceAll('_', '__').replaceAll(' ', '_')));
  return `badge/${fields.join('-')}-blue`;
}

/**
 * Whether a release has provenance: if the `publish` job of release.yml asks for it, and the package was released before. Its first version is published by
 * hand, without provenance: see release.yml.
 */
export function hasProvenance(root, versionBefore) {
  const { publish } = parse(readFileSync(join(root, '.github', 'workflows', 'release.yml'), 'utf8')).jobs;
  const step = publish.steps.find(({ id }) => id === 'publish');
  return versionBefore !== UNRELEASED && publish.permissions['id-token'] === 'write' && step?.env?.NPM_CONFIG_PROVENANCE === 'true';
}
