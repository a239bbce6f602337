import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const GRACE_MS = 5000;
const POLL_MS = 50;

/**
 * Runs a command with this process' input and output, and passes the signals on that this process gets. The command has a process group of
 * its own, so that a signal reaches all that it started: npm, pnpm and shells in between would end and leave a server running.
 *
 * @returns the exit code: the command's own, or 128 and the signal's number
 */
export async function runInForeground(command, args, options = {}) {
  const child = spawn(command, args, { stdio: 'inherit', detached: process.platform !== 'win32', ...options });
  let passedOn = false;
  const handlers = SIGNALS.map((signal) => [signal, () => ((passedOn = true), send(child.pid, signal))]);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  const watch = watchParent(() => process.kill(process.pid, 'SIGTERM'));
  try {
    const [code, signal] = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (...how) => resolve(how));
    });
    if (passedOn) await groupEnded(child.pid);
    return code ?? 128 + constants.signals[signal];
  } finally {
    clearInterval(watch);
    for (const [signal, handler] of handlers) process.off(signal, handler);
  }
}

/** A signal for `npm run` ends npm and the shell that it started us by, and does not reach us: that this shell is gone is all we see of it. */
function watchParent(gone) {
  const parent = process.ppid;
  if (!process.env.npm_lifecycle_event) return undefined;
  return setInterval(() => process.ppid !== parent && gone(), POLL_MS);
}

/** Whoever is asked to end gets a moment to do so, and is then ended. */
async function groupEnded(pid) {
  const until = performance.now() + GRACE_MS;
  while (send(pid, 0)) {
    if (performance.now() > until) return void send(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function send(pid, signal) {
  try {
    return process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    return false; // nobody of the group is left
  }
}
