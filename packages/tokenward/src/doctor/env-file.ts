import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { readSmallFile } from '../lib/small-file.js';
import { note, warn, type Check } from './check.js';

/** The variables that name the issuer and the audience. A guard without options reads the first of each. */
export const ISSUER_NAMES = ['ISSUER_BASE_URL', 'TOKENWARD_ISSUER', 'OAUTH_ISSUER', 'OIDC_ISSUER', 'OIDC_ISSUER_URL'] as const;
const AUDIENCE_NAMES = ['AUDIENCE', 'TOKENWARD_AUDIENCE', 'OAUTH_AUDIENCE', 'OIDC_AUDIENCE'] as const;
/** Node reads them when it starts, so a file that the app loads later has no effect. */
const READ_AT_START = ['NODE_EXTRA_CA_CERTS', 'NODE_USE_ENV_PROXY', 'NODE_OPTIONS'] as const;

export interface EnvFile {
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  readonly checks: readonly Check[];
}

/**
 * Reads issuer and audience from a file of environment variables. No other value of the file is used or shown.
 *
 * @throws UsageError or CannotRunError if it cannot be read
 */
export function readEnvFile(path: string, cwd: string): EnvFile {
  const values = parseEnv(readSmallFile(resolve(cwd, path), '--env-file'));
  const checks: Check[] = [];
  const find = (names: readonly string[], what: string): string | undefined => {
    const name = names.find((one) => values[one] !== undefined);
    if (name === undefined) {
      checks.push(note('env file', `it has no ${what} in ${names.join(', ')}`));
      return undefined;
    }
    const value = values[name]!;
    if (value !== value.trim())
      checks.push(warn('env file', `${name} has white space around its value`, `Remove it: issuer and audience are compared exactly.`));
    if (name !== names[0]) {
      checks.push(
        note(
          'env file',
          `the ${what} is in ${name}. A guard without options reads ${names[0]}`,
          `Pass process.env.${name} to the guard, or rename the variable to ${names[0]}.`,
        ),
      );
    }
    return value.trim() || undefined;
  };
  const issuer = find(ISSUER_NAMES, 'issuer');
  const audience = find(AUDIENCE_NAMES, 'audience');
  for (const name of READ_AT_START) {
    if (values[name] === undefined) continue;
    checks.push(
      warn(
        'env file',
        `${name} is in the file, and Node reads it only when it starts`,
        `Start the app with node --env-file=... only for other variables, and set ${name} in the environment of the process.`,
      ),
    );
  }
  return { issuer, audience, checks };
}
