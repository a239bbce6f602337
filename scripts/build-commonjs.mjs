// Adds the CommonJS copy to a package that `tsc` has built: run `node ../../scripts/build-commonjs.mjs` in the package's folder. It reads
// `exports` in the package.json, so a new subpath is added only there.
//
// The copy is one file, `dist/cjs/bundle.js`, and every entry re-exports from it. So the state of a module exists once, however many entries are
// loaded, and a test runner that reloads all modules for each test file loads one file. An entry runs only its own modules: one for tests, which
// refuses to load in production, must not stop the others. It is bundled from the output of tsc, so both copies run the same code.
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { build } from 'esbuild';
import { entriesOf } from './package-entries.mjs';

const MODULES = 'dist';
const COMMONJS = join('dist', 'cjs');
/** The last statement in esbuild's output. It never runs, and lists the exports for tools. */
const ANNOTATION = /^0 && \(module\.exports = \{$.*/ms;
/**
 * Packages without CommonJS. Node could load them by `require()`, but Jest cannot, so the CommonJS copy contains them, and their licences. Node itself loads
 * the modules, also for `require()`, and so the installed packages.
 */
const WITHOUT_COMMONJS = new Set(['jose', 'oauth4webapi', 'openid-client']);
const dependencies = { name: 'dependencies', setup: ({ onResolve }) => onResolve({ filter: /^[^./]/ }, ({ path }) => placeOf(path)) };
const BUNDLING = { bundle: true, platform: 'node', target: 'node22', logLevel: 'warning' };
const bundled = new Set();

const entries = entriesOf(JSON.parse(readFileSync('package.json', 'utf8')));
rmSync(COMMONJS, { recursive: true, force: true });
mkdirSync(COMMONJS, { recursive: true });

const [names] = await Promise.all([exportedNames(), writeBundle()]);
for (const { name, file } of entries) {
  const target = join(COMMONJS, `${file}.js`);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, entryText(posix.relative(posix.dirname(file), 'bundle.js'), name, names.get(file)));
}
// both copies have the same declarations; the nearest package.json tells TypeScript their module system
for (const file of globSync('**/*.d.ts', { cwd: MODULES, exclude: ['cjs'] })) cpSync(join(MODULES, file), join(COMMONJS, file));
writeFileSync(join(COMMONJS, 'package.json'), '{ "type": "commonjs" }\n');
if (bundled.size > 0) {
  writeFileSync(join(COMMONJS, 'LICENSES.txt'), licencesOf(bundled));
  forgetSourcesElsewhere();
}

/** A source map may have null for a source that nobody can load. */
function forgetSourcesElsewhere() {
  const file = join(COMMONJS, 'bundle.js.map');
  const map = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...map, sources: map.sources.map((source) => (source.includes('node_modules') ? null : source)) }));
}

function placeOf(path) {
  const [name] = /^(?:@[^/]+\/)?[^/]+/.exec(path);
  if (!WITHOUT_COMMONJS.has(name)) return { path, external: true };
  bundled.add(name);
  return undefined;
}

/** A bundled package may be a dependency of the one before it, so each is looked up from there. */
function licencesOf(names) {
  let require = createRequire(join(process.cwd(), 'package.json'));
  return [...names]
    .map((name) => {
      const folder = dirname(require.resolve(`${name}/package.json`));
      const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      require = createRequire(join(folder, 'package.json'));
      return `bundle.js contains ${name} ${version}:\n\n${readFileSync(join(folder, 'LICENSE.md'), 'utf8')}`;
    })
    .join('\n\n');
}

function writeBundle() {
  return build({
    ...BUNDLING,
    // with `require`, esbuild runs the modules of an entry when the entry is first asked for, each module once
    stdin: { contents: entries.map(lazyExport).join('\n'), resolveDir: MODULES, sourcefile: 'entries.js' },
    outfile: join(COMMONJS, 'bundle.js'),
    format: 'cjs',
    // Node could run an `import()`, but Jest cannot in CommonJS
    supported: { 'dynamic-import': false },
    // the map refers to the modules in the package, and not to their sources, which would be packed twice
    plugins: [dependencies, { name: 'own-map', setup: ({ onLoad }) => onLoad({ filter: /\.js$/ }, withoutMap) }],
    sourcemap: true,
    sourcesContent: false,
  });
}

function lazyExport({ name, file }) {
  return `Object.defineProperty(exports, '${name}', { get: () => require('./${file}.js') });`;
}

async function withoutMap({ path }) {
  return { contents: (await readFile(path, 'utf8')).replace(/^\/\/# sourceMappingURL=.*$/m, '') };
}

/** Returns, for each entry's file, lines that name its exports to tools that parse the file without running it. */
async function exportedNames() {
  const { outputFiles } = await build({
    ...BUNDLING,
    entryPoints: entries.map(({ file }) => join(MODULES, `${file}.js`)),
    outdir: MODULES,
    format: 'cjs',
    packages: 'external',
    write: false,
  });
  return new Map(outputFiles.map(({ text }, index) => [entries[index].file, defaultExport(entries[index].file) + ANNOTATION.exec(text)[0]]));
}

/** Returns a line for a default export, which esbuild's annotation leaves out. */
function defaultExport(file) {
  return /^export (default |\{[^}]*\bas default\b)/m.test(readFileSync(join(MODULES, `${file}.js`), 'utf8')) ? 'exports.default = exports.default;\n' : '';
}

/** Returns an entry with plain properties, which `jest.spyOn` can replace. The bundle has getters. */
function entryText(bundle, entry, names) {
  return `'use strict';
Object.defineProperty(exports, '__esModule', { value: true });
Object.assign(exports, require('${bundle.startsWith('.') ? bundle : `./${bundle}`}').${entry});
${names}`;
}
