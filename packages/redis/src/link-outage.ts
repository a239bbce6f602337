import { createOutageWarnings } from '@tokenward/core/store';

/** The outage of one link. It prints one warning when it begins, and one when it ends, however many commands fail meanwhile. */
export interface LinkOutage {
  /** The server cannot be reached, or does not answer. */
  unreachable(message: string): void;
  /** The server answers, and refuses a kind of command: it has no memory left, say, or the user lacks a permission. */
  refused(kind: string, message: string): void;
  /** The server has answered a command of this kind. */
  answered(kind: string): void;
  /** So many commands wait for an answer that this process sends no more. The server may work, only slowly. */
  crowded(waiting: number): void;
  /** Few commands wait again. */
  relieved(): void;
  /** Why the last command failed. */
  readonly lastError: string | undefined;
  /** Reports nothing more. */
  close(): void;
}

const DEFAULT_MEANWHILE = 'Requests that need them are answered with 503 until the outage ends';

/** @param meanwhile what happens during the outage, without a full stop. Default: requests get 503 */
export function createLinkOutage(where: string, what: string, meanwhile: string = DEFAULT_MEANWHILE): LinkOutage {
  const warnings = createOutageWarnings();
  const crowd = `${where} crowd`;
  /** The kinds of commands that the server refused last. Others may succeed meanwhile, which ends nothing. */
  const refusedKinds = new Set<string>();
  let isUnreachable = false;
  let lastError: string | undefined;

  function begin(message: string): void {
    lastError = `${where}: ${message}`;
    warnings.began(where, `tokenward: cannot use the ${what} in ${where}: ${message}. ${meanwhile}.`);
  }

  function end(): void {
    lastError = undefined;
    if (!isUnreachable && refusedKinds.size === 0) warnings.ended(where, `tokenward: using the ${what} in ${where} again`);
  }

  return {
    unreachable(message) {
      isUnreachable = true;
      begin(message);
    },
    refused(kind, message) {
      refusedKinds.add(kind);
      begin(message);
    },
    answered(kind) {
      isUnreachable = false;
      refusedKinds.delete(kind);
      end();
    },
    crowded(waiting) {
      const text = `tokenward: ${waiting} commands for the ${what} in ${where} wait for an answer, so this process sends no more. ${meanwhile}`;
      warnings.began(crowd, `${text}. Look at the latency of Redis and at the load of this process.`);
    },
    relieved() {
      warnings.ended(crowd, `tokenward: few commands for the ${what} in ${where} wait for an answer again`);
    },
    get lastError() {
      return lastError;
    },
    close() {
      warnings.forget(where);
      warnings.forget(crowd);
    },
  };
}
