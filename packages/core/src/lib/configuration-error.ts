import { TokenwardError } from './tokenward-error.js';

export interface ConfigurationProblem {
  /** The option or call: `audience`, `keyFetching.timeoutSeconds`, `scope()`. */
  readonly path: string;
  /** What is wrong, the given value if it cannot be a secret, and the remedy. */
  readonly message: string;
}

/** Invalid options, or a call that cannot be right. The error lists all problems at once. */
export class ConfigurationError extends TokenwardError {
  override readonly name = 'ConfigurationError';
  readonly code = 'TOKENWARD_CONFIGURATION';
  readonly problems: readonly ConfigurationProblem[];

  constructor(problems: readonly ConfigurationProblem[]) {
    super(
      problems.length === 1
        ? `tokenward: ${problems[0]!.path}: ${problems[0]!.message}`
        : `tokenward: ${problems.length} invalid options:\n${problems.map(({ path, message }) => `  - ${path}: ${message}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

/** Returns the error for one invalid option or call. */
export function misuse(path: string, message: string): ConfigurationError {
  return new ConfigurationError([{ path, message }]);
}
