import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';

const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const steps = new URL('steps.mjs', import.meta.url).href;

const PASSES = `test('passes', () => {});`;
/** The body of a test or hook that waits for ever the first time, and not the second, and its time-out. */
const slowAtFirst = (name) => `async () => {
  if (fs.existsSync('${name}')) return;
  fs.writeFileSync('${name}', '');
  await new Promise(() => {});
}, fs.existsSync('${name}') ? 60_000 : 300`;
const SLOW = `test('is slow', ${slowAtFirst('slow')});`;

/** Runs these test files as a step of a test run. Returns its exit code, how often Vitest ran, and what it printed at the end. */
async function runStep(files, how = `tally.vitestStep('tests', command)`) {
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-steps-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const config = { test: { globals: true, isolate: false, maxWorkers: 1 } };
  writeFileSync(join(folder, 'vitest.config.mjs'), `export default ${JSON.stringify(config)};`);
  for (const [name, source] of Object.entries(files)) writeFileSync(join(folder, `${name}.test.mjs`), `import fs from 'node:fs';\n${source}`);
  const script = `import { createTally } from '${steps}';
    const tally = createTally();
    const command = ${JSON.stringify([process.execPath, vitest, 'run'])};
    ${how};
    tally.finish();`;
  const env = { ...process.env, NO_COLOR: '1' };
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const end = output.slice(output.lastIndexOf('\ntook '));
  return { code, runs: output.split(' RUN ').length - 1, end, lastLine: output.trimEnd().split('\n').at(-1) };
}

describe('a run of Vitest', { timeout: 60_000 }, () => {
  test('runs once more, alone, what timed out, names it, and counts each test once', async () => {
    const hook = `beforeAll(${slowAtFirst('hook')}); ${PASSES} test.skip('is skipped', () => {});`;
    const late = `test('is late', () => {
      if (fs.existsSync('late')) return;
      fs.writeFileSync('late', '');
      throw new Error('GET /me: no answer within 10 s');
    });`;
    const { code, runs, end, lastLine } = await runStep({ slow: SLOW, hook, late, other: PASSES });
    expect([code, runs, lastLine]).toEqual([0, 2, '4 passed, 0 failed, 1 skipped']);
    expect(end).toMatch(/^Timed out at first\. .+\ntests:\n/m);
    expect(end).toMatch(/^slow\.test\.mjs: is slow\n {4}TestTimeoutError: Test timed out in 300ms/m);
    expect(end).toMatch(/^hook\.test\.mjs\n {4}HookTimeoutError: Hook timed out in 300ms/m);
    expect(end).toMatch(/^late\.test\.mjs: is late\n {4}Error: GET \/me: no answer within 10 s/m);
    expect(end).not.toContain('Failed:');
  });

  test('fails if a test times out twice, also beside other steps', async () => {
    const files = { slow: SLOW, hangs: `test('hangs', () => new Promise(() => {}), 300);` };
    const { code, runs, end, lastLine } = await runStep(files, `await tally.startVitestBeside('tests', command)()`);
    expect([code, runs, lastLine]).toEqual([1, 2, '1 passed, 1 failed']);
    const [, first, last] = /Timed out at first\..+\n([^]+)\nFailed:\n([^]+)/.exec(end);
    expect(first).toContain('slow.test.mjs: is slow');
    expect(last).toMatch(/^tests:\nhangs\.test\.mjs: hangs\n {4}TestTimeoutError: /);
    expect(last).not.toContain('slow.test.mjs');
  });

  test('fails at once if a test fails beside others, though it would pass alone', async () => {
    const shared = `test('has the process for itself', () => expect(globalThis.files = (globalThis.files ?? 0) + 1).toBe(1));`;
    const { code, runs, end, lastLine } = await runStep({ one: shared, other: shared, slow: SLOW });
    expect([code, runs, lastLine]).toEqual([1, 1, '1 passed, 2 failed']);
    expect(end).toMatch(/^(one|other)\.test\.mjs: has the process for itself\n {4}AssertionError: expected 2 to be 1/m);
  });

  test('fails at once if an assertion fails on a text about a time-out', async () => {
    const wrong = `test('reads it', () => expect('no answer within 10 s').toBe('an answer'));`;
    const { code, runs, lastLine } = await runStep({ wrong, slow: SLOW });
    expect([code, runs, lastLine]).toEqual([1, 1, '0 passed, 2 failed']);
  });

  test('fails at once if nothing handled an error, and counts it', async () => {
    const lost = `test('loses a promise', async () => {
      void Promise.reject(new Error('nobody waits for this'));
      await new Promise((resolve) => setTimeout(resolve, 50));
    });`;
    const { code, runs, end, lastLine } = await runStep({ lost, slow: SLOW });
    expect([code, runs, lastLine]).toEqual([1, 1, '1 passed, 2 failed']);
    expect(end).toMatch(/^lost\.test\.mjs: Unhandled Rejection\n {4}Error: nobody waits for this/m);
  });

  test('counts and names failures of hooks, and files that cannot be loaded', async () => {
    const hook = `describe('a suite', () => { beforeAll(() => { throw new Error('no server'); }); ${PASSES} });`;
    const { code, runs, end, lastLine } = await runStep({ hook, broken: `import './missing.mjs';`, other: PASSES });
    expect([code, runs, lastLine]).toEqual([1, 1, '1 passed, 2 failed, 1 skipped']);
    expect(end).toMatch(/^hook\.test\.mjs: a suite\n {4}Error: no server/m);
    expect(end).toMatch(/^broken\.test\.mjs\n {4}Error: /m);
  });

  test('fails and says so if a worker crashes, or if Vitest cannot start', async () => {
    const crash = { crash: `test('crashes', () => process.kill(process.pid, 'SIGKILL'));` };
    const { code, end } = await runStep(crash, `tally.vitestStep('tests', command); tally.vitestStep('more', [...command, '--config', 'missing.mjs'])`);
    expect(code).toBe(1);
    expect(end).toContain('crash.test.mjs: it did not finish');
    expect(end).toContain('more:');
  });
});

test('a step that fails is a failure, and is not repeated', async () => {
  const once = `if (fs.existsSync('seen')) process.exit(0); fs.writeFileSync('seen', ''); process.exit(1);`;
  const { code, end, lastLine } = await runStep({}, `tally.step('check', process.execPath, ['-e', ${JSON.stringify(once)}])`);
  expect([code, lastLine]).toEqual([1, '0 passed, 1 failed']);
  expect(end).toContain('Failed:\ncheck:');
});
