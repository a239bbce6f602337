import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

/** The layers of core, from the bottom up: each line may import only the lines above it in this list. */
const LINES = [
  ['vocabulary'],
  ['lib'],
  ['request', 'net'],
  ['auth', 'jose'],
  ['explain'],
  ['events', 'decision', 'issuer-client.ts'],
  ['session'],
  ['keys'],
  ['issuer'],
  ['revocation'],
  ['security-event'],
  ['binding'],
  ['access-token'],
  ['policy', 'node', 'options.ts'],
  ['presets', 'openapi'],
  ['resource-guard.ts'],
  ['guard'],
  ['guard.ts'],
  ['adapter', 'exchange', 'diagnosis'],
];
/** Folders within a layer. They need their own rules, because the linter compares import paths as they are written. */
const NESTED = { 'policy/kinds': 'policy' };
/** The package's entry points: they may import everything, and nothing imports them. */
const ENTRY_POINTS = ['index.ts', 'adapter.ts', 'presets.ts', 'openapi.ts', 'store.ts', 'token-exchange.ts', 'diagnosis.ts'];

const root = fileURLToPath(new URL('..', import.meta.url));
const packageFolders = globSync('packages/*/package.json', { cwd: root }).map((path) => path.replaceAll('\\', '/').split('/')[1]);
const folders = mkdtempSync(join(tmpdir(), 'tokenward-layers-'));
afterAll(() => rmSync(folders, { recursive: true, force: true }));

/** Lints files with the rules of the workspace. Returns the file, the line and the rule of each diagnostic. */
function lint(files) {
  const folder = mkdtempSync(join(folders, 'planted-'));
  const config = JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8'));
  writeFileSync(join(folder, '.oxlintrc.json'), JSON.stringify({ ...config, options: { ...config.options, typeAware: false } }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const bin = join(dirname(createRequire(import.meta.url).resolve('oxlint/package.json')), 'bin/oxlint');
  const { stdout } = spawnSync(process.execPath, [bin, '--format', 'json', '.'], { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(stdout).diagnostics.map(({ code, filename, labels }) => ({ code, file: filename.replaceAll('\\', '/'), line: labels[0].span.line }));
}

test('the linter lets each layer of core import exactly the layers below it', () => {
  const layers = LINES.flat();
  const rank = new Map(LINES.flatMap((line, at) => line.map((layer) => [layer, at])));
  const targets = [...layers, ...ENTRY_POINTS];
  const files = {};
  const expected = [];
  for (const layer of [...layers, ...Object.keys(NESTED)]) {
    const isFile = layer.endsWith('.ts');
    const path = `packages/core/src/${isFile ? layer : `${layer}/probe.ts`}`;
    const up = isFile ? '.' : layer in NESTED ? '../..' : '..';
    const own = rank.get(NESTED[layer] ?? layer);
    const lines = targets.map((target) => `import type {} from '${up}/${target.endsWith('.ts') ? target.replace(/ts$/, 'js') : `${target}/probe.js`}';`);
    files[path] = [
      ...lines,
      `import type {} from '${up}/../../express/src/index.js';`,
      "import type {} from 'node:http';",
      "import type {} from 'express';",
      '',
    ].join('\n');
    for (const [at, target] of targets.entries()) if (!(rank.get(target) < own)) expected.push(`${path}:${at + 1}`);
    expected.push(`${path}:${targets.length + 1}`, `${path}:${targets.length + 3}`);
  }
  const found = lint(files).filter(({ code }) => code.includes('no-restricted-imports'));
  expect(found.map(({ file, line }) => `${file}:${line}`).toSorted()).toEqual(expected.toSorted());
});

test('every folder and file of core is in a layer', () => {
  const placed = new Set([...LINES.flat(), ...ENTRY_POINTS]);
  expect(readdirSync(join(root, 'packages/core/src')).filter((name) => !name.endsWith('.test.ts') && !placed.has(name))).toEqual([]);
});

test('the linter reports import cycles in every package, including cycles of type imports', () => {
  const files = Object.fromEntries(
    packageFolders.flatMap((name) => [
      [`packages/${name}/src/one.ts`, "import type { Two } from './two.js';\nexport type One = { readonly two?: Two };\n"],
      [`packages/${name}/src/two.ts`, "import type { One } from './one.js';\nexport type Two = { readonly one?: One };\n"],
    ]),
  );
  const cycles = lint(files).filter(({ code }) => code.includes('no-cycle'));
  expect(new Set(cycles.map(({ file }) => file))).toEqual(new Set(Object.keys(files)));
});

test('the linter lets a package import neither itself by its name, nor an adapter because of the name of its framework', () => {
  const frameworks = ['express', 'fastify', 'hono', 'koa', 'redis'].map((name) => `@tokenward/${name}`);
  const namesFor = (folder) => [...new Set([...frameworks, JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')).name])];
  const linesOf = (folder) => namesFor(folder).map((name) => `import type {} from '${name}';\n`);
  const files = Object.fromEntries(packageFolders.map((folder) => [`packages/${folder}/src/probe.ts`, linesOf(folder).join('')]));
  const found = lint(files).filter(({ code }) => code.includes('no-restricted-imports'));
  const expected = packageFolders.flatMap((folder) => linesOf(folder).map((_line, at) => `packages/${folder}/src/probe.ts:${at + 1}`));
  expect(found.map(({ file, line }) => `${file}:${line}`).toSorted()).toEqual(expected.toSorted());
});

test('the main entry of core exports fewer than 111 names, since presets and names for authors of adapters and stores belong in other entries', () => {
  const entry = readFileSync(join(root, 'packages/core/src/index.ts'), 'utf8');
  expect(entry).not.toMatch(/export \*/);
  const names = [...entry.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, listed]) => listed.split(',').filter((name) => name.trim() !== ''));
  expect(names.length).toBeGreaterThan(50);
  expect(names.length).toBeLessThan(111);
});
