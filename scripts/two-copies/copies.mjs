// Loads a package twice in one process: as ES modules, and as CommonJS with everything that it requires. Node itself loads one copy, but a bundler
// or a test runner may load both.
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

/** Returns both copies of `@tokenward/<name>`, and `load`, which requires the framework as the package's own tests do. */
export async function copiesOf(name) {
  const require = createRequire(new URL(`../../packages/${name}/package.json`, import.meta.url));
  const path = fileURLToPath(new URL(`../../packages/${name}/dist/index.js`, import.meta.url));
  return { esm: await import(pathToFileURL(path)), cjs: require(`@tokenward/${name}`), load: require };
}
