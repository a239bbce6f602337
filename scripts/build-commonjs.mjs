// Adds the CommonJS copy to a package that `tsc` has built: `node ../../scripts/build-commonjs.mjs` in the package's folder. Everything
// follows from `exports` in its package.json, so a new subpath is added there and nowhere else.
//
// The copy is one file, `dist/cjs/bundle.js`, from which every entry takes its exports. So the state of a module exists once however many
// entries are loaded, and a test runner that loads every module anew for each test file has one file to load. It is made of what tsc wrote,
// so both copies run the same code.
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { build } from 'esbuild';
import { entriesOf } from './package-entries.mjs';

const MODULES = 'dist';
const COMMONJS = join('dist', 'cjs');
/** The last statement that esbuild writes, which never runs. */
const ANNOTATION = /^0 && \(module\.exports = \{$.*/ms;
const BUNDLING = { bundle: true, platform: 'node', target: 'node22', packages: 'external', logLevel: 'warning' };

const entries = entriesOf(JSON.parse(readFileSync('package.json', 'utf8')));
rmSync(COMMONJS, { recursive: true, force: true });
mkdirSync(COMMONJS, { recursive: true });

const [names] = await Promise.all([exportedNames(), writeBundle()]);
for (const { name, file } of entries) {
  const target = join(COMMONJS, `${file}.js`);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, entryText(posix.relative(posix.dirname(file), 'bundle.js'), name, names.get(file)));
}
// what a declaration says is the same in both; the nearest package.json tells TypeScript which module system it describes
for (const file of globSync('**/*.d.ts', { cwd: MODULES, exclude: ['cjs'] })) cpSync(join(MODULES, file), join(COMMONJS, file));
writeFileSync(join(COMMONJS, 'package.json'), '{ "type": "commonjs" }\n');

function writeBundle() {
  return build({
    ...BUNDLING,
    stdin: { contents: entries.map(({ name, file }) => `export * as ${name} from './${file}.js';`).join('\n'), resolveDir: MODULES, sourcefile: 'entries.js' },
    outfile: join(COMMONJS, 'bundle.js'),
    format: 'cjs',
    // Node could keep an `import()`, but Jest runs none in CommonJS
    supported: { 'dynamic-import': false },
    // the map leads to the modules, which are in the package too, and not past them to sources that would be packed twice
    plugins: [{ name: 'own-map', setup: ({ onLoad }) => onLoad({ filter: /\.js$/ }, withoutMap) }],
    sourcemap: true,
    sourcesContent: false,
  });
}

async function withoutMap({ path }) {
  return { contents: (await readFile(path, 'utf8')).replace(/^\/\/# sourceMappingURL=.*$/m, '') };
}

/** By each entry's file, lines from which tools that only read a file learn the names of its exports. */
async function exportedNames() {
  const { outputFiles } = await build({
    ...BUNDLING,
    entryPoints: entries.map(({ file }) => join(MODULES, `${file}.js`)),
    outdir: MODULES,
    format: 'cjs',
    write: false,
  });
  return new Map(outputFiles.map(({ text }, index) => [entries[index].file, defaultExport(entries[index].file) + ANNOTATION.exec(text)[0]]));
}

/** esbuild's annotation can't name a default export. */
function defaultExport(file) {
  return /^export (default |\{[^}]*\bas default\b)/m.test(readFileSync(join(MODULES, `${file}.js`), 'utf8')) ? 'exports.default = exports.default;\n' : '';
}

/** Plain properties, where the bundle has getters: `jest.spyOn` can replace them. */
function entryText(bundle, entry, names) {
  return `'use strict';
Object.defineProperty(exports, '__esModule', { value: true });
Object.assign(exports, require('${bundle.startsWith('.') ? bundle : `./${bundle}`}').${entry});
${names}`;
}
