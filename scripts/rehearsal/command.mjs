import { spawn } from 'node:child_process';

const LAST_WORDS_CHARS = 6000;
const running = new Set();

/**
 * Runs a command to its end and resolves with what it wrote to standard output.
 *
 * @throws Error with the command and its last words, when it fails or takes longer than `timeoutSeconds`
 */
export function command(name, args, { cwd, env = process.env, timeoutSeconds }) {
  return new Promise((resolve, reject) => {
    // in a group of its own, so that what it started ends with it
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

    function fail(how) {
      settle();
      const lastWords = `${output.stdout}${output.stderr}`.trim().slice(-LAST_WORDS_CHARS);
      reject(new Error(`\`${[name, ...args].join(' ')}\` ${how}${lastWords ? `:\n${lastWords}` : ''}`));
    }

    child.on('error', (error) => fail(`could not be started (${error.code})`));
    child.on('close', (code, signal) => {
      if (code !== 0) return fail(`ended with ${code ?? signal}`);
      settle();
      resolve(output.stdout);
    });
  });
}

/** Ends all that is still running: for the end of the whole, when a signal asks for it. */
export function endAll() {
  for (const pid of running) endGroup(pid);
}

function endGroup(pid) {
  try {
    if (pid) process.kill(-pid, 'SIGKILL');
  } catch {
    // the whole group is gone already
  }
}
