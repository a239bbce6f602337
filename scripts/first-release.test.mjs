import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { firstTexts, writeFirstChangelogs } from './release/first-changelogs.mjs';
import { publicPackages } from './public-packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

test('the first release has a text about each package, and about no other', () => {
  expect(new Set(firstTexts(root).keys())).toEqual(new Set(publicPackages(root).map(({ name }) => name)));
  for (const [name, text] of firstTexts(root)) expect([name, text]).toEqual([name, expect.stringMatching(/^The first release: .{20,}/)]);
});

test('the first changelog has one section, under the version that changesets chose; a package without a text stops the release', () => {
  const copy = mkdtempSync(join(tmpdir(), 'tokenward-first-'));
  onTestFinished(() => rmSync(copy, { recursive: true }));
  mkdirSync(join(copy, 'packages', 'core'), { recursive: true });
  mkdirSync(join(copy, 'scripts', 'release'), { recursive: true });
  const write = (name) => writeFileSync(join(copy, 'packages', 'core', 'package.json'), JSON.stringify({ name, version: '0.1.0' }));
  writeFileSync(join(copy, 'scripts', 'release', 'first-release.md'), 'About this file.\n\n## a\n\nThe first\nrelease.\n\n## b\n\nOther.\n');
  write('a');
  writeFirstChangelogs(copy);
  expect(readFileSync(join(copy, 'packages', 'core', 'CHANGELOG.md'), 'utf8')).toBe('# a\n\n## 0.1.0\n\nThe first\nrelease.\n');
  write('c');
  expect(() => writeFirstChangelogs(copy)).toThrow(/says nothing about c/);
});
