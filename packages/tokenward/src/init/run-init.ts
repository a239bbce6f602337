import { createInterface } from 'node:readline';
import { urlProblem } from '@tokenward/core/store';
import type { CommandContext } from '../command.js';
import { UsageError } from '../errors.js';
import { EXIT_CODES, type ExitCode } from '../exit-codes.js';
import { applyEdits, unifiedDiff } from './edits.js';
import type { INIT_FLAGS } from './flags.js';
import type { Framework } from './frameworks.js';
import { masked } from './masked.js';
import { planFor, type Plan } from './plan.js';
import { candidates, frameworkOf, readInside, readManifest, replaceInside, type Manifest, type ProjectFile } from './project.js';

type InitContext = CommandContext<typeof INIT_FLAGS>;

/** Runs `tokenward init`. */
export async function runInit(context: InitContext): Promise<ExitCode> {
  const { options, output, cwd } = context;
  const manifest = await readManifest(cwd);
  const framework = frameworkOf(manifest, options.framework);
  const text = optionsText(options);
  const { file, plan } = await findApp(context, framework, manifest, text);
  if (file && 'isGuarded' in plan) {
    output.line(`${file.name} uses ${framework.guard} already. Nothing to do.`);
    return EXIT_CODES.good;
  }
  if (!file || !('edits' in plan)) {
    output.line(file && 'unsure' in plan ? `${file.name} stays as it is: ${plan.unsure}.` : 'No file was found that creates the app. Name it with --file.');
    writeByHand(context, framework, text);
    return EXIT_CODES.found;
  }
  const content = applyEdits(file.text, plan.edits);
  showDiff(context, file.name, file.text, content);
  if (!(await isConfirmed(context))) {
    output.note('Nothing was written.');
    return EXIT_CODES.found;
  }
  await replaceInside(cwd, file, content);
  output.line();
  output.line(`${file.name} is changed.`);
  await writeNextSteps(context, framework, file.text);
  return EXIT_CODES.good;
}

async function findApp(
  { options, cwd }: InitContext,
  framework: Framework,
  manifest: Manifest,
  text: string,
): Promise<{ readonly file: ProjectFile | undefined; readonly plan: Plan }> {
  const none: Plan = { unsure: '' };
  if (options.file !== undefined) {
    const file = await readInside(cwd, options.file);
    if (!file) throw new UsageError('--file names no file of this project');
    return { file, plan: planFor(framework, { text: file.text, isModule: isModule(file.name, manifest) }, text) };
  }
  let unsure: { readonly file: ProjectFile; readonly plan: Plan } | undefined;
  const ready: { readonly file: ProjectFile; readonly plan: Plan }[] = [];
  for (const name of candidates(framework, manifest)) {
    const file = await readInside(cwd, name);
    if (!file) continue;
    const plan = planFor(framework, { text: file.text, isModule: isModule(name, manifest) }, text);
    if ('isGuarded' in plan) return { file, plan };
    if ('edits' in plan) ready.push({ file, plan });
    // a file that does not even mention the framework is not about the app
    else if (file.text.includes(framework.dependency)) unsure ??= { file, plan };
  }
  const [first, second] = ready;
  if (first && second) return { file: first.file, plan: { unsure: `${second.file.name} creates an app, too. Name the one to guard with --file` } };
  return first ?? unsure ?? { file: undefined, plan: none };
}

/** Whether Node or a compiler reads a file as an ES module. */
function isModule(name: string, { type }: Manifest): boolean {
  return /\.m[jt]s$/.test(name) || (!/\.c[jt]s$/.test(name) && type === 'module');
}

/** Returns the options as source text. Without any, the guard reads ISSUER_BASE_URL and AUDIENCE. */
function optionsText({ issuer, audience }: InitContext['options']): string {
  const given = Object.entries({ issuer, audience }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  for (const [name, value] of given) {
    if (!/^[\w.:/~%@+-]{1,500}$/.test(value)) throw new UsageError(`--${name} has characters that no issuer or audience should have`);
  }
  const problem = issuer === undefined ? undefined : urlProblem(issuer);
  if (problem !== undefined) throw new UsageError(`--issuer ${problem}`);
  return given.length === 0 ? '' : `{ ${given.map(([name, value]) => `${name}: '${value}'`).join(', ')} }`;
}

function showDiff({ output }: InitContext, name: string, before: string, after: string): void {
  const { style } = output;
  for (const line of unifiedDiff(name, before, after)) {
    output.line(line.startsWith('+') ? style.green(line) : line.startsWith('-') ? style.red(line) : line.startsWith('@@') ? style.cyan(line) : line);
  }
}

async function isConfirmed({ options, stdin, stderr, output }: InitContext): Promise<boolean> {
  if (options.yes) return true;
  if (!stdin.isTTY) {
    output.note('Run the command again with --yes to write this.');
    return false;
  }
  stderr.write('Write this? [y/N] ');
  const lines = createInterface({ input: stdin });
  try {
    for await (const line of lines) return /^y(?:es)?$/i.test(line.trim());
    return false;
  } catch {
    // the terminal was closed
    return false;
  } finally {
    lines.close();
  }
}

function writeByHand({ output }: InitContext, framework: Framework, options: string): void {
  output.line();
  output.line('Add these lines yourself:');
  output.line();
  output.line(`  import { ${framework.imported} } from '${framework.guard}';`);
  const lines = framework.lines({ app: 'app', options, canAwait: true, semicolon: ';' });
  if (framework.name === 'nestjs') output.line(`  // in @Module({ ... }) of the root module\n  imports: [${lines.join('')}],`);
  else for (const line of lines) output.line(`  ${line}`);
}

const MANAGERS = [
  ['pnpm-lock.yaml', 'pnpm add'],
  ['yarn.lock', 'yarn add'],
  ['bun.lock', 'bun add'],
] as const;

async function writeNextSteps({ options, output, cwd }: InitContext, framework: Framework, before: string): Promise<void> {
  let install = 'npm install';
  for (const [file, command] of MANAGERS) {
    if (await readInside(cwd, file).catch(() => undefined)) install = command;
  }
  const variables = [options.issuer === undefined ? 'ISSUER_BASE_URL' : '', options.audience === undefined ? 'AUDIENCE' : ''].filter((name) => name !== '');
  const steps = [
    `Install the guard: ${install} ${framework.guard}`,
    ...(variables.length > 0 ? [`Set ${variables.join(' and ')} in the environment of the app.`] : []),
    ...framework.hints,
    ...(/\bcors\b/.test(masked(before)) && framework.name !== 'nestjs'
      ? ['This app uses CORS: put it above the guard, so that it answers preflights and browsers can read refusals.']
      : []),
    'Check the set-up: npx tokenward doctor. To develop without an authorization server: npx tokenward issuer.',
  ];
  output.line();
  output.line('Next:');
  for (const step of steps) output.line(`- ${step}`);
}
