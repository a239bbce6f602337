/** How a check ended. `note` tells something that is neither good nor bad. */
export type Verdict = 'ok' | 'note' | 'warn' | 'fail' | 'skip';

/** The result of a check: one line, with a remedy if there is something to do. */
export interface Check {
  /** What was checked, in a word or two. Stable, for `--json`. */
  readonly check: string;
  readonly verdict: Verdict;
  /** What was found. Values of servers in it are shortened and printable. */
  readonly detail: string;
  readonly remedy?: string;
}

export const ok = (check: string, detail: string): Check => ({ check, verdict: 'ok', detail });
export const note = (check: string, detail: string, remedy?: string): Check => ({ check, verdict: 'note', detail, ...(remedy !== undefined && { remedy }) });
export const skip = (check: string, detail: string): Check => ({ check, verdict: 'skip', detail });
export const warn = (check: string, detail: string, remedy: string): Check => ({ check, verdict: 'warn', detail, remedy });
export const fail = (check: string, detail: string, remedy: string): Check => ({ check, verdict: 'fail', detail, remedy });
