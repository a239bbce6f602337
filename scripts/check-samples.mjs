// Compiles the samples in the documentation as strict TypeScript, against the built packages, parses its JSON and YAML, and checks its commands. A comment
// before a block, which readers do not see, changes how the block is compiled:
// - `<!-- sample: koa -->`: with another context than that of the file
// - `<!-- sample: members of T -->`, `<!-- sample: inside class A { ... } -->`: as members of a type, or inside other code
// - `<!-- no program: why -->`: not at all
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { samplesOf } from './samples/blocks.mjs';
import { checkCommands, knownPackages } from './samples/commands.mjs';
import { compile } from './samples/compile.mjs';
import { checkData } from './samples/data.mjs';

/** Contexts: the names that a file's samples use without an import. They come from `samples/contexts/<name>.ts` and the package's exports. */
const CONTEXTS = [
  [/^packages\/(core|fastify|fetch|hono|koa|nestjs)\//, (name) => name],
  [/^(?:docs\/src\/content\/docs\/guides\/(?:browser-sessions|session-option)|packages\/browser-session\/)/, () => 'web-app'],
  [/^(?:docs\/src\/content\/docs\/guides\/mcp|packages\/mcp\/)/, () => 'mcp'],
  [/./, () => 'express'],
];
/** Files that the build of the documentation writes, from docstrings. */
const GENERATED = /^docs\/src\/content\/docs\/api\//;
/** Files whose code after `// before` is not compiled, and why. */
const BEFORE_NOT_COMPILED = new Map([
  ['docs/src/content/docs/migrate/nest-keycloak-connect.md', 'nest-keycloak-connect has NestJS 10 as a peer, which the workspace does not have'],
]);
/** How many blocks of each file are not compiled. All others must be. */
const NO_PROGRAMS = {};

const root = fileURLToPath(new URL('..', import.meta.url));
const files = globSync(['*.md', 'docs/*.md', 'docs/src/content/docs/**/*.{md,mdx}', 'packages/*/README.md', 'examples/*/README.md', 'bench/*.md'], {
  cwd: root,
})
  .filter((file) => !GENERATED.test(file))
  .sort();
const texts = files.map((file) => [readFileSync(join(root, file), 'utf8'), file]);
const samples = texts
  .flatMap((one) => samplesOf(...one))
  .filter(({ isBefore, file }) => !isBefore || !BEFORE_NOT_COMPILED.has(file))
  .map(inContext);
const data = texts.map((one) => checkData(...one));
const packages = knownPackages(root);
const commands = texts.map((one) => checkCommands(...one, packages));
const compiled = samples.filter(({ notCompiled }) => notCompiled === undefined);
const problems = [...(await compile(root, compiled)), ...skippedProblems(), ...[...data, ...commands].flatMap((one) => one.problems)];
for (const problem of problems) console.error(problem);
console.log(
  `${compiled.length} samples of ${new Set(compiled.map(({ file }) => file)).size} files compiled, ${samples.length - compiled.length} are not programs, ${countOf(data)} blocks of JSON and YAML parsed, ${countOf(commands)} commands checked, ${problems.length} problems`,
);
process.exitCode = compiled.length > 0 && problems.length === 0 ? 0 : 1;

function countOf(checked) {
  return checked.reduce((sum, { count }) => sum + count, 0);
}

function inContext(sample) {
  const [, type] = /^members of (.+)$/.exec(sample.mark ?? '') ?? [];
  const [, before, after] = /^inside (.+) \.\.\. (.+)$/.exec(sample.mark ?? '') ?? [];
  const inside = type ? [`const members: ${type} = {`, '};'] : before && [before, after];
  const [pattern, name] = CONTEXTS.find(([one]) => one.test(sample.file));
  return { ...sample, ...(inside && { inside }), context: inside || !sample.mark ? name(pattern.exec(sample.file)[1]) : sample.mark };
}

function skippedProblems() {
  const counts = Object.fromEntries(files.map((file) => [file, samples.filter((one) => one.file === file && one.notCompiled !== undefined).length]));
  return Object.entries({ ...NO_PROGRAMS, ...counts })
    .filter(([file, count]) => count !== (NO_PROGRAMS[file] ?? 0))
    .map(([file, count]) => `${file} has ${count} blocks that are not programs, expected ${NO_PROGRAMS[file] ?? 0}: see NO_PROGRAMS`);
}
