// Compiles the samples of the documentation as strict TypeScript, against the built packages. Nobody reads what stands here:
// a sample that needs another context than its file's has `<!-- sample: koa -->` in front of its block, and
// `<!-- sample: members of T -->` or `<!-- sample: inside class A { ... } -->` where it is a part of something; a block that is no program
// has `<!-- no program: why -->`.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { samplesOf } from './samples/blocks.mjs';
import { compile } from './samples/compile.mjs';

/** The names that are there without an import: those of `samples/contexts/<name>.ts`, and what the package exports. */
const CONTEXTS = [
  [/^packages\/(core|fastify|koa|nestjs)\//, (name) => name],
  [/./, () => 'express'],
];
/** How many blocks of each file are no programs. Nothing else may be left out. */
const NO_PROGRAMS = {};

const root = fileURLToPath(new URL('..', import.meta.url));
const files = globSync(['*.md', 'docs/*.md', 'packages/*/README.md', 'examples/*/README.md', 'bench/*.md'], { cwd: root }).sort();
const samples = files.flatMap((file) => samplesOf(readFileSync(join(root, file), 'utf8'), file)).map(inContext);
const compiled = samples.filter(({ notCompiled }) => notCompiled === undefined);
const faults = [...(await compile(root, compiled)), ...leftOutFaults()];
for (const fault of faults) console.error(fault);
console.log(
  `${compiled.length} samples of ${new Set(compiled.map(({ file }) => file)).size} files compiled, ${samples.length - compiled.length} are no programs, ${faults.length} faults`,
);
process.exitCode = compiled.length > 0 && faults.length === 0 ? 0 : 1;

function inContext(sample) {
  const [, type] = /^members of (.+)$/.exec(sample.mark ?? '') ?? [];
  const [, before, after] = /^inside (.+) \.\.\. (.+)$/.exec(sample.mark ?? '') ?? [];
  const inside = type ? [`const members: ${type} = {`, '};'] : before && [before, after];
  const [pattern, name] = CONTEXTS.find(([one]) => one.test(sample.file));
  return { ...sample, ...(inside && { inside }), context: inside || !sample.mark ? name(pattern.exec(sample.file)[1]) : sample.mark };
}

function leftOutFaults() {
  const counts = Object.fromEntries(files.map((file) => [file, samples.filter((one) => one.file === file && one.notCompiled !== undefined).length]));
  return Object.entries({ ...NO_PROGRAMS, ...counts })
    .filter(([file, count]) => count !== (NO_PROGRAMS[file] ?? 0))
    .map(([file, count]) => `${file} has ${count} blocks that are no programs, not ${NO_PROGRAMS[file] ?? 0}: see NO_PROGRAMS`);
}
