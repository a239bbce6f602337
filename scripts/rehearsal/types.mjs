import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from './command.mjs';

const TSC_TIMEOUT_SECONDS = 90;

const RESOLUTIONS = {
  nodenext: { options: { module: 'nodenext', moduleResolution: 'nodenext' }, files: ['app.mts', 'app.cts', 'required.cts', 'wrong.mts'] },
  bundler: { options: { module: 'esnext', moduleResolution: 'bundler' }, files: ['app.ts', 'wrong.mts'] },
};

/** Writes the README's snippet as a module and as a CommonJS file, to be compiled under each module resolution. */
export function writeTypeScript(folder, { text, importEquals }) {
  mkdirSync(join(folder, 'types'));
  const files = { 'app.mts': text, 'app.ts': text, 'app.cts': text, 'required.cts': importEquals };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, 'types', name), content);
  copyFileSync(fileURLToPath(new URL('fixtures/wrong.mts', import.meta.url)), join(folder, 'types', 'wrong.mts'));
}

/** Returns the checks of the snippet's types: `{ title, run }`. */
export function typeChecks(folder, env) {
  return Object.entries(RESOLUTIONS).flatMap(([name, { options, files }]) =>
    [true, false].map((exactOptionalPropertyTypes) => ({
      title: `types, ${name}${exactOptionalPropertyTypes ? ', exactOptionalPropertyTypes' : ''}`,
      run() {
        const config = join(folder, 'types', `tsconfig.${name}.${exactOptionalPropertyTypes}.json`);
        const compilerOptions = { ...options, target: 'es2024', strict: true, exactOptionalPropertyTypes, skipLibCheck: false, noEmit: true, types: ['node'] };
        writeFileSync(config, JSON.stringify({ compilerOptions, files }));
        return command(join(folder, 'node_modules', '.bin', 'tsc'), ['--project', config], { cwd: folder, env, timeoutSeconds: TSC_TIMEOUT_SECONDS });
      },
    })),
  );
}
