import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { badgeProblems } from './rehearsal/badges.mjs';
import { hasProvenance, writeReleaseStatus } from './release/release-status.mjs';

const WORKFLOW = readFileSync(new URL('../.github/workflows/release.yml', import.meta.url), 'utf8');
const MANIFEST = { name: '@tokenward/core', version: '0.1.0', license: 'Apache-2.0', engines: { node: '>=22.12.0' } };
const UNRELEASED = new Map([['@tokenward/core', '0.0.0']]);
const status = '<!-- release-status -->\n\nNot released yet.\n\n<!-- /release-status -->\n\n';

function workspace() {
  const root = mkdtempSync(join(tmpdir(), 'tokenward-status-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const path = (name) => join(root, name);
  const write = (name, text) => (mkdirSync(dirname(path(name)), { recursive: true }), writeFileSync(path(name), text));
  for (const page of ['README.md', 'docs/src/content/docs/index.md', 'docs/src/content/docs/start/index.md']) write(page, `before\n\n${status}after\n`);
  write('packages/core/README.md', `# @tokenward/core\n\n${status}Decides.\n`);
  write('packages/core/package.json', JSON.stringify(MANIFEST));
  write('.github/workflows/release.yml', WORKFLOW);
  return { root, write, read: (name) => readFileSync(path(name), 'utf8') };
}

test('the first release replaces "not released yet" by badges, without provenance, and removes it from other pages', () => {
  const { root, read } = workspace();
  writeReleaseStatus(root, UNRELEASED);
  expect(read('packages/core/README.md')).toBe(`# @tokenward/core

<!-- release-status -->

[![version on npm](https://img.shields.io/npm/v/@tokenward/core)](https://www.npmjs.com/package/@tokenward/core)
[![Node.js >=22.12.0](https://img.shields.io/badge/node-%3E%3D22.12.0-blue)](https://tokenward.github.io/tokenward/reference/runtimes/)
[![licence Apache-2.0](https://img.shields.io/badge/licence-Apache--2.0-blue)](https://github.com/tokenward/tokenward/blob/main/LICENSE)

<!-- /release-status -->

Decides.
`);
  expect(read('docs/src/content/docs/start/index.md')).toBe('before\n\nafter\n');
  expect(badgeProblems(read('packages/core/README.md'), MANIFEST, false)).toEqual([]);
});

test('later releases write what package.json says then, and provenance if the workflow publishes with it', () => {
  const { root, write, read } = workspace();
  writeReleaseStatus(root, UNRELEASED);
  const manifest = { ...MANIFEST, engines: { node: '>=24' } };
  write('packages/core/package.json', JSON.stringify(manifest));
  writeReleaseStatus(root, new Map([['@tokenward/core', '0.1.0']]));
  expect(badgeProblems(read('packages/core/README.md'), manifest, true)).toEqual([]);
  expect(hasProvenance(root, '0.1.0')).toBe(true);
  for (const [part, other] of [
    ['id-token: write', 'contents: read'],
    ["PROVENANCE: 'true'", "PROVENANCE: 'false'"],
  ]) {
    write('.github/workflows/release.yml', WORKFLOW.replaceAll(part, other));
    expect([part, hasProvenance(root, '0.1.0')]).toEqual([part, false]);
  }
});

test('a README without the lines stops the release', () => {
  const { root, write } = workspace();
  write('packages/core/README.md', '# @tokenward/core\n');
  expect(() => writeReleaseStatus(root, UNRELEASED)).toThrow(/packages\/core\/README\.md has no lines between/);
});

test.each([
  ['is missing', '', { license: 'Apache-2.0' }, 'no badge says "licence: Apache-2.0"'],
  ['differs from package.json', '![a](https://img.shields.io/badge/node-%3E%3D20-blue)', {}, 'a badge says "node: >=20"'],
  ['is of another package', '![a](https://img.shields.io/npm/v/express)', {}, 'a badge says "npm: express"'],
  ['states what nobody updates', '![a](https://img.shields.io/badge/coverage-100%25-green)', {}, 'a badge says "coverage: 100%"'],
  [
    'claims provenance that is not there',
    '![a](https://img.shields.io/badge/provenance-built_on_GitHub-blue)',
    {},
    'a badge says "provenance: built on GitHub"',
  ],
  ['comes from elsewhere', '![a](https://badges.example/npm/v/@tokenward/core)', {}, 'a badge says "https://badges.example/npm/v/@tokenward/core"'],
])('the rehearsal notices a badge that %s', (_what, badge, changes, problem) => {
  const readme = `# a\n\n<!-- release-status -->\n\n${badge}\n\n<!-- /release-status -->\n\nb\n`;
  expect(badgeProblems(readme, { ...MANIFEST, ...changes }, false)).toContain(problem);
});
