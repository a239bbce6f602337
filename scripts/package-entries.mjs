/**
 * Returns the entry points in a package's `exports`: `{ path, file, name }`. `path` is what users write after the package's name
 * (`./store-suite`); `file` is its file in `dist`, without an extension (`store-suite/index`).
 */
export function entriesOf({ exports }) {
  return Object.entries(exports)
    .filter(([path]) => path !== './package.json')
    .map(([path, conditions]) => ({ path, file: fileOf(conditions), name: path === '.' ? 'index' : path.slice(2).replaceAll(/\W/g, '_') }));
}

/**
 * Returns the conditions of one entry. Node uses `module-sync`, and so loads the same copy for `import` and `require`. Tools that do not know it use
 * `import` and `require`.
 */
export function conditionsOf(file) {
  const copy = (folder) => ({ types: `./${folder}/${file}.d.ts`, default: `./${folder}/${file}.js` });
  return { 'module-sync': copy('dist'), import: copy('dist'), require: copy('dist/cjs') };
}

/** Returns the conditions of one entry of a package that has ES modules only. */
export function moduleConditionsOf(file) {
  return { types: `./dist/${file}.d.ts`, default: `./dist/${file}.js` };
}

/** Whether a package has a CommonJS copy. A package that is only run as a program needs none. */
export function hasCommonJs({ exports }) {
  return Object.values(exports).some((conditions) => conditions.require);
}

function fileOf(conditions) {
  return (conditions.import ?? conditions).default.replace(/^\.\/dist\/|\.js$/g, '');
}
