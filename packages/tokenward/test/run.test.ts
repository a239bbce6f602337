import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { defineCommand, EXIT_CODES, type Command } from 'tokenward';
import { runCommand } from './run-command.js';

const SECRET = 'k3y-That-Nobody-May-See';
const failing = new TypeError(`cannot read ${SECRET}`);

const commands: readonly Command[] = [
  defineCommand({
    name: 'greet',
    summary: 'Greet somebody',
    usage: '[options] <who>',
    description: 'The first paragraph.\nThe second paragraph.',
    options: {
      word: { type: 'string', value: 'WORD', summary: 'The word to greet with', choices: ['hello', 'welcome'] },
      title: { type: 'string', short: 't', multiple: true, summary: 'A title' },
      json: { type: 'boolean', summary: 'Print JSON' },
    },
    positionals: [{ name: 'who', summary: 'whom to greet' }],
    examples: ['tokenward greet Ada'],
    exitCodes: { 1: 'nobody was there' },
    run({ options, positionals, output }) {
      if (options.json) output.json({ options, positionals });
      else output.line(`${output.style.bold(options.word ?? 'hello')} ${positionals[0]}`);
      return EXIT_CODES.good;
    },
  }),
  { name: 'listen', summary: 'Take nothing', usage: '', options: {}, run: () => 1 },
  {
    name: 'break',
    summary: 'Fail',
    usage: '',
    options: {},
    run() {
      throw failing;
    },
  },
  {
    name: 'wait',
    summary: 'Take long',
    usage: '',
    options: {},
    async run({ output }) {
      await output.during('waiting for a reply', new Promise((resolve) => setTimeout(resolve, 1100)));
      return EXIT_CODES.good;
    },
  },
];

test('lists the commands with --help, -h and help, and without a command on standard error with exit code 2', async () => {
  for (const asked of ['--help', '-h', 'help']) {
    const { code, stdout, stderr } = await runCommand([asked], { commands });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/greet {3}Greet somebody\n.*listen {2}Take nothing/s);
  }
  expect((await runCommand(['help', 'greet'], { commands })).stdout).toMatch(/^tokenward greet: Greet somebody\n/);
  const unknown = await runCommand(['help', 'gret'], { commands });
  expect([unknown.code, unknown.stdout, unknown.stderr]).toEqual([2, '', 'error: there is no such command: did you mean greet?\n']);
  const none = await runCommand([], { commands });
  expect([none.code, none.stdout]).toEqual([2, '']);
  expect(none.stderr).toContain('greet');
});

test('shows the help of a command: its usage, arguments, options with choices, exit codes and examples', async () => {
  const { code, stdout } = await runCommand(['greet', '--help'], { commands });
  expect(code).toBe(0);
  for (const part of [
    'Usage: tokenward greet [options] <who>',
    'The first paragraph.\nThe second paragraph.',
    '  <who>  whom to greet',
    '--word WORD',
    'The word to greet with: hello, welcome',
    '-t, --title VALUE ...  A title',
    '-h, --help',
    '  1  nobody was there',
    '  3  the command could not run',
    '  tokenward greet Ada',
  ]) {
    expect(stdout).toContain(part);
  }
  expect((await runCommand(['help', 'greet'], { commands })).stdout).toBe(stdout);
  // help wins over whatever else is wrong
  expect((await runCommand(['greet', '--wrod', 'x', '-h'], { commands })).stdout).toBe(stdout);
});

test('keeps the help within the width of the terminal', async () => {
  const { stdout } = await runCommand(['greet', '--help'], { commands });
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('passes options and arguments to the command, in any order', async () => {
  const { code, stdout } = await runCommand(['greet', '-t', 'Dr.', 'Ada', '--title=Lady', '--word', 'welcome', '--json'], { commands });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ options: { word: 'welcome', title: ['Dr.', 'Lady'], json: true, help: false }, positionals: ['Ada'] });
});

test.each([
  [['greet', 'Ada', '--wrod', 'hello'], 'greet has no option --wrod: did you mean --word?'],
  [['greet', 'Ada', '--xyz'], 'greet has no option --xyz. See tokenward greet --help'],
  [['greet', 'Ada', '-x'], 'greet has no option -x'],
  [['greet', 'Ada', '--word'], '--word needs a value: --word WORD'],
  [['greet', 'Ada', '--word='], '--word needs a value: --word WORD'],
  [['greet', 'Ada', '--word', '--json'], '--word needs a value: --word WORD'],
  [['greet', 'Ada', '--word', 'helo'], '--word does not know this value: did you mean hello?'],
  [['greet', 'Ada', '--word', 'xxxxxx'], '--word does not know this value. Use one of hello, welcome'],
  [['greet', 'Ada', '--word', 'hello', '--word', 'hello'], '--word was given twice'],
  [['greet', 'Ada', '--json=yes'], '--json takes no value'],
  [['greet'], '<who> is missing: whom to greet'],
  [['greet', 'Ada', 'Grace'], 'greet takes no more than <who>'],
  [['listen', 'Ada'], 'listen takes only options'],
  [['gret', 'Ada'], 'there is no such command: did you mean greet?'],
  [['xyz'], 'there is no such command. tokenward --help lists the commands'],
  [['constructor'], 'there is no such command'],
  [['--json', 'greet', 'Ada'], 'options of a command come after its name: tokenward <command> [options]'],
  [['greet', 'Ada', '--constructor'], 'greet has no option --constructor'],
])('used wrongly, as in %j, it says what is wrong and ends with 2', async (args, message) => {
  const { code, stdout, stderr } = await runCommand(args, { commands });
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(`error: ${message}`);
});

test('rule 263: a message never repeats a word or a value that may be a token', async () => {
  for (const args of [
    [SECRET],
    ['listen', SECRET],
    ['greet', 'a', SECRET],
    ['greet', 'a', `--${SECRET}`],
    ['greet', 'a', '--word', SECRET],
    ['greet', 'a', `--json=${SECRET}`],
    ['break'],
  ]) {
    const { code, stdout, stderr } = await runCommand(args, { commands });
    expect(code).toBeGreaterThan(1);
    expect(stdout + stderr).not.toContain(SECRET);
  }
});

test('an exception ends with 3, and shows only its class', async () => {
  const { code, stderr } = await runCommand(['break'], { commands });
  expect([code, stderr]).toEqual([3, 'error: the command failed with TypeError. This is a bug in tokenward: please report it\n']);
});

test('writes colours to a terminal only, and neither with NO_COLOR nor on a dumb terminal', async () => {
  const greet = async (isTTY: boolean, env: Record<string, string>) => (await runCommand(['greet', 'Ada'], { commands, isTTY, env })).stdout;
  expect(await greet(true, {})).toBe('\u001B[1mhello\u001B[22m Ada\n');
  expect(await greet(true, { NO_COLOR: '1' })).toBe('hello Ada\n');
  expect(await greet(true, { TERM: 'dumb' })).toBe('hello Ada\n');
  expect(await greet(false, {})).toBe('hello Ada\n');
});

test('says on a terminal what it waits for after a second, and removes the line', async () => {
  const [shown, quiet] = await Promise.all([runCommand(['wait'], { commands, isTTY: true }), runCommand(['wait'], { commands })]);
  expect(shown.stderr).toBe('\r\u001B[2Kwaiting for a reply ... 1 s\r\u001B[2K');
  expect(quiet.stderr).toBe('');
});

test('the installed program answers --help and --version, and ends quietly when its reader has enough', () => {
  const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  const shown = spawnSync(process.execPath, [bin, '--version'], { encoding: 'utf8' });
  expect([shown.status, shown.stdout, shown.stderr]).toEqual([0, `${version}\n`, '']);
  const piped = spawnSync('sh', ['-c', `"${process.execPath}" "${bin}" --help | true`], { encoding: 'utf8' });
  expect(piped.stderr).toBe('');
});

test.runIf(process.platform === 'linux')('ends with 3 if its output cannot be written, so that nobody takes a part for the whole', () => {
  const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
  const full = spawnSync('sh', ['-c', `"${process.execPath}" "${bin}" --help > /dev/full`], { encoding: 'utf8' });
  expect([full.status, full.stderr]).toEqual([3, 'error: the output cannot be written (ENOSPC)\n']);
  // by then, the reader has ended
  const closed = spawnSync('bash', ['-c', `set -o pipefail; { sleep 1; "${process.execPath}" "${bin}" --help; } | true`], { encoding: 'utf8' });
  expect([closed.status, closed.stderr]).toEqual([3, '']);
  const both = spawnSync('sh', ['-c', `"${process.execPath}" "${bin}" --help > /dev/full 2>&1`], { encoding: 'utf8' });
  expect(both.status).toBe(3);
});

test.runIf(process.platform === 'linux').each(['', ' --json'])('ends with 3 if a file takes only a part of its output%s', (json) => {
  const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-run-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  // the system then takes the first part of a write, and reports no error
  const limited = `trap '' XFSZ; ulimit -f 1; exec "${process.execPath}" "${bin}" doctor --issuer http://127.0.0.1:1 --audience x${json} > "${folder}/out"`;
  const { status, stderr } = spawnSync('bash', ['-c', limited], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([3, 'error: the output cannot be written (EFBIG)\n']);
});

test('rule 296: nothing that a command shows is more than text for the terminal', async () => {
  const hostile = '\u001B]0;title\u0007\u001B[2J\u001B[8m\u001B[32m\u001B[39m\u009B31m\r\u202Eabc\u2028\u007F';
  const show: Command = {
    name: 'show',
    summary: 'Show',
    usage: '',
    options: { json: { type: 'boolean', summary: 'Print JSON' } },
    run({ options, output }) {
      if (options['json']) output.json({ [hostile]: hostile });
      else output.line(`a\tb ${output.style.red(hostile)}`);
      output.note(hostile);
      throw Object.assign(new Error(`cannot read ${hostile}`), { code: 'TOKENWARD_TEST' });
    },
  };
  const shown = '\\u001b]0;title\\u0007\\u001b[2J\\u001b[8m\\u001b[32m\\u001b[39m\\u009b31m\\u000d\\u202eabc\\u2028\\u007f';
  const lines = await runCommand(['show'], { commands: [show], isTTY: true });
  expect(lines.stdout).toBe(`a\tb \u001B[31m${shown}\u001B[39m\n`);
  expect(lines.stderr).toBe(`${shown}\n\u001B[31merror:\u001B[39m cannot read ${shown}\n`);
  const json = await runCommand(['show', '--json'], { commands: [show] });
  expect(json.stdout).toMatch(/^[\n\x20-\x7e]+$/);
  expect(JSON.parse(json.stdout)).toEqual({ [hostile]: hostile });
});
