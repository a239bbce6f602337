import { TokenwardError } from './tokenward-error.js';

export interface ConfigurationProblem {
  /** Which option or call it is about: `audience`, `keyFetching.timeoutSeconds`, `scope()`. */
  readonly path: string;
  /** What is wrong, what was given where that is no secret, and what would do. */
  readonly message: string;
}

/** Options or calls that can't be right. It is thrown when they are given, and names all that is wrong at once. */
export class ConfigurationError extends TokenwardError {
  override readonly name = 'ConfigurationError';
  readonly code = 'TOKENWARD_CONFIGURATION';
  readonly problems: readonly ConfigurationProblem[];

  constructor(problems: readonly ConfigurationProblem[]) {
    super(
      problems.length === 1
        ? `tokenward: ${problems[0]!.path}: ${problems[0]!.message}`
        : `tokenward: ${problems.length} things are wrong:\n${problems.map(({ path, message }) => `  - ${path}: ${message}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

/** Returns the error for one option or call that can't be right. */
export function misuse(path: string, message: string): ConfigurationError {
  return new ConfigurationError([{ path, message }]);
}
