import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const GRACE_MS = 5000;
const POLL_MS = 50;

/**
 * Runs a command with this process' input and output, and forwards signals to it. The command gets its own process group, so that a signal reaches
 * everything that it started. Otherwise npm, pnpm and shells would end and leave a server running.
 *
 * @returns the command's exit code, or 128 plus the number of the signal that ended it
 */
export async function runInForeground(command, args, options = {}) {
  const child = spawn(command, args, { stdio: 'inherit', detached: process.platform !== 'win32', ...options });
  let hasForwarded = false;
  const handlers = SIGNALS.map((signal) => [signal, () => ((hasForwarded = true), send(child.pid, signal))]);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  const watch = watchParent(() => process.kill(process.pid, 'SIGTERM'));
  try {
    const [code, signal] = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (...how) => resolve(how));
    });
    if (hasForwarded) await groupEnded(child.pid);
    return code ?? 128 + constants.signals[signal];
  } finally {
    clearInterval(watch);
    for (const [signal, handler] of handlers) process.off(signal, handler);
  }
}

/** Calls `gone` when the parent process has ended. A signal for `npm run` ends npm and the shell in between, but does not reach this process. */
function watchParent(gone) {
  const parent = process.ppid;
  if (!process.env.npm_lifecycle_event) return undefined;
  return setInterval(() => process.ppid !== parent && gone(), POLL_MS);
}

/** Waits until the process group has ended, and kills it after a moment. */
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
    return false; // the group has ended
  }
}
