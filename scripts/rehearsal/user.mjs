import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from './command.mjs';
import { typeChecks, writeTypeScript } from './types.mjs';

const INSTALL_TIMEOUT_SECONDS = 120;
const RUN_TIMEOUT_SECONDS = 40;
const CHECK = fileURLToPath(new URL('fixtures/check.mjs', import.meta.url));

/** pnpm installs the same packages in other places, so one major of Express on one version of Node is enough. */
const MANAGERS = {
  npm: { add: ['install'], addForDevelopment: ['install', '--save-dev'], majors: ['5', '4'], isOnEveryNode: true },
  pnpm: { add: ['add', '--ignore-workspace'], addForDevelopment: ['add', '--ignore-workspace', '--save-dev'], majors: ['5'], isOnEveryNode: false },
};

/**
 * Does what a new user does with one package manager: an empty folder, the README's install command, the README's snippet. With npm, then
 * the same with Express 4.
 */
export async function tryAsUser({ manager, folder, env, root, snippet, runtimes, check }) {
  const install = (where, specs, { dev = false } = {}) =>
    command(manager, [...(dev ? MANAGERS[manager].addForDevelopment : MANAGERS[manager].add), ...specs], {
      cwd: where,
      env,
      timeoutSeconds: INSTALL_TIMEOUT_SECONDS,
    });

  const issuer = emptyFolder(folder, `${manager}-issuer`);
  const installed = await check(`${manager}: install @tokenward/testing`, async () => (await install(issuer, ['@tokenward/testing']), true));
  if (!installed) return;
  copyFileSync(CHECK, join(issuer, 'check.mjs'));

  for (const major of MANAGERS[manager].majors) {
    const app = emptyFolder(folder, `${manager}-express-${major}`);
    const label = `${manager}, Express ${major}`;
    const ready = await check(`${label}: install @tokenward/express`, async () => {
      await install(app, ['@tokenward/express', major === '5' ? 'express' : `express@${major}`]);
      expectExpress(app, major);
      return true;
    });
    if (!ready) continue;
    const files = { import: join(app, 'server.mjs'), require: join(app, 'server.cjs') };
    for (const [how, file] of Object.entries(files)) writeFileSync(file, snippet.servers[how]);
    for (const { name, node } of MANAGERS[manager].isOnEveryNode ? runtimes : runtimes.slice(0, 1)) {
      for (const [how, file] of Object.entries(files)) {
        await check(`${label}: ${how} on ${name}`, () => command(node, ['check.mjs', file], { cwd: issuer, env, timeoutSeconds: RUN_TIMEOUT_SECONDS }));
      }
    }
    const typed = await check(`${label}: install TypeScript`, async () => (await install(app, typeScriptSpecs(root, major), { dev: true }), true));
    if (!typed) continue;
    writeTypeScript(app, snippet);
    for (const { title, run } of typeChecks(app, env)) await check(`${label}: ${title}`, run);
  }
}

function emptyFolder(parent, name) {
  const folder = join(parent, name);
  mkdirSync(folder);
  return folder;
}

/** Checks the installed major of Express: with another one, the rest would prove nothing. */
function expectExpress(app, major) {
  const { version } = JSON.parse(readFileSync(join(app, 'node_modules', 'express', 'package.json'), 'utf8'));
  if (!version.startsWith(`${major}.`)) throw new Error(`Express ${version} was installed instead of ${major}`);
}

/** Returns the repository's own versions of the compiler and the types, so that the result does not change from day to day. */
function typeScriptSpecs(root, major) {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return [`typescript@${devDependencies.typescript}`, `@types/node@${devDependencies['@types/node']}`, `@types/express@${major}`];
}
