import { onTestFinished } from 'vitest';

/** The outage warnings that this process has printed. */
export interface OutageWarnings {
  /** Grows as warnings arrive. */
  readonly messages: readonly string[];
  /** Waits for the warnings that were just emitted, and returns all. */
  seen(): Promise<readonly string[]>;
}

/** Collects outage warnings until the test ends. */
export function collectOutageWarnings(): OutageWarnings {
  const messages: string[] = [];
  const onWarning = (warning: Error & { readonly code?: string }): void => {
    if (warning.code === 'TOKENWARD_OUTAGE') messages.push(warning.message);
  };
  process.on('warning', onWarning);
  onTestFinished(() => void process.off('warning', onWarning));
  return {
    messages,
    async seen() {
      // Node emits a warning one tick after the call
      await new Promise(setImmediate);
      return messages;
    },
  };
}
