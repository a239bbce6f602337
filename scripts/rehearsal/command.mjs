import { spawn } from 'node:child_process';

const SHOWN_OUTPUT_CHARS = 6000;
const running = new Set();

/**
 * Runs a command and resolves with its standard output.
 *
 * @throws Error with the command and the end of its output, if it fails or takes longer than `timeoutSeconds`
 */
export function command(name, args, { cwd, env = process.env, timeoutSeconds }) {
  return new Promise((resolve, reject) => {
    // its own process group, so that everything it started can be ended with it
    const child = spawn(name, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child.pid);
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) child[stream].setEncoding('utf8').on('data', (text) => (output[stream] += text));
    const timer = setTimeout(() => fail(`took longer than ${timeoutSeconds} s`), timeoutSeconds * 1000);

    function settle() {
      clearTimeout(timer);
      endGroup(child.pid);
      running.delete(child.pid);
    }

    function fail(problem) {
      settle();
      const shownOutput = `${output.stdout}${output.stderr}`.trim().slice(-SHOWN_OUTPUT_CHARS);
      reject(new Error(`\`${[name, ...args].join(' ')}\` ${problem}${shownOutput ? `:\n${shownOutput}` : ''}`));
    }

    child.on('error', (error) => fail(`could not be started (${error.code})`));
    child.on('close', (code, signal) => {
      if (code !== 0) return fail(`ended with ${code ?? signal}`);
      settle();
      resolve(output.stdout);
    });
  });
}

/** Ends all commands that still run, when a signal ends the rehearsal. */
export function endAll() {
  for (const pid of running) endGroup(pid);
}

function endGroup(pid) {
  try {
    if (pid) process.kill(-pid, 'SIGKILL');
  } catch {
    // the group has ended already
  }
}
