/** How a command ends. Scripts and CI depend on these numbers, so they never change. */
export type ExitCode = 0 | 1 | 2 | 3;

export const EXIT_CODES = {
  /** The command did its work, and found nothing wrong. */
  good: 0,
  /** The command did its work, and found something wrong: a refused token, an open route, a failed check. */
  found: 1,
  /** The command was called wrongly: an unknown option, a missing value, input that it cannot read. */
  usedWrongly: 2,
  /** The command could not do its work: a network or a file failed. */
  couldNotRun: 3,
} as const satisfies Record<string, ExitCode>;

/** What `--help` says about each code. */
export const EXIT_CODE_TEXTS: Readonly<Record<ExitCode, string>> = {
  0: 'nothing is wrong',
  1: 'the command found something wrong',
  2: 'the command was used wrongly',
  3: 'the command could not run',
};
