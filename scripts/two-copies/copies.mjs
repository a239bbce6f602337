// Loads a package twice in one process: its ES modules, and its CommonJS with all that this requires in turn. Node alone loads one copy;
// a bundler that follows `import` and `require`, or a test runner, may bring both.
import { createRequire, registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const OURS = /(\/packages\/[^/]+\/dist)\/(?!cjs\/)/;

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    if (!specifier.startsWith('@tokenward/') || !context.conditions.includes('require')) return found;
    return { ...found, url: found.url.replace(OURS, '$1/cjs/'), format: 'commonjs' };
  },
});

/** Both copies of `@tokenward/<name>`, and `load`, a `require` as its own tests would have it, for its framework. */
export async function copiesOf(name) {
  const require = createRequire(new URL(`../../packages/${name}/package.json`, import.meta.url));
  const path = fileURLToPath(new URL(`../../packages/${name}/dist/index.js`, import.meta.url));
  return { esm: await import(pathToFileURL(path)), cjs: require(`@tokenward/${name}`), load: require };
}
