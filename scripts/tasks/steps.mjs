import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mergeReports, readVitestReport, REPORT_ARGUMENTS, sumOf, timedOutFiles } from './vitest-report.mjs';

/** If tests of more files than these time out, the reason is not a busy machine. */
const FEW_FILES = 3;
const COMMANDS_AT_ONCE = 2;

/** Runs a command and shows its output. Ends this process if the command fails, unless it `mayFail`. */
export function run(command, args, { cwd, env = {}, mayFail = false } = {}) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } });
  if (status === 0) return true;
  if (!mayFail) {
    console.error(`tokenward: \`${[command, ...args].join(' ')}\` failed (${status ?? error?.code})`);
    process.exit(1);
  }
  return false;
}

/**
 * Runs independent commands, two at a time: most of them use one core. Shows the output of each when it ends. If any failed, ends this process when all have
 * ended.
 */
export async function runAll(commands) {
  const waiting = commands.values();
  const failed = [];
  await Promise.all(
    Array.from({ length: COMMANDS_AT_ONCE }, async () => {
      // both take the next command from one iterator
      for (const [command, ...args] of waiting) {
        const { ok, output } = await outputOf(command, args);
        process.stdout.write(output);
        if (!ok) failed.push(`\`${[command, ...args].join(' ')}\``);
      }
    }),
  );
  if (failed.length === 0) return;
  console.error(`tokenward: ${failed.join(' and ')} failed`);
  process.exit(1);
}

async function outputOf(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const pieces = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => pieces.push(piece));
  const ok = await once(child, 'close').then(
    ([code]) => code === 0,
    (error) => (pieces.push(Buffer.from(`${error.message}\n`)), false),
  );
  return { ok, output: Buffer.concat(pieces) };
}

/** Builds the packages. Shows the output of turbo if that fails. */
export function build() {
  const { status, stdout, stderr } = spawnSync('turbo', ['run', 'build', '--output-logs=errors-only', '--concurrency=2'], { encoding: 'utf8' });
  if (status === 0) return;
  console.error(`${stdout}${stderr}\ntokenward: the packages could not be built`);
  process.exit(1);
}

/** Adds up what the steps of a test run counted; a step that failed without a count counts as one failure. */
export function createTally() {
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-counts-'));
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  const timedOut = [];

  function count(title, ok, counts = ok ? { passed: 1 } : { failed: 1 }) {
    const { passed = 0, skipped = 0 } = counts;
    const failed = ok ? (counts.failed ?? 0) : Math.max(counts.failed ?? 0, 1);
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
    if (failed > 0) failures.push(`${title}:`, ...(counts.failures ?? []));
  }

  const fileOf = (title, ending) => join(folder, `${title.replaceAll(/\W+/g, '-')}.${ending}`);
  const countsOf = (title) => ({ TOKENWARD_COUNTS: fileOf(title, 'json') });

  function step(title, command, args) {
    const printTime = begin(title);
    finishStep(title, run(command, args, { env: countsOf(title), mayFail: true }));
    printTime();
  }

  function finishStep(title, ok) {
    count(title, ok, readJson(fileOf(title, 'json')));
  }

  /**
   * A run of Vitest; `command` is what starts it. On a busy machine, a test or a hook may miss its time-out. So if nothing failed but time-outs in a few
   * files, these files run once more, alone, and the time-outs are named at the end. Whatever else fails is a failure, even if it would pass alone.
   */
  function vitestStep(title, command, how) {
    const printTime = begin(title);
    const tests = vitestOf(title, command, how);
    finishVitest(title, tests, tests.run([]));
    printTime();
  }

  function vitestOf(title, [command, ...args], { reporter = 'default', env = {} } = {}) {
    const file = fileOf(title, 'json');
    const allEnv = { ...env, TOKENWARD_REPORT: file };
    const argsOf = (which) => [...args, `--reporter=${reporter}`, ...REPORT_ARGUMENTS, ...which];
    return {
      start: () => [command, argsOf([]), allEnv],
      read: (ok) => ({ ok, report: readVitestReport(file) }),
      run(which) {
        rmSync(file, { force: true });
        return this.read(run(command, argsOf(which), { env: allEnv, mayFail: true }));
      },
    };
  }

  function finishVitest(title, tests, { ok, report }) {
    const files = timedOutFiles(report);
    if (files.length === 0 || files.length > FEW_FILES) return count(title, ok, sumOf(report));
    timedOut.push(`${title}:`, ...sumOf(report).failures);
    printTitle(`${title}: tests timed out. Once more, alone: ${files.join(', ')}`);
    const again = tests.run(files);
    count(title, again.ok, sumOf(mergeReports(report, again.report)));
  }

  /** Starts a step that runs beside the steps that follow. Returns a function that waits for it, shows its output and counts its result. */
  function startBeside(title, command, args) {
    return beside(title, command, args, countsOf(title), (ok) => finishStep(title, ok));
  }

  /** Starts a run of Vitest that runs beside the steps that follow. See {@link vitestStep} and {@link startBeside}. */
  function startVitestBeside(title, command) {
    const tests = vitestOf(title, command);
    return beside(title, ...tests.start(), (ok) => finishVitest(title, tests, tests.read(ok)));
  }

  function beside(title, command, args, env, onEnd) {
    const printTime = begin(`${title}: runs beside the next steps. Its output follows theirs`);
    const outputFile = fileOf(title, 'txt');
    const output = openSync(outputFile, 'w');
    const child = spawn(command, args, { stdio: ['ignore', output, output], env: { ...process.env, ...env } });
    closeSync(output);
    const ended = once(child, 'exit').then(
      ([code]) => code === 0,
      (error) => (console.error(`tokenward: ${error.message}`), false),
    );
    return async function finishBeside() {
      const ok = await ended;
      printTitle(title);
      process.stdout.write(readFileSync(outputFile));
      onEnd(ok);
      printTime(', beside other steps');
    };
  }

  function finish() {
    rmSync(folder, { recursive: true, force: true });
    // repeated at the end, because the output above it is long
    if (timedOut.length > 0)
      console.log(`\nTimed out at first. Their files ran once more, alone, and passed, except what is listed as failed:\n${timedOut.join('\n')}`);
    if (failures.length > 0) console.log(`\nFailed:\n${failures.join('\n')}`);
    const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
    console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
    process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
  }

  return { step, vitestStep, startBeside, startVitestBeside, finish };
}

/** Prints the title of a step. Returns a function that prints how long the step took. */
function begin(title) {
  printTitle(title);
  const startedAt = performance.now();
  return (note = '') => console.log(`took ${((performance.now() - startedAt) / 1000).toFixed(0)} s${note}`);
}

function printTitle(title) {
  console.log(`\n== ${title}`);
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
