import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failedFiles, readVitestReport, sumOf } from './vitest-report.mjs';

/** If more test files than these fail, the reason is not a busy machine. */
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
  const passedAgain = [];

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

  /** With `onceMore`, a step that fails runs once more: see {@link vitestStep}. */
  function step(title, command, args, how) {
    const printTime = begin(title);
    finishStep(runStep(title, command, args), title, command, args, how);
    printTime();
  }

  function runStep(title, command, args) {
    return run(command, args, { env: countsOf(title), mayFail: true });
  }

  function finishStep(first, title, command, args, { onceMore = false } = {}) {
    let ok = first;
    if (!ok && onceMore) {
      printTitle(`${title}: once more`);
      ok = runStep(title, command, args);
      if (ok) passedAgain.push(title);
    }
    count(title, ok, readJson(fileOf(title, 'json')));
  }

  /**
   * A run of Vitest; `command` is what starts it. If a few test files fail, they run once more, alone: a test with a time-out may fail only because the
   * machine is busy. Tests that pass only then are named at the end.
   */
  function vitestStep(title, command, how) {
    const printTime = begin(title);
    const tests = vitestOf(title, command, how);
    finishVitest(title, tests, tests.run([]));
    printTime();
  }

  function vitestOf(title, [command, ...args], { reporter = 'default', env = {} } = {}) {
    const file = fileOf(title, 'json');
    const argsOf = (which) => [...args, `--reporter=${reporter}`, '--reporter=json', `--outputFile.json=${file}`, ...which];
    return {
      start: () => [command, argsOf([])],
      read: (ok) => ({ ok, report: existsSync(file) ? readVitestReport(file) : new Map() }),
      run(which) {
        rmSync(file, { force: true });
        return this.read(run(command, argsOf(which), { env, mayFail: true }));
      },
    };
  }

  function finishVitest(title, tests, first) {
    let { ok, report } = first;
    const files = failedFiles(report);
    if (!ok && files.length > 0 && files.length <= FEW_FILES) {
      printTitle(`${title}: once more, alone: ${files.join(', ')}`);
      const again = tests.run(files);
      if (again.ok) passedAgain.push(`${title}:`, ...sumOf(report).failures);
      ok = again.ok;
      report = new Map([...report, ...again.report]);
    }
    count(title, ok, sumOf(report));
  }

  /** Starts a step that runs beside the steps that follow. Returns a function that waits for it, shows its output and counts its result. */
  function startBeside(title, command, args, how) {
    return beside(title, command, args, countsOf(title), (ok) => finishStep(ok, title, command, args, how));
  }

  /** Starts a run of Vitest that runs beside the steps that follow. See {@link vitestStep} and {@link startBeside}. */
  function startVitestBeside(title, command) {
    const tests = vitestOf(title, command);
    return beside(title, ...tests.start(), {}, (ok) => finishVitest(title, tests, tests.read(ok)));
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
    if (passedAgain.length > 0) console.log(`\nFailed at first, and passed when it ran once more:\n${passedAgain.join('\n')}`);
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
