import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publicPackages } from '../public-packages.mjs';

/** Returns the text about each package, by its name. */
export function firstTexts(root) {
  const sections = readFileSync(join(root, 'scripts', 'release', 'first-release.md'), 'utf8')
    .split(/^## /m)
    .slice(1);
  return new Map(sections.map((section) => [section.slice(0, section.indexOf('\n')).trim(), section.slice(section.indexOf('\n')).trim()]));
}

/** Writes the changelogs of the first release, under the versions that the packages have now. */
export function writeFirstChangelogs(root) {
  const texts = firstTexts(root);
  for (const { name, folder, manifest } of publicPackages(root)) {
    const text = texts.get(name);
    if (!text) throw new Error(`scripts/release/first-release.md says nothing about ${name}`);
    writeFileSync(join(folder, 'CHANGELOG.md'), `# ${name}\n\n## ${manifest.version}\n\n${text}\n`);
  }
}
