/**
 * The entry points of a public package, from its `exports`: `{ path, file, name }`. Where `path` is what a user writes after the
 * package's name (`./store-suite`), `file` is what `dist` holds for it, without an extension (`store-suite/index`).
 */
export function entriesOf({ exports }) {
  return Object.entries(exports)
    .filter(([path]) => path !== './package.json')
    .map(([path, conditions]) => ({ path, file: fileOf(conditions), name: path === '.' ? 'index' : path.slice(2).replaceAll(/\W/g, '_') }));
}

/**
 * What `exports` says for one entry: `module-sync` is for Node, which loads the same copy for `import` and `require`; `import` and
 * `require` are for tools that do not know it.
 */
export function conditionsOf(file) {
  const copy = (folder) => ({ types: `./${folder}/${file}.d.ts`, default: `./${folder}/${file}.js` });
  return { 'module-sync': copy('dist'), import: copy('dist'), require: copy('dist/cjs') };
}

function fileOf(conditions) {
  return conditions.import.default.replace(/^\.\/dist\/|\.js$/g, '');
}
