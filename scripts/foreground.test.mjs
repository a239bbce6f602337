import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runInForeground } from './foreground.mjs';

const folder = mkdtempSync(join(tmpdir(), 'tokenward-foreground-'));
const foreground = new URL('foreground.mjs', import.meta.url).href;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('returns the exit code of the command', async () => {
  expect(await runInForeground(process.execPath, ['-e', 'process.exit(3)'])).toBe(3);
  expect(await runInForeground(process.execPath, ['-e', ''])).toBe(0);
});

test('rejects if the command does not exist', async () => {
  await expect(runInForeground(join(folder, 'missing'), [])).rejects.toThrow('ENOENT');
});

/** Starts a shell that waits for a server, as `npm run demo -- --serve` does. A signal for the shell alone would leave the server running. */
async function startServer(onTerm) {
  const server = join(folder, 'server.mjs');
  writeFileSync(server, `${onTerm}\nsetInterval(() => {}, 1000);\nprocess.stdout.write(\`serving \${process.pid}\\n\`);`);
  const script = `import { runInForeground } from '${foreground}';
    process.exitCode = await runInForeground('sh', ['-c', '"${process.execPath}" "${server}"; exit $?']);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  return { child, pid: Number(/serving (\d+)/.exec(line)[1]) };
}

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'])('forwards %s to all processes that it started, and ends after them', async (signal) => {
  const { child, pid } = await startServer('');
  child.kill(signal);
  const [code] = await once(child, 'exit');
  expect(code).toBe({ SIGTERM: 143, SIGINT: 130, SIGHUP: 129 }[signal]);
  expect(isRunning(pid)).toBe(false);
});

test('ends the process that it started once npm and the shell in between have ended', async () => {
  const server = join(folder, 'orphan.mjs');
  writeFileSync(server, 'setInterval(() => {}, 1000);\nprocess.stdout.write(`serving ${process.pid}\\n`);');
  const task = join(folder, 'task.mjs');
  writeFileSync(task, `import { runInForeground } from '${foreground}';\nprocess.exitCode = await runInForeground(process.execPath, ['${server}']);`);
  const shell = spawn('sh', ['-c', `"${process.execPath}" "${task}"; exit $?`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, npm_lifecycle_event: 'demo' },
  });
  const [line] = await once(shell.stdout.setEncoding('utf8'), 'data');
  shell.kill('SIGTERM');
  await once(shell, 'exit');
  await expect.poll(() => isRunning(Number(/serving (\d+)/.exec(line)[1]))).toBe(false);
});

test('waits for a server that cleans up before it exits', async () => {
  const done = join(folder, 'done');
  const { child, pid } = await startServer(
    `import { writeFileSync } from 'node:fs';
     process.on('SIGTERM', () => setTimeout(() => { writeFileSync(${JSON.stringify(done)}, 'done'); process.exit(); }, 300));`,
  );
  child.kill('SIGTERM');
  await once(child, 'exit');
  expect(readFileSync(done, 'utf8')).toBe('done');
  expect(isRunning(pid)).toBe(false);
});

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
